"""Cubes aligned to the averages of all classes, whichever fits best, with all classes in one frame.

A cube in a wrong class keeps the pose that this class gives it, and with it whatever put it there; compared with all
averages it finds its own. Where a common average has misaligned a kind of particle altogether, looking near the last
rotation finds nothing: so the first rounds look everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.jobs import Job
from ais_app.core.particles.average_align import in_frame_of
from ais_app.core.particles.halves_references import filtered, reference_of
from ais_app.core.particles.poses import Poses

if TYPE_CHECKING:
    from ais_app.core.particles.alignment import AlignParams
    from ais_app.core.particles.measured_cubes import MeasuredCubes
    from ais_app.core.particles.sort_params import SortParams


def aligned_to_classes_job(
    data: MeasuredCubes,
    poses: Poses,
    classes: np.ndarray,
    params: SortParams,
    shells: int,
    outline: np.ndarray,
    *,
    everywhere: bool,
) -> Job[Poses]:
    """Return the pose of each cube against the class average that fits it best, all in one frame; a job.

    Parameters
    ----------
    data, poses
        The cubes, and where their common average is found in each.
    classes
        (n,) int.
    params
        Symmetry, and how far to look.
    shells, outline
        Finest frequency that is compared, and (e, e, e) what belongs to the particle.
    everywhere
        Whether to try all rotations, and not only those near the present ones.
    """
    from ais_app.core.particles.align import align_job

    options: dict[str, Any] = {"symmetry": params.symmetry, "device": params.device}
    sums = yield from data.sums_job(poses, classes, params.classes, **options)
    references = [reference_of(one, shells, outline) for one in sums if one.count]
    # where everything is searched, so are all shifts about the middle of the cube
    start = Poses.of(poses.rotations) if everywhere else poses
    asked = _search(params, shells, everywhere)
    found = yield from align_job(references, data.cubes, data.wedges, data.wedge_of, asked, start)
    poses, nearest = found.poses, found.chosen
    sums = yield from data.sums_job(poses, nearest, len(references), **options)
    maps = [filtered(one.average(), shells, outline) for one in sums]
    largest = int(np.bincount(nearest).argmax())
    for number in range(len(references)):
        if number != largest and sums[number].count:
            poses = in_frame_of(maps[largest], maps[number], poses, nearest == number, shells, **options)
    return poses


def _search(params: SortParams, shells: int, everywhere: bool) -> AlignParams:
    from ais_app.core.particles.alignment import AlignParams

    common: dict[str, Any] = {"low_pass": float(shells), "symmetry": params.symmetry, "device": params.device}
    if everywhere:
        return AlignParams(angular_step=params.angular_step, **common)
    return AlignParams(angular_step=max(2.0, params.within / 2), within=params.within, shift=2.0, **common)
