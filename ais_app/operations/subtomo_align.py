"""Align the subtomograms of a stack to a map: poses out, as a particle list and into the stack."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.coordinates import write_particles
from ais_app.core.errors import ParameterProblem
from ais_app.core.files import check_file_writable, check_not_input, check_suffix
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particles.alignment import AlignParams
from ais_app.core.particles.choice import ParticleChoice
from ais_app.core.particles.fit_map import fitted_map
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import SubtomogramStack, save_poses
from ais_app.operations.density_maps import read_density
from ais_app.operations.subtomo_inputs import choice_notes, open_particles, recorded_choice, warn_of_outside
from ais_app.operations.subtomo_outputs import STARTING_POSES, check_outputs, stack_parts, starting_poses
from ais_app.operations.unfinished import Unfinished

_KEEP_EVERY = 5.0  # seconds


@dataclass(frozen=True)
class SubtomoAlignment:
    """What was aligned.

    Parameters
    ----------
    path
        The particle list.
    poses
        Of the best reference in each subtomogram.
    chosen
        (n,) which reference that is.
    """

    path: Path
    poses: Poses
    chosen: np.ndarray

    def __str__(self) -> str:
        count = len(self.poses)
        low, middle, high = np.percentile(self.poses.scores, [10, 50, 90])
        words = f"{count:,} subtomogram{'s' * (count != 1)}, score {middle:.3f} ({low:.3f} to {high:.3f})"
        if self.chosen.max(initial=0):
            words += "; " + ", ".join(f"map {i + 1}: {n:,}" for i, n in enumerate(np.bincount(self.chosen)))
        return f"{words} -> {self.path}"


def subtomo_align_job(
    stack: str | Path,
    out: str | Path,
    params: AlignParams | None = None,
    *,
    reference: Sequence[str | Path],
    reference_voxel_size: float | None = None,
    reference_dark: bool = False,
    low_pass_angstrom: float | None = None,
    tilt: str | None = None,
    poses: str | Path | None = None,
    save: bool = False,
    resume: bool = True,
    choice: ParticleChoice | None = None,
) -> Job[SubtomoAlignment]:
    """Find a map, or the best of several, in each subtomogram.

    Parameters
    ----------
    stack
        The ``.zarr`` folder that `subtomo_extract` makes.
    out
        A STAR file: the particles where they were found, with angles as RELION has them and scores.
    params
        What to search.
    reference
        Maps of any size; voxel ``n // 2`` of each axis is the centre. They are brought to the voxels of the stack.
        One with most of its density outside the boxes, such as a whole tomogram, is warned of.
    reference_voxel_size
        Å; replaces what the maps say.
    reference_dark
        Density is dark in the maps.
    low_pass_angstrom
        Finest detail used, Å, instead of `params.low_pass`.
    tilt
        Lowest and highest tilt of all particles, ``"-60,60"``; replaces what the stack says.
    poses
        Poses to begin with instead of those of the stack: a file as its ``poses.npz``, such as the
        ``starting_poses.npz`` that is left where the stack's were replaced.
    save
        Write the poses into the stack too.
    resume
        Go on where the same call was stopped.
    choice
        Which particles take part; all, but for those whose cubes are the same everywhere, if not given.

    Returns
    -------
    SubtomoAlignment
        The poses.

    Raises
    ------
    FileProblem
        The stack or a map cannot be read, or the list not be written.
    ParameterProblem
        There is no map, its voxel size is not known, no such particle is there, a parameter is out of bounds, or `out`
        is an input or has another suffix than ``.star``.
    """
    chosen, out = params or AlignParams(), Path(out)
    yield Progress(0, 0, "reading")
    check_suffix(out, (".star",), "a STAR file")
    check_not_input([out], [stack, *reference, *([] if poses is None else [poses])])
    opened = open_particles(stack, tilt, poses, choice)
    check_outputs(out.parent, stack if save else None)
    check_file_writable(out, "a STAR file")
    if poses is not None and chosen.within is None:
        problem = "count only where rotations near them are tried"
        raise ParameterProblem("poses", problem, "say how near: --within 20")
    maps = [Path(path) for path in reference]
    if not maps:
        raise ParameterProblem("reference", "there is none", "give a map: --reference MAP.mrc")
    cubes = [_read(path, opened, reference_voxel_size, dark=reference_dark) for path in maps]
    arguments: dict[str, Any] = {"stack": str(stack), "out": str(out), "params": chosen, "tilt": tilt}
    arguments |= {"reference": [str(path) for path in maps], "reference_voxel_size": reference_voxel_size}
    arguments |= {"reference_dark": reference_dark, "low_pass_angstrom": low_pass_angstrom}
    asked = _in_shells(chosen, low_pass_angstrom, opened)
    begun = starting_poses(opened, poses, out.with_name(f"{out.stem}_{STARTING_POSES}") if save else None)
    parts = stack_parts(stack, begun)
    if chosen.within is None:  # no poses count then
        begun, parts = None, parts[:-1]
    arguments |= {"poses": None if begun is None else str(begun), "choice": recorded_choice(opened, choice)}
    inputs = [*parts, *maps]
    notes = {"particles": len(opened), **choice_notes(choice)}
    record = provenance.record("subtomo_align", out, arguments, inputs, notes)
    unfinished = Unfinished(out.with_name(f".{out.name}.unfinished.npz"), arguments, inputs)
    aligned, best = yield from _aligned(opened, cubes, asked, _Kept(unfinished, resume=resume))
    found = opened.with_poses(aligned)
    placed = found.placed()
    if len(maps) > 1:
        table = placed.table.copy()
        table["rlnClassNumber"] = best + 1
        placed = replace(placed, table=table)
    write_particles(out, placed, "star")
    record.write(out)
    if save:
        save_poses(stack, aligned, opened.rows)
    unfinished.remove()
    return SubtomoAlignment(out, aligned, best)


subtomo_align = direct(subtomo_align_job)


def _read(path: Path, stack: SubtomogramStack, voxel_size: float | None, *, dark: bool) -> np.ndarray:
    own, size = read_density(path, voxel_size, option="--reference-voxel-size")
    density = fitted_map(own, size, stack.edge, stack.voxel_size)
    warn_of_outside(path, own, size, stack)
    return -density if dark else density


def _in_shells(params: AlignParams, angstrom: float | None, stack: SubtomogramStack) -> AlignParams:
    if angstrom is None:
        return params
    if params.low_pass is not None:
        raise ParameterProblem("low_pass", "is given in shells and in Å", "give one of them")
    if not angstrom > 0:
        raise ParameterProblem("low_pass_angstrom", f"{angstrom:g} Å", "give the finest detail, such as 30")
    return replace(params, low_pass=max(1.0, stack.edge * stack.voxel_size / angstrom))


def _aligned(
    stack: SubtomogramStack, cubes: list[np.ndarray], params: AlignParams, kept: _Kept
) -> Job[tuple[Poses, np.ndarray]]:
    from ais_app.core.particles.align import Aligner

    aligner = Aligner(cubes, stack.wedges, params)
    count, size = len(stack), aligner.batch_size
    table = kept.read(count)
    first = int(np.isnan(table[:, 0]).argmax()) if np.isnan(table[:, 0]).any() else count
    start = None if params.within is None else stack.poses
    try:
        while first < count:
            rows = slice(first, min(first + size, count))
            part = aligner.align(stack.read(rows), stack.wedge_of[rows], None if start is None else start[rows])
            poses = part.poses
            table[rows] = np.column_stack(
                [poses.scores, part.chosen, poses.shifts_zyx, poses.rotations.reshape(len(poses), 9)]
            )
            first = rows.stop
            kept.write(table)
            yield Progress(first, count, "subtomograms")
    finally:
        if 0 < first < count:
            kept.write(table, now=True)
    return Poses(table[:, 5:].reshape(-1, 3, 3), table[:, 2:5], table[:, 0]), table[:, 1].astype(int)


class _Kept:
    """What was aligned before the work was stopped, kept every few seconds."""

    def __init__(self, unfinished: Unfinished, *, resume: bool) -> None:
        self._unfinished, self._resume, self._written = unfinished, resume, time.monotonic()

    def read(self, count: int) -> np.ndarray:
        """Return a table (count, 14): score, reference, shift, rotation; NaN where still to be done."""
        found = self._unfinished.read() if self._resume else None
        return np.full((count, 14), np.nan) if found is None else found[0]["table"]

    def write(self, table: np.ndarray, *, now: bool = False) -> None:
        """Keep the table, at most every few seconds."""
        if now or time.monotonic() - self._written >= _KEEP_EVERY:
            self._unfinished.write({"table": table}, None)
            self._written = time.monotonic()
