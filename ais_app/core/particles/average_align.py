"""Subtomograms aligned to averages: each to that of its group, and averages of groups to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ais_app.core.jobs import Job, Progress, retold
from ais_app.core.particles.average_sums import cubes_tensor
from ais_app.core.particles.poses import Poses

if TYPE_CHECKING:
    from ais_app.core.particles.alignment import AlignParams
    from ais_app.core.particles.wedge import Wedge
    from ais_app.core.tomogram import LazyArray

R = TypeVar("R")
_VOXELS_AT_ONCE = 2**20  # cubes aligned between two looks at whether to stop


def align_groups_job(
    cubes: np.ndarray | LazyArray,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    references: Sequence[Any],
    group_of: np.ndarray,
    asked: AlignParams,
    start: Poses,
) -> Job[Poses]:
    """Align each cube to the reference of its group; a job, whose progress counts cubes.

    Parameters
    ----------
    cubes, wedges, wedge_of
        As of `ais_app.core.particles.average.average_now`.
    references
        Maps, or `ais_app.core.particles.align.Reference`s.
    group_of
        (n,) which of them each cube is aligned to.
    asked
        What to search.
    start
        Present poses: what the search is about.
    """
    from ais_app.core.particles.align import Aligner

    count, edge = len(wedge_of), int(cubes.shape[1])
    aligners = [Aligner(one, wedges, asked) for one in references]
    rotations, shifts, scores = np.array(start.rotations), np.array(start.shifts_zyx), np.zeros(count)
    size = max(1, _VOXELS_AT_ONCE // edge**3)
    for low in range(0, count, size):
        yield Progress(low, count, "aligning")
        rows = slice(low, min(low + size, count))
        read = np.asarray(cubes_tensor(cubes, rows))
        for group, aligner in enumerate(aligners):
            own = np.flatnonzero(group_of[rows] == group)
            if not len(own):
                continue
            found = aligner.align(read[own], wedge_of[rows][own], start[rows][own]).poses
            into = own + rows.start
            rotations[into], shifts[into], scores[into] = found.rotations, found.shifts_zyx, found.scores
    return Poses(rotations, shifts, scores)


def in_frame_of(
    first: np.ndarray,
    second: np.ndarray,
    poses: Poses,
    rows: np.ndarray,
    shells: float,
    *,
    symmetry: str = "C1",
    device: str = "auto",
) -> Poses:
    """Return poses with some of them brought from the frame of one map into that of another.

    Parameters
    ----------
    first, second
        (e, e, e) maps, low-passed and masked.
    poses
        Of all cubes.
    rows
        Those whose poses are of the second map: all get one rotation and shift, with which it lies on the first.
    shells
        Finest shell compared.
    symmetry, device
        Of both maps; where to compute.
    """
    from ais_app.core.particles.align import Aligner
    from ais_app.core.particles.alignment import AlignParams
    from ais_app.core.particles.wedge import Wedge

    if not (np.ptp(first) and np.ptp(second)):
        return poses
    asked = AlignParams(
        angular_step=15.0, low_pass=max(1.0, float(shells)), candidates=6, symmetry=symmetry, device=device
    )
    found = Aligner(first, [Wedge(-90, 90)], asked).align(second[None], np.zeros(1, np.int64)).poses
    moved = poses[rows].after(found.rotations[0], found.shifts_zyx[0])
    rotations, shifts = np.array(poses.rotations), np.array(poses.shifts_zyx)
    rotations[rows], shifts[rows] = moved.rotations, moved.shifts_zyx
    return replace(poses, rotations=rotations, shifts_zyx=shifts)


def within(work: Job[R], before: float, total: float, doing: str) -> Job[R]:
    """Do a job as part of a larger one, of whose `total` steps `before` are done."""

    def tell(step: Progress) -> Progress:
        return Progress(before + step.done, total, doing + step.message, step.values)

    return (yield from retold(work, tell))
