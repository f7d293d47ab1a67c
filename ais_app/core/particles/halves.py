"""Iterative averaging in two independent halves: align, average, look how well the halves agree, and again.

    refine_halves_job(cubes, wedges, wedge_of, params) ─► Refined: average, halves, FSC, poses, history

Each half of the particles has its own reference, made of that half alone from the first iteration on; so what the
halves have in common is not noise that both were aligned to ("gold standard": Scheres & Chen 2012, Nature Methods 9,
853). The second half is turned into the frame of the first, as a whole, to be compared with it. Frequencies that the
halves do not agree on yet are left out of the references.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct, in_words, retold
from ais_app.core.particles.average import Averages, averages_of, split_halves
from ais_app.core.particles.average_align import align_groups_job, in_frame_of, within
from ais_app.core.particles.average_sums import Sums
from ais_app.core.particles.fsc import HALF_MAPS, resolution_of, snr_of_fsc
from ais_app.core.particles.halves_params import FIRST_SHELL, AverageParams, HalvesState, Refined
from ais_app.core.particles.halves_references import (
    align_params,
    checked_reference,
    filtered,
    last_shell,
    next_shell,
    particle_mask,
    reference_of,
)
from ais_app.core.particles.measured_cubes import MeasuredCubes
from ais_app.core.particles.orientations import angles_between, random_rotations
from ais_app.core.particles.poses import Poses

if TYPE_CHECKING:
    from ais_app.core.particles.wedge import Wedge
    from ais_app.core.tomogram import LazyArray

__all__ = ["AverageParams", "HalvesState", "Refined", "refine_halves", "refine_halves_job"]

_STILL = 0.3  # degrees, and tenths of a voxel: poses that move less in an iteration are found


def refine_halves_job(
    cubes: np.ndarray | LazyArray,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    params: AverageParams | None = None,
    *,
    voxel_size: float = 1.0,
    start: Poses | None = None,
    reference: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    state: HalvesState | None = None,
    keep: Callable[[HalvesState, Averages], None] | None = None,
) -> Job[Refined]:
    """Align subtomograms to their own average and average them, in turn.

    Parameters
    ----------
    cubes
        (n, e, e, e), density bright; an array, or a lazy one that is read in batches.
    wedges, wedge_of
        The missing wedges, and which of them each cube has, (n,) int.
    params
        Iterations, symmetry, resolution.
    voxel_size
        Å.
    start
        Poses to begin with; if not given random rotations, or without iterations none.
    reference
        (e, e, e) map to align to in the first iteration; strongly low-passed.
    mask
        (e, e, e), 0 to 1: what belongs to the particle.
    state
        Go on from here; the other arguments must be the same as before.
    keep
        Called after every iteration with the state and the averages.

    Raises
    ------
    ParameterProblem
        There is no cube, numbers do not fit each other, voxels are no number, or lengths do not fit the box.
    """
    params = params or AverageParams()
    data = MeasuredCubes.of(cubes, wedges, wedge_of, voxel_size, start)
    count, edge = len(data), data.edge
    outline = particle_mask(mask, params.mask_radius, edge, voxel_size)
    now = state or _first_state(params, edge, voxel_size, count, start)
    given = None if reference is None or now.iteration else checked_reference(reference, edge)
    while now.iteration < params.iterations and not _still(now, voxel_size):
        now, averages = yield from _iteration(data, now, params, outline, given)
        given = None
        if keep is not None:
            keep(now, averages)
        done, total = now.iteration * count, params.iterations * count
        yield Progress(done, total, f"iteration {now.iteration}", now.history[-1])
    last = _sums(data, now.poses, now.half_of, params, fine=True)
    first, second = yield from retold(last, in_words if params.iterations else lambda step: step)
    averages = averages_of(first, second, voxel_size, outline)
    if params.filter_by_fsc and averages.fsc is not None:
        whole = (first + second).average(snr_of_fsc(averages.fsc.best))
        averages = averages._replace(average=whole)
    return Refined(averages, now.poses, now.half_of, now.history)


refine_halves = direct(refine_halves_job)


def _still(now: HalvesState, voxel_size: float) -> bool:
    """Say whether another iteration would change nothing."""
    if len(now.history) < 2:
        return False
    last = now.history[-1]
    unmoved = last["turned"] < _STILL and last["moved"] < _STILL / 3 * voxel_size
    return unmoved and now.shells == last["shells"] == now.history[-2]["shells"]


def _first_state(params: AverageParams, edge: int, voxel_size: float, count: int, start: Poses | None) -> HalvesState:
    poses = start
    if not params.iterations:
        if params.random_start:
            raise ParameterProblem("random_start", "nothing is aligned", "give iterations, or average as they lie")
        poses = Poses.unturned(count) if start is None else start
    elif poses is None or params.random_start:
        poses = Poses.of(random_rotations(count, np.random.default_rng((params.seed, 12))))
    shells = float(FIRST_SHELL) if params.first_low_pass is None else edge * voxel_size / params.first_low_pass
    if shells < 1:
        problem = f"{params.first_low_pass:g} Å is more than the box of {edge * voxel_size:g} Å"
        raise ParameterProblem("first_low_pass", problem, "choose a smaller number")
    return HalvesState(
        0, poses, split_halves(count, params.seed), min(shells, last_shell(params, edge, voxel_size)), np.array([]), ()
    )


def _iteration(
    data: MeasuredCubes, now: HalvesState, params: AverageParams, outline: np.ndarray, given: np.ndarray | None
) -> Job[tuple[HalvesState, Averages]]:
    """Align all particles to the references of their halves, and compare the new halves."""
    whole, total = len(data), params.iterations * len(data)

    def before(step: Progress) -> Progress:
        return Progress(now.iteration * whole, total, f"iteration {now.iteration + 1}: {step.message}")

    def after_all(step: Progress) -> Progress:
        return Progress((now.iteration + 1) * whole, total, f"iteration {now.iteration + 1}: {step.message}")

    if given is None:
        sums = yield from retold(_sums(data, now.poses, now.half_of, params), before)
        if not params.independent or not all(part.count for part in sums):
            sums = [sums[0] + sums[1]] * 2
        references = [reference_of(part, now.shells, outline, now.fsc if len(now.fsc) else None) for part in sums]
        if sums[0] is sums[1]:
            references = references[:1] * 2
    else:
        references = [filtered(given, now.shells, outline)] * 2
    poses = yield from _aligned(data, references, now, params, whole=given is not None)
    turned = np.median(angles_between(now.poses.rotations, poses.rotations, params.symmetry))
    moved = np.median(np.linalg.norm(now.poses.shifts_zyx - poses.shifts_zyx, axis=1)) * data.voxel_size
    first, second = yield from retold(_sums(data, poses, now.half_of, params), after_all)
    if params.independent and second.count:
        maps = [filtered(part.average(), now.shells, outline) for part in (first, second)]
        asked: dict[str, Any] = {"symmetry": params.symmetry, "device": params.device}
        poses = in_frame_of(maps[0], maps[1], poses, now.half_of == 1, now.shells, **asked)
        again = _sums(data, poses, np.where(now.half_of == 1, 0, -1), params, count=1)
        (second,) = yield from retold(again, after_all)
    averages = averages_of(first, second, data.voxel_size, outline)
    edge = first.edge
    fsc = np.ones(edge // 2 + 1) if averages.fsc is None else averages.fsc.best
    record = {"iteration": now.iteration + 1, "shells": now.shells}
    record |= {"resolution": resolution_of(fsc, edge, data.voxel_size, HALF_MAPS), "score": float(poses.scores.mean())}
    record |= {"turned": float(turned), "moved": float(moved)}
    shells = min(next_shell(now.shells, fsc, params, averages.fsc), last_shell(params, edge, data.voxel_size))
    after = HalvesState(now.iteration + 1, poses, now.half_of, shells, fsc, (*now.history, record))
    return after, averages


def _sums(
    data: MeasuredCubes, poses: Poses, groups: np.ndarray, params: AverageParams, *, count: int = 2, fine: bool = False
) -> Job[list[Sums]]:
    options: dict[str, Any] = {"symmetry": params.symmetry, "fine": fine, "device": params.device}
    return (yield from data.sums_job(poses, groups, count, **options))


def _aligned(
    data: MeasuredCubes, references: Sequence[Any], now: HalvesState, params: AverageParams, *, whole: bool
) -> Job[Poses]:
    """Return the poses of all particles against the references of their halves."""
    count = len(data)
    near = now.iteration >= params.global_iterations and not whole
    asked = align_params(params, now.shells, data.voxel_size, near)
    one = references[0] is references[1]
    # where everything is searched, so are all shifts about the middle of the cube
    start = now.poses if near else Poses.of(now.poses.rotations)
    groups = np.zeros(count, np.int64) if one else now.half_of
    work = align_groups_job(data.cubes, data.wedges, data.wedge_of, references[: 1 if one else 2], groups, asked, start)
    total = params.iterations * count
    return (yield from within(work, now.iteration * count, total, f"iteration {now.iteration + 1}: "))
