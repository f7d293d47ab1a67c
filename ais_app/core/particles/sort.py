"""Subtomograms sorted into classes by what sets them apart, and aligned to their class averages, in turn.

    sort_job(cubes, poses, wedges, wedge_of, params) ─► Sorted: classes, poses, averages, coordinates

Aligned cubes are compared with their common average where they have measured, the few directions in which they differ
most are found, and cubes are grouped there (Heumann, Hoenger & Mastronarde, 2011, Journal of Structural Biology 175,
288; Frazier, Xu & Alber, 2017, Structure 25, 951). Alignment to one's own class then sharpens the next comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.particles.average import Averages, averages_of, split_halves
from ais_app.core.particles.average_align import align_groups_job, in_frame_of, within
from ais_app.core.particles.average_sums import check_cubes, sums_job
from ais_app.core.particles.halves_references import filtered
from ais_app.core.particles.orientations import symmetry_rotations
from ais_app.core.particles.sort_features import FEATURES, FeatureParams, check_classes, coordinates_job, grouped

if TYPE_CHECKING:
    from ais_app.core.particles.poses import Poses
    from ais_app.core.particles.wedge import Wedge
    from ais_app.core.tomogram import LazyArray

METHODS = ("kmeans", "ward")
_SETTLED = 0.01  # share of the cubes that may still change class


@dataclass(frozen=True)
class SortParams(Params):
    """How aligned subtomograms are sorted."""

    classes: int = param(2, "Classes", low=1, high=100)
    rounds: int = param(3, "Times at most that cubes are sorted; between them they are aligned to their class", low=1)
    features: str = param("difference", "What is compared; plain takes no account of wedges", choices=FEATURES)
    dimensions: int = param(8, "Directions in which cubes differ that are kept", low=1, high=200)
    em: bool = param(False, "Find these directions from measured frequencies alone")
    method: str = param("kmeans", "How cubes are grouped", choices=METHODS)
    low_pass: float | None = param(None, "Finest detail compared; four voxels if not given", unit="Å", low=0.1)
    mask_radius: float | None = param(None, "Radius of what belongs to the particle", unit="Å", low=1)
    align: bool = param(True, "Align cubes to their class averages")
    within: float | None = param(
        20.0, "How far from the last rotation to look; everywhere with 180", unit="°", low=1, high=180
    )
    symmetry: str = param("C1", "Of the particles: C1, C2 ... D2, D3 ...")
    seed: int = param(0, "Of all that is random", low=0)
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))

    def __post_init__(self) -> None:
        super().__post_init__()
        symmetry_rotations(self.symmetry)


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
        One record a round: ``round``, ``changed`` (share of the cubes whose class changed), ``score`` (mean correlation
        with the class average) and the sizes of the classes.
    """

    classes: np.ndarray
    poses: Poses
    coordinates: np.ndarray
    averages: tuple[Averages, ...]
    history: tuple[dict[str, float], ...]


def sort_job(
    cubes: np.ndarray | LazyArray,
    poses: Poses,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    params: SortParams | None = None,
    *,
    voxel_size: float = 1.0,
    mask: np.ndarray | None = None,
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

    Raises
    ------
    ParameterProblem
        There are fewer cubes than classes, voxels are no number, or a length does not fit the box.
    """
    from ais_app.core.particles.halves_references import particle_mask

    params = params or SortParams()
    wedge_of = np.asarray(wedge_of)
    edge = check_cubes(cubes, poses, wedges, wedge_of)
    check_classes(params.classes, len(poses))
    outline = particle_mask(mask, params.mask_radius, edge, voxel_size)
    shells = _shells(params, edge, voxel_size)
    asked = FeatureParams(
        features=params.features,
        shells=shells,
        dimensions=params.dimensions,
        em=params.em,
        seed=params.seed,
        device=params.device,
    )
    classes, history = np.full(len(poses), -1), list[dict[str, float]]()
    for number in range(params.rounds):
        coordinates = yield from coordinates_job(cubes, poses, wedges, wedge_of, asked, outline)
        found = grouped(coordinates, params.classes, params.method, params.seed)
        changed = _changed(classes, found)
        classes = found
        settled = number == params.rounds - 1 or changed <= _SETTLED or not params.align
        if not settled:
            poses = yield from _aligned(cubes, poses, wedges, wedge_of, classes, params, shells, outline)
        history.append({"round": number + 1, "changed": changed, "score": float(poses.scores.mean())} | _sizes(classes))
        yield Progress(number + 1, params.rounds, f"round {number + 1}", history[-1])
        if settled:
            break
    averages = yield from class_averages_job(
        cubes, poses, wedges, wedge_of, classes, voxel_size, params.symmetry, outline, params.seed, params.device
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
    sums = yield from sums_job(cubes, poses, wedges, wedge_of, groups=groups, count=2 * count, **options)
    return tuple(averages_of(sums[2 * k], sums[2 * k + 1], voxel_size, mask) for k in range(count))


def _shells(params: SortParams, edge: int, voxel_size: float) -> int:
    shells = edge / 4 if params.low_pass is None else edge * voxel_size / params.low_pass
    if shells < 2:
        problem = f"{params.low_pass:g} Å is more than half of the box of {edge * voxel_size:g} Å"
        raise ParameterProblem("low_pass", problem, "choose a smaller number")
    return min(int(shells), (edge - 1) // 2)


def _sizes(classes: np.ndarray) -> dict[str, float]:
    return {f"class {number}": float(size) for number, size in enumerate(np.bincount(classes))}


def _changed(before: np.ndarray, after: np.ndarray) -> float:
    """Return the share of cubes whose class is another one, whatever the classes are called."""
    from scipy.optimize import linear_sum_assignment

    if (before < 0).any():
        return 1.0
    common = np.zeros((before.max() + 1, after.max() + 1))
    np.add.at(common, (before, after), 1)
    return 1 - float(common[linear_sum_assignment(-common)].sum()) / len(after)


def _aligned(
    cubes: np.ndarray | LazyArray,
    poses: Poses,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    classes: np.ndarray,
    params: SortParams,
    shells: int,
    outline: np.ndarray,
) -> Job[Poses]:
    """Return poses against the average of each cube's class, all classes in the frame of the first."""
    from ais_app.core.particles.alignment import AlignParams

    options: dict[str, Any] = {"symmetry": params.symmetry, "device": params.device}
    everywhere = params.within is None or params.within >= 180
    asked = AlignParams(
        angular_step=20.0 if everywhere else max(2.0, float(params.within or 0) / 2),
        within=None if everywhere else params.within,
        shift=None if everywhere else 2.0,
        low_pass=float(shells),
        **options,
    )
    count = params.classes
    sums = yield from sums_job(cubes, poses, wedges, wedge_of, groups=classes, count=count, **options)
    references = [filtered(one.average(), shells, outline) for one in sums]
    work = align_groups_job(cubes, wedges, wedge_of, references, classes, asked, poses)
    poses = yield from within(work, 0, len(poses), "")
    sums = yield from sums_job(cubes, poses, wedges, wedge_of, groups=classes, count=count, **options)
    maps = [filtered(one.average(), shells, outline) for one in sums]
    for number in range(1, count):
        poses = in_frame_of(maps[0], maps[number], poses, classes == number, shells, **options)
    return poses
