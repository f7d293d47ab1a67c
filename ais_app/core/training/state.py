"""Everything a training carries from one step to the next, and its way to disk and back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import replacing
from ais_app.core.model.card import ModelCard
from ais_app.core.model.network import Network
from ais_app.core.training.boxes import BoxSet
from ais_app.core.training.objective import Objective
from ais_app.core.training.optimise import RunningAverage
from ais_app.core.training.parameters import TrainParams

FORMAT = "ais-app training 3"


@dataclass
class TrainingState:
    """A training between two steps.

    Parameters
    ----------
    network, objective, average
        What changes with every step.
    step
        Steps done.
    losses
        Of the steps of the epoch that is under way.
    history
        One mapping per finished epoch.
    best
        Weights of the best epoch so far; empty before the first.
    best_epoch, best_loss
        Which it was, counted from 1, and its loss.
    """

    network: Network
    objective: Objective
    average: RunningAverage
    step: int = 0
    losses: list[float] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    best_loss: float = float("inf")

    def keep_if_best(self, loss: float) -> None:
        """Keep the averaged weights if the loss is the lowest so far."""
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, len(self.history)
            self.best = {name: value.clone() for name, value in self.average.network.state_dict().items()}


def signature(
    training: BoxSet, held_out: BoxSet | None, params: TrainParams, card: ModelCard, start: Network | None = None
) -> str:
    """Return a hash of boxes, parameters and network: a checkpoint continues only the training it was written by.

    `start` is the network whose weights it begins with, if it does not begin with its own.
    """
    chosen = {name: value for name, value in params.to_dict().items() if name != "device"}  # it may go on elsewhere
    settings = [chosen, card.architecture, dict(card.parameters)]
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=16)
    for boxes in (training, held_out):
        if boxes is not None:
            digest.update(boxes.images.tobytes())
            digest.update(boxes.labels.tobytes())
    for name, weights in (start.state_dict() if start is not None else {}).items():
        digest.update(name.encode())
        digest.update(weights.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_checkpoint(path: Path, state: TrainingState, signed: str) -> None:
    """Write the state; the file is whole or the one before stays.

    Raises
    ------
    FileProblem
        It cannot be written.
    """
    import safetensors.torch

    tensors = {f"network/{name}": value for name, value in state.network.state_dict().items()}
    tensors |= {f"average/{name}": value for name, value in state.average.network.state_dict().items()}
    tensors |= {f"best/{name}": value for name, value in state.best.items()}
    for beside, module in state.objective.modules.items():
        tensors |= {f"module/{beside}/{name}": value for name, value in module.state_dict().items()}
    for which, optimiser in state.objective.optimisers.items():
        for number, slots in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{which}/{number}/{name}": value for name, value in slots.items()}
    words = {name: getattr(state, name) for name in ("step", "losses", "history", "best_epoch", "best_loss")}
    text = json.dumps({"format": FORMAT, "signature": signed, **words})
    dense = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with replacing(path) as part:
        safetensors.torch.save_file(dense, part, metadata={"state": text})


def belongs(path: Path, signed: str) -> bool:
    """Say whether a file is there, and is the checkpoint of this training and not of another.

    Raises
    ------
    FileProblem
        The file is damaged or no checkpoint.
    """
    if not path.exists():
        return False
    words, _ = _read(path, "remove it to begin anew (in a command also: --fresh)")
    return words.get("format") == FORMAT and words.get("signature") == signed


def load_checkpoint(path: Path, state: TrainingState, signed: str) -> None:
    """Bring a fresh state to where a checkpoint was written.

    Raises
    ------
    FileProblem
        The file is missing, damaged or no checkpoint.
    ParameterProblem
        It belongs to a training with other boxes or parameters.
    """
    words, tensors = _read(path, "train from the start")
    if words.get("format") != FORMAT:
        raise FileProblem(path, "is no checkpoint of this version", "train from the start")
    if words["signature"] != signed:
        remedy = "train from the start, or with what it was started with"
        raise ParameterProblem(path, "belongs to a training on other data or with other parameters", remedy)
    for name in ("step", "losses", "history", "best_epoch", "best_loss"):
        setattr(state, name, words[name])
    state.network.load_state_dict(_part(tensors, "network/"))
    state.average.network.load_state_dict(_part(tensors, "average/"))
    state.best = _part(tensors, "best/")
    for beside, module in state.objective.modules.items():
        module.load_state_dict(_part(tensors, f"module/{beside}/"))
    for which, optimiser in state.objective.optimisers.items():
        _load_optimiser(optimiser, _part(tensors, f"optimiser/{which}/"))


def _read(path: Path, remedy: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    import safetensors

    try:
        with safetensors.safe_open(path, framework="pt") as file:
            words = json.loads((file.metadata() or {}).get("state", "{}"))
            return words, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error), remedy) from error
    except (safetensors.SafetensorError, ValueError) as error:
        raise FileProblem(path, f"is no checkpoint, or is damaged ({error})", remedy) from error


def _load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    slots: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        number, slot = name.split("/")
        # fused optimisers walk through memory: what belongs to a weight must lie in it as the weight does
        same = value.shape == weights[int(number)].shape
        placed = torch.empty_like(weights[int(number)], device="cpu").copy_(value) if same else value
        slots.setdefault(int(number), {})[slot] = placed
    optimiser.load_state_dict({**optimiser.state_dict(), "state": slots})


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
