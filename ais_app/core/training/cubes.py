"""The cubes a network is trained on: subtomograms and, where they are known, their classes or their masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ais_app.core.annotation.labels import FEATURE, IGNORE
from ais_app.core.errors import ParameterProblem
from ais_app.core.model.cubes import standardised
from ais_app.core.training.boxes import BoxSet, TrainingData
from ais_app.core.training.parameters import TrainParams

NO_CLASS = -1


def cube_data(
    cubes: np.ndarray,
    labels: np.ndarray | None,
    params: TrainParams,
    *,
    classes: Sequence[str] = (),
    held_out: np.ndarray | None = None,
    voxel_size: float | None = None,
) -> TrainingData:
    """Divide and standardise cubes for `ais_app.core.training.trainer.train_job`.

    Parameters
    ----------
    cubes
        (n, edge, edge, edge), any kind of numbers, z y x, the beam along z and the tilt axis along y. Where the edge is
        longer than `params.box_size`, cubes are cut out at random shifts of up to `params.shift`.
    labels
        (n,) int: the number of each cube's class, −1 where it is not known; ``None``: of none.
    params
        ``box_size`` and, unless `held_out` is given, ``validation`` (``"none"`` or any other), ``validation_share`` and
        ``seed`` count.
    classes
        Names of the classes, in the order of their numbers.
    held_out
        (n,) bool: cubes to measure on, such as those of one tomogram. If not given, a share of each class at random.
    voxel_size
        Å.

    Raises
    ------
    ParameterProblem
        Shapes or numbers do not fit each other, or nothing is left to train on.
    ModelProblem
        A cube holds NaN or infinite voxels.
    """
    labels = _labels(cubes, labels, classes)
    size = _size(cubes, params)
    if params.depth != 1:
        raise ParameterProblem("depth", f"{params.depth} does not suit cubes, which enter whole", "give 1")
    out = _held_out(labels, params) if held_out is None else _mask(held_out, len(cubes))
    missing = np.setdiff1d(labels[out], labels[~out])
    if out.all() or missing.size:
        names = ", ".join(_name(int(number), classes) for number in missing) or "any"
        raise ParameterProblem("held out", f"leaves no cube to train on of the class {names}", "hold out fewer")
    cubes = standardised(cubes)
    training = BoxSet(cubes[~out], labels[~out], np.ones(int((~out).sum()), bool))
    measured = BoxSet(_middle(cubes[out], size), labels[out], np.ones(int(out.sum()), bool)) if out.any() else None
    known = labels[labels >= 0]
    counts = np.bincount(known, minlength=len(classes))
    record: dict[str, Any] = {
        "cubes": {"training": len(training), "held out": int(out.sum()), "edge": cubes.shape[1]},
        "classes": [_name(number, classes) for number in range(len(counts))],
        "of each class": [int(count) for count in counts],
    }
    return TrainingData(training, measured, voxel_size, 0, (cubes.shape[1] - size) // 2, record)


def mask_data(
    cubes: np.ndarray,
    masks: np.ndarray,
    params: TrainParams,
    *,
    held_out: np.ndarray | None = None,
    voxel_size: float | None = None,
    contrast: int = 1,
) -> TrainingData:
    """Divide and standardise cubes whose voxels have labels, to train a network of volumes on.

    Parameters
    ----------
    cubes, params, held_out, voxel_size
        As of `cube_data`; of a share that is held out as many cubes with a particle as without one.
    masks
        Of the shape of the cubes: 0 background, 1 the particle, 2 not known.
    contrast
        +1 where particles are bright in the cubes, −1 where they are dark.

    Raises
    ------
    ParameterProblem
        Shapes do not fit each other, masks hold other numbers, or no particle is left to train on.
    ModelProblem
        A cube holds NaN or infinite voxels.
    """
    size = _size(cubes, params)
    if masks.shape != cubes.shape:
        raise ParameterProblem("masks", f"have the shape {masks.shape}, the cubes {cubes.shape}", "give one for each")
    others = np.unique(masks[~np.isin(masks, (0, FEATURE, IGNORE))])  # sorts only what is wrong
    if others.size:
        problem = f"hold {', '.join(f'{value:g}' for value in others[:3])}"
        raise ParameterProblem("masks", problem, "label voxels 0 background, 1 particle, 2 not known")
    masks = masks.astype(np.uint8)
    there = (masks == FEATURE).any((1, 2, 3))
    out = _held_out(there.astype(np.int64), params) if held_out is None else _mask(held_out, len(cubes))
    if not there[~out].any():
        problem = "mark no voxel of a cube" + (" that is not held out" if there.any() else "")
        raise ParameterProblem("masks", problem, "label voxels of particles 1, or hold out fewer")
    cubes = standardised(cubes)
    training = BoxSet(cubes[~out], masks[~out], there[~out])
    measured = BoxSet(_middle(cubes[out], size), _middle(masks[out], size), there[out]) if out.any() else None
    margin = (cubes.shape[1] - size) // 2
    record: dict[str, Any] = {
        "cubes": {"training": len(training), "held out": int(out.sum()), "edge": cubes.shape[1]},
        "with a particle": int(there.sum()),
    }
    return TrainingData(training, measured, voxel_size, contrast, margin, record, margin)


def _size(cubes: np.ndarray, params: TrainParams) -> int:
    """Return the edge of what the network sees, where the cubes hold it."""
    size = params.box_size
    if cubes.ndim != 4 or len(set(cubes.shape[1:])) != 1 or cubes.shape[1] < size:
        remedy = f"give (n, edge, edge, edge) with edges of at least the box size, {size}"
        raise ParameterProblem("cubes", f"have the shape {cubes.shape}", remedy)
    return size


def _labels(cubes: np.ndarray, labels: np.ndarray | None, classes: Sequence[str]) -> np.ndarray:
    if labels is None:
        return np.full(len(cubes), NO_CLASS, np.int64)
    labels = np.asarray(labels)
    if labels.shape != (len(cubes),) or not np.issubdtype(labels.dtype, np.integer):
        problem = f"of shape {labels.shape} and type {labels.dtype} do not fit {len(cubes)} cubes"
        raise ParameterProblem("labels", problem, "give one whole number for each cube")
    highest = len(classes) - 1 if classes else np.inf
    if labels.size and (labels.min() < NO_CLASS or labels.max() > highest):
        problem = f"go from {labels.min()} to {labels.max()}"
        raise ParameterProblem("labels", problem, f"number the {len(classes) or ''} classes from 0, and -1 for unknown")
    return labels.astype(np.int64)


def _held_out(labels: np.ndarray, params: TrainParams) -> np.ndarray:
    """Choose a share of each class at random, but never all of it."""
    out = np.zeros(len(labels), bool)
    if params.validation == "none":
        return out
    random = np.random.default_rng((params.seed, 2))
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        count = max(1, round(params.validation_share * len(members)))
        out[members[: min(count, len(members) - 1)]] = True
    return out


def _mask(held_out: np.ndarray, count: int) -> np.ndarray:
    mask = np.asarray(held_out)
    if mask.shape != (count,) or mask.dtype != bool:
        raise ParameterProblem("held out", f"has the shape {mask.shape}", f"give {count} times true or false")
    return mask


def _middle(cubes: np.ndarray, size: int) -> np.ndarray:
    first = (cubes.shape[1] - size) // 2
    inner = slice(first, first + size)
    return np.ascontiguousarray(cubes[:, inner, inner, inner])


def _name(number: int, classes: Sequence[str]) -> str:
    if number == NO_CLASS:
        return "unknown"
    return classes[number] if number < len(classes) else f"class {number + 1}"
