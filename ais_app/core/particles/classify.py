"""Classes, features and codes of subtomograms, from networks of cubes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ModelProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.params import Params, param

if TYPE_CHECKING:
    import torch

    from ais_app.core.model.cubes import CubeNetwork
    from ais_app.core.model.package import Model
    from ais_app.core.tomogram import LazyArray

BATCH = 16
AT_ONCE = 4, 64  # cubes between two chances to stop, on a CPU and on a GPU
_KEEP_EVERY = 60.0  # seconds
KEPT = ("nothing", "logits", "features", "both")


@dataclass(frozen=True)
class ClassifyParams(Params):
    """How a network sorts subtomograms into its classes."""

    open_set: bool = param(
        False, "Call unknown what is farther from all classes than subtomograms of these classes are"
    )
    accepted: float = param(
        0.95, "Share of held-out subtomograms of known classes that count as known", low=0.5, high=1
    )
    least: float = param(0.0, "Probability below which a subtomogram is called unknown", low=0, high=1)
    keep: str = param(
        "nothing", "What the network sees, to keep as .npy too: logits, features before them", choices=KEPT
    )
    batch: int | None = param(
        None, "Subtomograms at a time; 64 on a GPU and 4 elsewhere if not given", low=1, high=4096
    )
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))


@dataclass(frozen=True)
class Answers:
    """What a network says of subtomograms.

    Parameters
    ----------
    probability
        (n, classes) float32; rows add up to 1.
    logits
        (n, classes) float32, before the softmax.
    features
        (n, f) float32, before the last layer; ``None`` where they were not asked for.
    """

    probability: np.ndarray
    logits: np.ndarray
    features: np.ndarray | None

    @classmethod
    def of(cls, logits: np.ndarray, features: np.ndarray | None) -> Answers:
        """Return answers with the probabilities that belong to these logits."""
        return cls(_softmax(logits), logits, features)


def answers_job(
    model: Model,
    cubes: np.ndarray | LazyArray,
    *,
    with_features: bool,
    batch: int | None = None,
    device: str = "cpu",
    known: Answers | None = None,
    keep: Callable[[Answers], None] | None = None,
) -> Job[Answers]:
    """Ask a network about cubes, a job; cubes larger than its own are cut to their middle, and read batch by batch.

    Parameters
    ----------
    model
        Of a network that classifies.
    cubes
        (n, e, e, e), an array or a lazy one.
    with_features
        Also return `Answers.features`.
    batch
        Cubes at a time; so many that a CPU needs less than a second for them if not given.
    device
        Of torch.
    known
        Answers of the first cubes, to go on after them.
    keep
        Called now and then, when stopped and at the end with the answers so far.

    Raises
    ------
    ModelProblem
        As of `classify`; or the cubes are smaller than those it was trained on.
    """
    size = _size(model, tuple(cubes.shape))
    batch = batch or AT_ONCE[device != "cpu"]
    parts: list[tuple[np.ndarray, np.ndarray | None]] = [] if known is None else [(known.logits, known.features)]
    first, count, kept = 0 if known is None else len(known.logits), int(cubes.shape[0]), time.monotonic()
    try:
        for low in range(first, count, batch):
            yield Progress(low, count, "asking the network")
            block = middle(np.asarray(cubes[low : low + batch], dtype=np.float32), size)
            seen = features(model, block, batch=batch, device=device) if with_features else None
            parts.append((logits(model, block, batch=batch, device=device), seen))
            if keep is not None and time.monotonic() - kept >= _KEEP_EVERY:
                keep(_joined(parts))
                kept = time.monotonic()
    finally:  # also where an interrupt comes in the middle of a batch
        if keep is not None and sum(len(one) for one, _ in parts) > first:
            keep(_joined(parts))
    return _joined(parts)


def _joined(parts: list[tuple[np.ndarray, np.ndarray | None]]) -> Answers:
    given = np.concatenate([one for one, _ in parts])
    seen = [one for _, one in parts if one is not None]
    return Answers.of(given, np.concatenate(seen) if seen else None)


def middle(cubes: np.ndarray, size: int) -> np.ndarray:
    """Return the middle of cubes (n, e, e, e), (n, size, size, size): voxel ``e // 2`` becomes voxel ``size // 2``."""
    first = cubes.shape[1] // 2 - size // 2
    inner = slice(first, first + size)
    return np.ascontiguousarray(cubes[:, inner, inner, inner])


def _size(model: Model, shape: tuple[int, ...]) -> int:
    """Return the edge of the cubes that the network sees."""
    size = cube_edge(model)
    if len(shape) != 4 or len(set(shape[1:])) != 1 or shape[1] < size:
        remedy = f"give cubes of at least {size} voxels"
        raise ModelProblem(model.card.feature, f"does not take cubes of shape {shape[1:]}", remedy)
    return size


def cube_edge(model: Model) -> int:
    """Return the edge of the cubes that a network takes, or was trained on where it takes any."""
    return _cube_network(model).size or model.card.box_size


def _softmax(given: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    return np.asarray(softmax(given.astype(np.float64), axis=1), dtype=np.float32)


def classify(model: Model, cubes: np.ndarray, *, batch: int = BATCH, device: str = "cpu") -> np.ndarray:
    """Return how probable each class is for each cube.

    Parameters
    ----------
    model
        Of a network that classifies; `class_names` says what the columns are.
    cubes
        (n, d, h, w), any kind of numbers, z y x; each is standardised.
    batch
        Cubes at a time.
    device
        Of torch: ``"cpu"``, ``"cuda"``.

    Returns
    -------
    ndarray
        (n, classes) float32; rows add up to 1.

    Raises
    ------
    ModelProblem
        The model is not one of cubes, or does not take cubes of this size.
    """
    import torch

    return _run(model, cubes, lambda network, x: torch.softmax(network.logits(x).float(), dim=1), batch, device)


def features(model: Model, cubes: np.ndarray, *, batch: int = BATCH, device: str = "cpu") -> np.ndarray:
    """Return what the network sees in each cube before it decides, (n, f) float32; parameters as of `classify`.

    Cubes of classes that the network has never seen come together there too (Xu et al., 2017, Bioinformatics 33, i13,
    section 2.3). Of an encoder, the code.
    """
    return _run(model, cubes, lambda network, x: network.features(x), batch, device)


def logits(model: Model, cubes: np.ndarray, *, batch: int = BATCH, device: str = "cpu") -> np.ndarray:
    """Return the logits of the classes, (n, classes) float32: the paper's features; parameters as of `classify`."""
    return _run(model, cubes, lambda network, x: network.logits(x), batch, device)


def encode(model: Model, cubes: np.ndarray, *, batch: int = BATCH, device: str = "cpu") -> np.ndarray:
    """Return the codes of cubes, (n, code) float32; parameters as of `classify`."""
    return _run(model, cubes, lambda network, x: network.encode(x), batch, device)


def decode(model: Model, codes: np.ndarray, *, batch: int = BATCH, device: str = "cpu") -> np.ndarray:
    """Return the cubes that codes (n, code) stand for, (n, size, size, size) float32, standardised.

    Also of codes that no cube has, such as the centres of clusters.
    """
    return _batches(_cube_network(model), np.asarray(codes, np.float32), lambda n, x: n.decode(x), batch, device)


def class_names(model: Model) -> list[str]:
    """Return the names of a model's classes, in the order of the columns of `classify`."""
    named = model.card.training.get("data", {}).get("classes", [])
    count = _cube_network(model).classes
    return [str(named[i]) if i < len(named) else f"class {i + 1}" for i in range(count)]


def _run(
    model: Model, cubes: np.ndarray, work: Callable[[CubeNetwork, torch.Tensor], torch.Tensor], batch: int, device: str
) -> np.ndarray:
    from ais_app.core.model.cubes import standardised

    return _batches(_cube_network(model), standardised(cubes), work, batch, device)


def _cube_network(model: Model) -> CubeNetwork:
    from ais_app.core.model.cubes import CubeNetwork

    if not isinstance(model.network, CubeNetwork):
        problem = f"segments tomograms ({model.card.architecture})"
        raise ModelProblem(model.card.feature, problem, "choose a network that classifies or encodes cubes")
    return model.network


def _batches(
    network: CubeNetwork,
    values: np.ndarray,
    work: Callable[[CubeNetwork, torch.Tensor], torch.Tensor],
    batch: int,
    device: str,
) -> np.ndarray:
    import torch

    network = network.to(device).eval()
    parts = []
    with torch.inference_mode():
        for low in range(0, max(1, len(values)), batch):
            x = torch.from_numpy(values[low : low + batch]).to(device)
            parts.append(work(network, x).float().cpu().numpy())
    return np.concatenate(parts)
