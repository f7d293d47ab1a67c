"""Subtomograms sorted into classes by what sets them apart, and aligned to their class averages, in turn.

    sort_job(cubes, poses, wedges, wedge_of, params) ─► Sorted: classes, poses, averages, coordinates

Aligned cubes are compared with their common average where they have measured, the few directions in which they differ
most are found, and cubes are grouped there (Heumann, Hoenger & Mastronarde, 2011, Journal of Structural Biology 175,
288; Frazier, Xu & Alber, 2017, Structure 25, 951). Alignment to the class averages then sharpens the next comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.parallel import small_steps
from ais_app.core.particles.average import Averages, averages_of, split_halves
from ais_app.core.particles.average_align import within
from ais_app.core.particles.halves_references import particle_mask
from ais_app.core.particles.measured_cubes import MeasuredCubes
from ais_app.core.particles.orientations import angles_between
from ais_app.core.particles.sort_align import aligned_to_classes_job
from ais_app.core.particles.sort_features import FeatureParams, check_classes, coordinates_job, grouped
from ais_app.core.particles.sort_params import SortParams, SortState

__all__ = ["SortParams", "SortState", "Sorted", "class_averages_job", "sort", "sort_job"]

if TYPE_CHECKING:
    from ais_app.core.particles.poses import Poses
    from ais_app.core.particles.wedge import Wedge
    from ais_app.core.tomogram import LazyArray

_SETTLED = 0.01  # share of the cubes that may still change class
_STILL = 1.0  # degrees that cubes may still turn, on average


@dataclass(frozen=True)
class Sorted:
    """Subtomograms in classes.

    Parameters
    ----------
    classes
        (n,) int64; 0 is the largest.
    poses
        Of all cubes, in one frame.
    coordinates
        (n, d) float64: where each cube lies along the directions in which they differ most.
    averages
        One a class, with its halves and their correlation.
    history
        One record a round: ``round``, ``changed`` (share of the cubes whose class changed), ``turned`` (degrees, mean
        over the cubes, since the round before), ``score`` (mean correlation with the average that a cube was aligned
        to) and the sizes of the classes.
    """

    classes: np.ndarray
    poses: Poses
    coordinates: np.ndarray
    averages: tuple[Averages, ...]
    history: tuple[dict[str, float], ...]


@small_steps
def sort_job(
    cubes: np.ndarray | LazyArray,
    poses: Poses,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    params: SortParams | None = None,
    *,
    voxel_size: float = 1.0,
    mask: np.ndarray | None = None,
    state: SortState | None = None,
    keep: Callable[[SortState], object] | None = None,
) -> Job[Sorted]:
    """Sort aligned subtomograms into classes.

    Parameters
    ----------
    cubes
        (n, e, e, e), density bright; an array, or a lazy one that is read in batches.
    poses
        Where their common average is found in each.
    wedges, wedge_of
        The missing wedges, and which of them each cube has, (n,) int.
    params
        Classes, what is compared.
    voxel_size
        Å.
    mask
        (e, e, e), 0 to 1: where differences count.
    state
        Of an earlier call with the same arguments, to go on with.
    keep
        Called after each round that was followed by an alignment, with what is needed to go on.

    Raises
    ------
    ParameterProblem
        There are fewer cubes than classes, voxels are no number, or a length does not fit the box.
    """
    params = params or SortParams()
    data = MeasuredCubes.of(cubes, wedges, wedge_of, voxel_size, poses)
    check_classes(params.classes, len(data))
    outline = particle_mask(mask, params.mask_radius, data.edge, voxel_size)
    shells = _shells(params, data.edge, voxel_size)
    state = state or SortState(0, poses, np.full(len(data), -1), 0.0, ())
    poses, classes, turned, history = state.poses, state.classes, state.turned, list(state.history)
    total = 2 * params.rounds * len(data)
    for number in range(state.round, params.rounds):
        done, doing = 2 * number * len(data), f"round {number + 1}: "
        comparing = coordinates_job(cubes, poses, wedges, data.wedge_of, _compared(params, shells), outline)
        coordinates = yield from within(comparing, done, total, doing)
        found = grouped(coordinates, params.classes, params.method, params.seed)
        changed, classes = _changed(classes, found), found
        record = {"round": number + 1, "changed": changed, "turned": turned, "score": float(poses.scores.mean())}
        history.append(record | _sizes(classes))
        yield Progress(done + len(data), total, f"round {number + 1}", history[-1])
        settled = changed <= _SETTLED and turned <= _STILL
        if number == params.rounds - 1 or settled or not params.align:
            break
        everywhere = number < params.global_rounds or params.within >= 180
        aligning = aligned_to_classes_job(data, poses, classes, params, shells, outline, everywhere=everywhere)
        last, poses = poses, (yield from within(aligning, done + len(data), total, doing))
        turned = float(angles_between(last.rotations, poses.rotations, params.symmetry).mean())
        if keep is not None:
            keep(SortState(number + 1, poses, classes, turned, tuple(history)))
    averages = yield from class_averages_job(
        cubes, poses, wedges, data.wedge_of, classes, voxel_size, params.symmetry, outline, params.seed, params.device
    )
    return Sorted(classes, poses, coordinates, averages, tuple(history))


sort = direct(sort_job)


def class_averages_job(
    cubes: np.ndarray | LazyArray,
    poses: Poses,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    classes: np.ndarray,
    voxel_size: float,
    symmetry: str = "C1",
    mask: np.ndarray | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Job[tuple[Averages, ...]]:
    """Average each class, (n,) int from 0 on and negative for none, with its halves, reading each cube once; a job."""
    count = int(classes.max()) + 1
    groups = np.where(classes < 0, -1, 2 * classes + split_halves(len(classes), seed))
    options: dict[str, Any] = {"symmetry": symmetry, "fine": True, "device": device}
    data = MeasuredCubes.of(cubes, wedges, wedge_of, voxel_size, poses)
    sums = yield from data.sums_job(poses, groups, 2 * count, **options)
    return tuple(averages_of(sums[2 * k], sums[2 * k + 1], voxel_size, mask) for k in range(count))


def _compared(params: SortParams, shells: int) -> FeatureParams:
    return FeatureParams(
        features=params.features,
        shells=shells,
        dimensions=params.dimensions,
        em=params.em,
        seed=params.seed,
        device=params.device,
    )


def _shells(params: SortParams, edge: int, voxel_size: float) -> int:
    shells = edge / 4 if params.low_pass is None else edge * voxel_size / params.low_pass
    if shells < 2:
        problem = f"{params.low_pass:g} Å is more than half of the box of {edge * voxel_size:g} Å"
        raise ParameterProblem("low_pass", problem, "choose a smaller number")
    return min(int(shells), (edge - 1) // 2)


def _sizes(classes: np.ndarray) -> dict[str, float]:
    return {f"class {number + 1}": float(size) for number, size in enumerate(np.bincount(classes))}


def _changed(before: np.ndarray, after: np.ndarray) -> float:
    """Return the share of cubes whose class is another one, whatever the classes are called."""
    from scipy.optimize import linear_sum_assignment

    if (before < 0).any():
        return 1.0
    common = np.zeros((before.max() + 1, after.max() + 1))
    np.add.at(common, (before, after), 1)
    return 1 - float(common[linear_sum_assignment(-common)].sum()) / len(after)
