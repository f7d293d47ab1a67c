"""Carry a classifier from the subtomograms it was trained on to others of which no class is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import ModelProblem
from ais_app.core.files import check_file_writable, check_not_input
from ais_app.core.jobs import Job, JobCancelled, Progress, direct
from ais_app.core.model.package import Model, load_model, save_model
from ais_app.core.particles.classify import answers_job, class_names, cube_edge, middle
from ais_app.core.particles.labels import NO_CLASS, labels_of
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.training.adapt_parameters import AdaptParams
from ais_app.core.training.checkpoint import checkpoint_path
from ais_app.operations.train import history_files, write_history


@dataclass(frozen=True)
class Adapted:
    """What an adaptation leaves.

    Parameters
    ----------
    model
        The model package; ``<model>.json`` beside it says how it was made.
    history
        ``<model stem>_history.csv``, one row per epoch, and the same as ``.json``.
    metrics
        Of the best epoch: ``entropy`` of the answers on held-out target subtomograms, ``discriminator``, the share
        of subtomograms whose side the discriminator tells; 0.5 is chance.
    before, after
        Accuracy on the target where its stack has classes of the same names; else ``None``.
    finished
        False when it was stopped early; the model then has the best weights so far.
    """

    model: Path
    history: tuple[Path, Path]
    metrics: Mapping[str, Any]
    before: float | None
    after: float | None
    finished: bool


def subtomo_adapt_job(
    model: str | Path,
    source: str | Path,
    target: str | Path,
    out: str | Path = "adapted.aismodel",
    params: AdaptParams | None = None,
    *,
    trust_source: bool = False,
    resume: bool = False,
) -> Job[Adapted]:
    """Adapt a classifier.

    Parameters
    ----------
    model
        A model package of a network that classifies cubes, trained on subtomograms like those of `source`.
    source
        Stack like the one it was trained on; its classes are not used.
    target
        Stack that the network is to be good at. No class is needed; where it has some, they are used to say what
        was gained, and for nothing else.
    out
        Model package to write.
    params
        See `AdaptParams`.
    trust_source
        Run the source of an architecture that is packed with the model.
    resume
        Go on from the checkpoint of an adaptation that was interrupted.

    Raises
    ------
    FileProblem
        A file cannot be read or written.
    ModelProblem
        The network does not classify cubes, or not of this size; or the training diverged.
    ParameterProblem
        A stack has too few subtomograms, or smaller ones than the network takes.
    """
    from ais_app.core.training.adapt import Adapt, adapt_data
    from ais_app.core.training.trainer import train_job

    params, out = params or AdaptParams(), Path(out)
    yield Progress(0, 0, "reading subtomograms")
    check_file_writable(out, "a model: NAME.aismodel")
    check_not_input([out, *history_files(out)], [model, source, target])
    first = load_model(model, trust_source=trust_source)
    if first.architecture.task != "classify":
        raise ModelProblem(model, "does not classify cubes", "train one with ais-app subtomo train")
    stacks = SubtomogramStack.open(source), SubtomogramStack.open(target)
    settings = params.for_training(first.card.architecture, cube_edge(first))
    cubes = [_cubes(stack, settings.box_size) for stack in stacks]
    data = adapt_data(cubes[0], cubes[1], settings, voxel_size=stacks[1].voxel_size)
    checkpoint = checkpoint_path(out)
    task = Adapt(params.discriminator_rate)
    result = yield from train_job(
        data, settings, first.card, start=first, task=task, checkpoint=checkpoint, resume=resume
    )
    adapted = _card(result.model, first, provenance.fingerprint(model))
    scores: list[float | None] = [None, None]
    try:
        if result.finished:  # who stops an adaptation waits for nothing more
            scores = yield from _accuracies((first, adapted), stacks[1], cubes[1])
    except JobCancelled:
        pass  # the network is there; only the scores are not
    save_model(adapted, out)
    history = write_history(out, result.history)
    metrics = adapted.card.training["metrics"]
    arguments: dict[str, Any] = {"model": str(model), "source": str(source), "target": str(target), "out": out.name}
    arguments |= {"params": params, "trust_source": trust_source}
    notes = {"metrics": metrics, "finished": result.finished, "accuracy before and after": scores}
    provenance.record("subtomo_adapt", out, arguments, [Path(model), Path(source), Path(target)], notes).write(out)
    return Adapted(out, history, metrics, scores[0], scores[1], result.finished)


subtomo_adapt = direct(subtomo_adapt_job)


def _cubes(stack: SubtomogramStack, size: int) -> np.ndarray:
    cubes = stack.read()
    return middle(cubes, size) if stack.edge > size else cubes


def _card(adapted: Model, first: Model, parent: str) -> Model:
    """Return the adapted model with the names of the classes it was trained on.

    Where classes lie among its features has changed, so that record is left out.
    """
    kept = {"classes": class_names(first), **adapted.card.training.get("data", {})}
    record = {name: value for name, value in adapted.card.training.items() if name != "known"}
    training = {**record, "data": kept, "parent": {"feature": first.card.feature, "fingerprint": parent}}
    return replace(adapted, card=replace(adapted.card, training=training))


def _accuracies(models: Sequence[Model], stack: SubtomogramStack, cubes: np.ndarray) -> Job[list[float | None]]:
    """Return the share of the target's subtomograms that each puts into their class; ``None`` where none is known."""
    labels, called = labels_of(stack)
    names = class_names(models[0])
    wanted = np.array([names.index(name) if name in names else NO_CLASS for name in called] + [NO_CLASS])
    truth = wanted[labels]
    known = truth >= 0
    found: list[float | None] = []
    for model in models:
        if not known.any():
            found.append(None)
            continue
        answers = yield from answers_job(model, cubes[known], with_features=False)
        found.append(round(float((answers.logits.argmax(1) == truth[known]).mean()), 6))
    return found
