"""The training itself.

    boxes ─ batch (seed, epoch) ─ augment (seed, step) ─ network ─ loss ─ optimiser ─ running average
                                                                                          │ every epoch
                                                             held-out boxes ─ scores ─ best weights kept

Nothing but the weights, the optimisers and a counter goes from one step to the next: every random number is drawn
from the seed and the number of the step. So a training that was interrupted and resumed ends with the same weights.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ais_app.core.errors import ModelProblem
from ais_app.core.jobs import Job, JobCancelled, Progress
from ais_app.core.model.architectures import architecture
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import Model, new_model
from ais_app.core.provenance import versions
from ais_app.core.training.batches import epoch_batches, steps_per_epoch
from ais_app.core.training.boxes import BoxSet, TrainingData
from ais_app.core.training.hardware import Hardware, deterministic, hardware, kept_memory, reproducible, sound
from ais_app.core.training.optimise import RunningAverage, learning_rate
from ais_app.core.training.parameters import TrainParams, suited
from ais_app.core.training.state import TrainingState, belongs, load_checkpoint, save_checkpoint, signature
from ais_app.core.training.tasks import Task, task_named

CHECKPOINT_SECONDS = 60.0


@dataclass(frozen=True)
class TrainingResult:
    """What a training gives.

    Parameters
    ----------
    model
        With the weights of the best epoch: the running average with the lowest held-out loss, or the last one where
        nothing is held out.
    history
        One mapping per epoch: epoch, learning_rate, training_loss and, on held-out boxes, loss and the scores of the
        task; for segmentation dice, precision, recall, average_precision, best_threshold, best_dice.
    finished
        False when it was stopped before its last epoch and not by its own patience.
    """

    model: Model
    history: list[dict[str, Any]]
    finished: bool


def train_job(
    data: TrainingData,
    params: TrainParams,
    card: ModelCard,
    *,
    start: Model | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    kept: Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_epoch: Callable[[Model], None] | None = None,
    task: Task | None = None,
) -> Job[TrainingResult]:
    """Train a network; a generator that yields after every batch.

    Parameters
    ----------
    data
        What `cut_boxes` gives.
    params
        See `TrainParams`.
    card
        Architecture, its parameters, feature, colour; voxel size, box size, contrast and record are filled in.
    start
        Continue from the weights of this model.
    checkpoint
        File to which the state is written every `checkpoint_seconds` at the end of an epoch and when stopped; removed
        when the training is finished.
    resume
        Go on from `checkpoint`, to the same weights as without the interruption.
    kept
        A checkpoint for work that a training is only a part of, instead of `checkpoint`: where it is of this very
        training it is gone on with, else the training begins anew. It stays when the training is finished, so that
        the rest can be interrupted too; who calls removes it.
    on_epoch
        Called after every epoch with the weights in training, for a preview. They change later: use or copy them.
    task
        What is learned, where it is not what the architecture is for: it then also says how.

    Yields
    ------
    Progress
        Batches done of all; values: ``loss`` after each batch, the whole history entry after each epoch.

    Returns
    -------
    TrainingResult
        Also when stopped with `JobCancelled`: the best weights so far.

    Raises
    ------
    ModelProblem
        The loss is no longer a finite number, or `start` is of another architecture or depth.
    """
    machine = hardware(params)
    run = _Training(data, params, card, machine, start, task)
    place = kept or checkpoint
    if place is not None and (belongs(place, run.signed) if kept is not None else resume):
        load_checkpoint(place, run.state, run.signed)
    was_done = run.done
    with ExitStack() as stack:
        stack.enter_context(kept_memory())
        stack.enter_context(deterministic(machine.device))
        try:
            yield from _epochs(run, place, checkpoint_seconds, on_epoch)
        except JobCancelled:
            if place is not None and not run.done:
                save_checkpoint(place, run.state, run.signed)
    if kept is not None and run.done and not was_done:
        save_checkpoint(kept, run.state, run.signed)
    elif kept is None and checkpoint is not None and run.done:
        checkpoint.unlink(missing_ok=True)
    return TrainingResult(run.model(run.done), run.state.history, run.done)


def _epochs(
    run: _Training, checkpoint: Path | None, seconds: float, on_epoch: Callable[[Model], None] | None
) -> Iterator[Progress]:
    saved = time.monotonic()
    while not run.done:
        for loss in run.remaining_steps():
            message = f"epoch {run.epoch + 1} of {run.params.epochs}"
            yield Progress(run.state.step, run.steps, message, {"loss": loss})
        entry = run.close_epoch()
        if on_epoch is not None:
            on_epoch(Model(run.state.average.network, run.card))
        if checkpoint is not None and time.monotonic() - saved >= seconds:
            save_checkpoint(checkpoint, run.state, run.signed)
            saved = time.monotonic()
        yield Progress(run.state.step, run.steps, f"epoch {entry['epoch']} of {run.params.epochs}", entry)


class _Training:
    """The state with what it is trained on."""

    def __init__(
        self,
        data: TrainingData,
        params: TrainParams,
        card: ModelCard,
        machine: Hardware,
        start: Model | None,
        task: Task | None = None,
    ) -> None:
        record = start.architecture if start is not None else architecture(card.architecture)
        if record.task == "segment":
            params = suited(params, record.stride, record.dimension)
        self.data, self.params, self.machine = data, params, machine
        self.card = dataclasses.replace(
            card, depth=params.depth, box_size=params.box_size, voxel_size=data.voxel_size, contrast=data.contrast
        )
        self.per_epoch = steps_per_epoch(len(data.training), params)
        self.steps = self.per_epoch * params.epochs
        self.source = start.source if start is not None else ""
        begun = start.network if start is not None else None
        self.signed = signature(data.training, data.held_out, params, self.card, begun)
        with reproducible(params.seed, 0):
            model = _initial(self.card, start)
            network = model.network.to(machine.device).channels_last().train()
            brought = model.architecture.objective if task is None else None
            self.task = task or task_named(model.architecture.task)
            self.task.check(data.training)
            usual = self.task.objective(network, params)
            objective = brought(usual) if brought is not None else usual
        self.state = TrainingState(network, objective, RunningAverage(network, params.averaging))
        self.images, self.labels = self._on_device(data.training)
        first = self.task.augment(self.images[:1], self.labels[:1], params, torch.Generator().manual_seed(0))[0]
        self.machine = sound(machine, network, first)

    def _on_device(self, boxes: BoxSet) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.machine.device
        return torch.from_numpy(boxes.images).to(device), torch.from_numpy(boxes.labels).to(device)

    @property
    def epoch(self) -> int:
        """Number of the epoch under way, counted from 0."""
        return len(self.state.history)

    @property
    def done(self) -> bool:
        """Whether all epochs are done, or the held-out loss has not fallen for too long."""
        waited = self.epoch - self.state.best_epoch
        patient = self.params.patience is None or self.data.held_out is None or waited < self.params.patience
        return self.epoch >= self.params.epochs or not patient

    def remaining_steps(self) -> Iterator[float]:
        """Do the steps of the epoch that are left and give the loss of each."""
        first = self.state.step - self.epoch * self.per_epoch
        for indices in epoch_batches(self.data.training.positive, self.params, self.epoch)[first:]:
            loss = self._step(indices)
            self.state.losses.append(loss)
            self.state.step += 1
            yield loss

    def _step(self, indices: np.ndarray) -> float:
        state, params = self.state, self.params
        random = torch.Generator().manual_seed((params.seed * 1_000_003 + state.step) % 2**63)
        which = torch.from_numpy(indices).to(self.machine.device)
        images, labels = self.task.augment(self.images[which], self.labels[which], params, random)
        rate = learning_rate(state.step, self.steps, params)
        with reproducible(params.seed, state.step):
            value = state.objective.step(images, labels, rate, self._precision)
        state.average.update(state.network, state.step)
        if not math.isfinite(value):
            remedy = "lower the learning rate, or look for NaN in the tomograms"
            raise ModelProblem("training", f"the loss became {value} at step {state.step + 1}", remedy)
        return value

    def _precision(self) -> Any:
        return torch.autocast(self.machine.device.type, torch.bfloat16, enabled=self.machine.bf16)

    def close_epoch(self) -> dict[str, Any]:
        """Measure, add to the history, keep the weights if they are the best."""
        state = self.state
        entry: dict[str, Any] = {
            "epoch": self.epoch + 1,
            "learning_rate": learning_rate(state.step - 1, self.steps, self.params),
            "training_loss": float(np.mean(state.losses)),
        }
        state.losses = []
        if self.data.held_out is not None:
            run = (state.average.network, state.objective, self.params, self._precision)
            entry |= self.task.measure(self.data.held_out, *run)
        state.history.append(entry)
        # without held-out data the last weights are the best guess: the loss of altered boxes only scatters
        state.keep_if_best(entry.get("loss", -float(self.epoch)))
        return entry

    def model(self, finished: bool) -> Model:
        """Return the best weights, or the present ones before the first epoch has ended, on the CPU."""
        state = self.state
        network = state.average.network
        if state.best:
            network.load_state_dict(state.best)
        best = state.history[state.best_epoch - 1] if state.best_epoch else {}
        record = {
            "data": dict(self.data.record),
            "parameters": self.params.to_dict(),
            "seed": self.params.seed,
            "epochs": self.epoch,
            "steps": state.step,
            "finished": finished,
            "best_epoch": state.best_epoch,
            "metrics": {name: best[name] for name in best if name not in ("epoch", "learning_rate")},
            "hardware": self.machine.words,
            "versions": versions(),
        }
        card = dataclasses.replace(self.card, training={**self.card.training, **record})
        return Model(network.to("cpu").eval(), card, self.source)


def _initial(card: ModelCard, start: Model | None) -> Model:
    """Return a model with the weights of `start`, else with new ones."""
    if start is None:
        return new_model(card)
    theirs = start.card
    same_depth = theirs.depth == card.depth or start.network.dimension == 3  # volumes may be of any depth
    if theirs.architecture != card.architecture or not same_depth:
        problem = f"is a {theirs.architecture} of depth {theirs.depth}, not a {card.architecture} of {card.depth}"
        raise ModelProblem(theirs.feature, problem, "choose its architecture and depth")
    model = new_model(dataclasses.replace(card, parameters=theirs.parameters), source=start.source)
    model.network.load_state_dict(start.network.state_dict())
    return model
