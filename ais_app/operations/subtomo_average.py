"""Align subtomograms to their own average, in two independent halves; a stack in, maps and poses out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particles.average import Averages
from ais_app.core.particles.choice import ParticleChoice
from ais_app.core.particles.halves import refine_halves_job
from ais_app.core.particles.halves_params import AverageParams, HalvesState, Refined
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import SubtomogramStack, save_poses
from ais_app.operations.subtomo_inputs import choice_notes, open_particles, read_mask, read_reference, recorded_choice
from ais_app.operations.subtomo_outputs import (
    STARTING_POSES,
    Outputs,
    check_inputs_stay,
    check_outputs,
    known_poses,
    resolution_text,
    stack_parts,
    starting_poses,
)
from ais_app.operations.unfinished import Unfinished


@dataclass(frozen=True)
class SubtomoAverage:
    """What was averaged.

    Parameters
    ----------
    out_dir
        The folder.
    outputs
        Files in it.
    refined
        The average, its halves, the poses and what happened in each iteration.
    """

    out_dir: Path
    outputs: tuple[Path, ...]
    refined: Refined

    def __str__(self) -> str:
        count, times = len(self.refined.poses), len(self.refined.history)
        words = f"{count:,} particle{'s' * (count != 1)}, {times} iteration{'s' * (times != 1)}"
        return f"{words}: {resolution_text(self.refined.averages)} -> {self.out_dir / 'average.mrc'}"


def subtomo_average_job(
    stack: str | Path,
    out_dir: str | Path,
    params: AverageParams | None = None,
    *,
    tilt: str | None = None,
    poses: str | Path | None = None,
    align: bool = True,
    reference: str | Path | None = None,
    mask: str | Path | None = None,
    save: bool = False,
    resume: bool = True,
    choice: ParticleChoice | None = None,
) -> Job[SubtomoAverage]:
    """Align and average the subtomograms of a stack.

    Parameters
    ----------
    stack
        The ``.zarr`` folder that `subtomo_extract` makes.
    out_dir
        Gets ``average.mrc``, ``half1.mrc``, ``half2.mrc``, ``fsc.csv``, ``particles.star``, ``iterations.csv`` and, in
        ``iterations``, the average of each iteration and what is needed to go on.
    params
        Iterations, symmetry, resolution.
    tilt
        Lowest and highest tilt of all particles, ``"-60,60"``; replaces what the stack says.
    poses
        Poses to begin with instead of those of the stack: a file as its ``poses.npz``, such as the
        ``starting_poses.npz`` that is left where the stack's were replaced.
    align
        Without it particles are averaged with the poses that the stack has.
    reference
        A map to align to first; without it, and without orientations in the stack, the start is random.
    mask
        A map, 0 to 1, of what belongs to the particle. Both may have any box and voxel size; voxel ``n // 2`` of each
        axis is the centre.
    save
        Write the poses into the stack.
    resume
        Go on where the same call was stopped, or after its last iteration where more are asked for now.
    choice
        Which particles take part; all, but for those whose cubes are the same everywhere, if not given.

    Raises
    ------
    FileProblem
        The stack, the reference or the mask cannot be read, or the folder not be written.
    ParameterProblem
        They do not fit each other, a parameter is out of bounds, no such particle is there, or an output is an input.
    """
    chosen, out = params or AverageParams(), Path(out_dir)
    yield Progress(0, 0, "reading")
    check_inputs_stay(out, None, (stack, poses, reference, mask), chosen.iterations if align else 0)
    opened = open_particles(stack, tilt, poses, choice)
    check_outputs(out, stack if save else None)
    given, outline = read_reference(reference, opened), read_mask(mask, opened)
    begun = starting_poses(opened, poses, out / STARTING_POSES if save else None)
    # what changes the stack is no part of how the average came about
    arguments: dict[str, Any] = {
        "stack": str(stack),
        "out_dir": str(out),
        "params": chosen,
        "tilt": tilt,
        "align": align,
    }
    arguments |= {
        "reference": None if reference is None else str(reference),
        "mask": None if mask is None else str(mask),
        "poses": None if begun is None else str(begun),
        "choice": recorded_choice(opened, choice),
    }
    inputs = [*stack_parts(stack, begun), *(Path(path) for path in (reference, mask) if path is not None)]
    outputs = Outputs(out, "subtomo_average", arguments, inputs)
    asked = chosen if align else replace(chosen, iterations=0)
    unfinished = Unfinished(out / "iterations" / "state.npz", arguments, inputs, ("iterations", "device"))
    state = _read(unfinished) if resume and asked.iterations else None

    def keep(now: HalvesState, averages: Averages) -> None:
        intermediate = Outputs(out / "iterations", "subtomo_average", arguments, inputs)
        intermediate.volume(f"average_{now.iteration:02d}.mrc", averages.average, opened.voxel_size)
        arrays = {**vars(now.poses), "half_of": now.half_of, "fsc": now.fsc}
        unfinished.write(arrays, [now.iteration, now.shells, now.history])

    refined = yield from refine_halves_job(
        opened.cubes,
        opened.wedges,
        opened.wedge_of,
        asked,
        voxel_size=opened.voxel_size,
        start=_start(opened, given, asked),
        reference=given,
        mask=outline,
        state=state,
        keep=keep,
    )
    outputs.notes = {"particles": len(opened), "iterations": len(refined.history), **choice_notes(choice)}
    outputs.averages(refined.averages, opened.voxel_size)
    outputs.particles("particles.star", opened.with_poses(refined.poses))
    outputs.table("iterations.csv", refined.history)
    outputs.remove_earlier()
    if save:
        save_poses(stack, refined.poses, opened.rows)
    return SubtomoAverage(out, tuple(outputs.written), refined)


subtomo_average = direct(subtomo_average_job)


def _start(stack: SubtomogramStack, reference: np.ndarray | None, params: AverageParams) -> Poses | None:
    """Return the poses to begin with; none where nothing is known, so that the start is random."""
    as_they_lie = not params.iterations or reference is not None
    return stack.poses if as_they_lie or known_poses(stack.poses) else None


def _read(unfinished: Unfinished) -> HalvesState | None:
    """Return where an average was stopped; none where there is nothing, or it was another one."""
    found = unfinished.read()
    if found is None:
        return None
    arrays, (iteration, shells, history) = found
    poses = Poses(arrays["rotations"], arrays["shifts_zyx"], arrays["scores"])
    return HalvesState(iteration, poses, arrays["half_of"], shells, arrays["fsc"], tuple(history))
