"""Align subtomograms and sort them into classes by maximum likelihood; a stack in, class averages out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particles.choice import ParticleChoice
from ais_app.core.particles.faml import Faml, FamlParams, FamlState, faml_job
from ais_app.core.particles.stack import save_poses
from ais_app.operations.subtomo_inputs import (
    choice_notes,
    open_particles,
    recorded_choice,
    replace_labels,
    replaced_line,
)
from ais_app.operations.subtomo_outputs import (
    STARTING_POSES,
    Outputs,
    check_inputs_stay,
    check_outputs,
    class_lines,
    known_poses,
    stack_parts,
    starting_poses,
)
from ais_app.operations.unfinished import Unfinished

_PARTS = ("model", "candidates")  # of a state


@dataclass(frozen=True)
class SubtomoFaml:
    """What was sorted.

    Parameters
    ----------
    out_dir
        The folder.
    outputs
        Files in it.
    faml
        Posteriors, classes, averages, poses.
    replaced
        A table of the classes that the stack had before; none where it had none, or keeps them.
    """

    out_dir: Path
    outputs: tuple[Path, ...]
    faml: Faml
    replaced: Path | None = None

    def __str__(self) -> str:
        lines = class_lines(self.faml.classes, self.faml.averages, self.out_dir)
        return "\n".join([*lines, *replaced_line(self.replaced)])


def subtomo_faml_job(
    stack: str | Path,
    out_dir: str | Path,
    params: FamlParams | None = None,
    *,
    tilt: str | None = None,
    poses: str | Path | None = None,
    use_poses: bool = False,
    save: bool = True,
    save_aligned: bool = False,
    resume: bool = True,
    choice: ParticleChoice | None = None,
) -> Job[SubtomoFaml]:
    """Align and sort the subtomograms of a stack, of which nothing needs to be known.

    Parameters
    ----------
    stack
        The ``.zarr`` folder that `subtomo_extract` makes.
    out_dir
        Gets ``class_1_average.mrc``, its halves and ``class_1_fsc.csv``, the same of each class, ``particles.star``,
        ``probabilities.csv`` (of each class for each particle) and ``iterations.csv``. Classes of an earlier run that
        had more are removed.
    params
        Classes, iterations, rotations tried.
    tilt
        Lowest and highest tilt of all particles, ``"-60,60"``; replaces what the stack says.
    poses
        Poses to begin with instead of those of the stack: a file as its ``poses.npz``, such as the
        ``starting_poses.npz`` that is left where the stack's were replaced.
    use_poses
        Make the first classes with the poses that the stack has; with those of `poses` they are made anyway.
    save
        Write the classes into the stack; those that they replace are left as ``starting_classes.csv``. Of chosen
        particles they are called ``class 1 of …``, and the others keep theirs.
    save_aligned
        Write the poses into the stack too; those of different classes are in different frames.
    resume
        Go on after the last iteration where the same call was stopped.
    choice
        Which particles take part; all, but for those whose cubes are the same everywhere, if not given.

    Raises
    ------
    FileProblem
        The stack cannot be read, or the folder not be written.
    ParameterProblem
        There are fewer particles than classes, or a parameter is out of bounds.
    """
    chosen, out = params or FamlParams(), Path(out_dir)
    yield Progress(0, 0, "reading")
    check_inputs_stay(out, chosen.classes, (stack, poses))
    opened = open_particles(stack, tilt, poses, choice)
    check_outputs(out, stack if save or save_aligned else None, "with --no-save and without --save-aligned")
    begun = starting_poses(opened, poses, out / STARTING_POSES if save_aligned else None)
    start = opened.poses if (use_poses or poses is not None) and known_poses(opened.poses) else None
    arguments: dict[str, Any] = {"stack": str(stack), "out_dir": str(out), "params": chosen, "tilt": tilt}
    arguments |= {"use_poses": use_poses, "save": False, "poses": None if begun is None else str(begun)}
    arguments["choice"] = recorded_choice(opened, choice)
    inputs = stack_parts(stack, begun)
    unfinished = Unfinished(out / "iterations" / "state.npz", arguments, inputs)

    def keep(now: FamlState) -> None:
        arrays = {f"{part}_{name}": each for part in _PARTS for name, each in getattr(now, part).items()}
        unfinished.write(arrays, [now.iteration, now.history])

    found = yield from faml_job(
        opened.cubes,
        opened.wedges,
        opened.wedge_of,
        chosen,
        voxel_size=opened.voxel_size,
        start=start,
        state=_read(unfinished) if resume else None,
        keep=keep,
    )
    names = [f"class {number + 1}" for number in range(chosen.classes)]
    replaced = replace_labels(opened, found.classes, names, out, choice) if save else None
    notes = {"particles": len(opened), "sigma2": found.sigma2, **choice_notes(choice)}
    outputs = Outputs(out, "subtomo_faml", arguments, inputs, notes)
    outputs.classes(found.averages, opened.with_poses(found.poses), found.classes)
    rows = np.column_stack([opened.rows, found.probability]).tolist()
    names = ["particle", *(f"class {number + 1}" for number in range(found.probability.shape[1]))]
    outputs.table("probabilities.csv", [dict(zip(names, row, strict=True)) for row in rows])
    outputs.table("iterations.csv", found.history)
    outputs.remove_earlier()
    if save_aligned:
        save_poses(stack, found.poses, opened.rows)
    unfinished.remove()
    return SubtomoFaml(out, tuple(outputs.written), found, replaced)


subtomo_faml = direct(subtomo_faml_job)


def _read(unfinished: Unfinished) -> FamlState | None:
    """Return where FAML was stopped; none where there is nothing, or it was another one."""
    found = unfinished.read()
    if found is None:
        return None
    arrays, (done, history) = found
    model, candidates = (
        {name.removeprefix(f"{part}_"): each for name, each in arrays.items() if name.startswith(f"{part}_")}
        for part in _PARTS
    )
    return FamlState(done, model, candidates, tuple(history))
