"""Sort aligned subtomograms into classes by what sets them apart; a stack in, class averages out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particles.choice import ParticleChoice
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.sort import Sorted, SortParams, SortState, sort_job
from ais_app.core.particles.sort_features import check_classes
from ais_app.core.particles.stack import save_poses
from ais_app.operations.subtomo_inputs import (
    choice_notes,
    open_particles,
    read_mask,
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


@dataclass(frozen=True)
class SubtomoSort:
    """What was sorted.

    Parameters
    ----------
    out_dir
        The folder.
    outputs
        Files in it.
    sorted
        Classes, averages, poses.
    replaced
        A table of the classes that the stack had before; none where it had none, or keeps them.
    """

    out_dir: Path
    outputs: tuple[Path, ...]
    sorted: Sorted
    replaced: Path | None = None

    def __str__(self) -> str:
        lines = class_lines(self.sorted.classes, self.sorted.averages, self.out_dir)
        return "\n".join([*lines, *replaced_line(self.replaced)])


def subtomo_sort_job(
    stack: str | Path,
    out_dir: str | Path,
    params: SortParams | None = None,
    *,
    tilt: str | None = None,
    poses: str | Path | None = None,
    mask: str | Path | None = None,
    save: bool = True,
    save_aligned: bool = False,
    resume: bool = True,
    choice: ParticleChoice | None = None,
) -> Job[SubtomoSort]:
    """Sort the subtomograms of a stack, which are aligned to each other.

    Parameters
    ----------
    stack
        The ``.zarr`` folder, with poses of an alignment.
    out_dir
        Gets ``class_1_average.mrc``, its halves and ``class_1_fsc.csv``, the same of each class, ``particles.star``,
        ``rounds.csv`` and ``coordinates.csv``: where each particle lies along the directions in which they differ; in
        ``rounds``, until it is done, what is needed to go on. Classes of an earlier run that had more are removed.
    params
        Classes, what is compared.
    tilt
        Lowest and highest tilt of all particles, ``"-60,60"``; replaces what the stack says.
    poses
        Poses to begin with instead of those of the stack: a file as its ``poses.npz``, such as the
        ``starting_poses.npz`` that is left where the stack's were replaced.
    mask
        A map, 0 to 1, of where differences count.
    save
        Write the classes into the stack; those that they replace are left as ``starting_classes.csv``. Of chosen
        particles they are called ``class 1 of …``, and the others keep theirs.
    save_aligned
        Write the poses into the stack too.
    resume
        Go on after the last round where the same call was stopped.
    choice
        Which particles take part; all, but for those whose cubes are the same everywhere, if not given.

    Raises
    ------
    FileProblem
        The stack or the mask cannot be read, or the folder not be written.
    ParameterProblem
        There are fewer particles than classes, no particle is aligned, or a parameter is out of bounds.
    """
    chosen, out = params or SortParams(), Path(out_dir)
    yield Progress(0, 0, "reading")
    check_inputs_stay(out, chosen.classes, (stack, poses, mask))
    opened = open_particles(stack, tilt, poses, choice)
    check_outputs(out, stack if save or save_aligned else None, "with --no-save and without --save-aligned")
    check_classes(chosen.classes, len(opened))
    if len(opened) > 1 and not known_poses(opened.poses):
        problem = "its particles are not aligned"
        raise ParameterProblem(stack, problem, "align them first: ais-app subtomo average --save")
    outline = read_mask(mask, opened)
    begun = starting_poses(opened, poses, out / STARTING_POSES if save_aligned else None)
    arguments: dict[str, Any] = {"stack": str(stack), "out_dir": str(out), "params": chosen, "tilt": tilt}
    arguments |= {"mask": None if mask is None else str(mask), "save": False}
    arguments |= {"poses": None if begun is None else str(begun)}
    arguments["choice"] = recorded_choice(opened, choice)
    inputs = [*stack_parts(stack, begun), *(Path(path) for path in (mask,) if path is not None)]
    unfinished = Unfinished(out / "rounds" / "state.npz", arguments, inputs)

    def keep(now: SortState) -> None:
        unfinished.write({**vars(now.poses), "classes": now.classes}, [now.round, now.turned, now.history])

    found = yield from sort_job(
        opened.cubes,
        opened.poses,
        opened.wedges,
        opened.wedge_of,
        chosen,
        voxel_size=opened.voxel_size,
        mask=outline,
        state=_read(unfinished) if resume else None,
        keep=keep,
    )
    names = [f"class {number + 1}" for number in range(chosen.classes)]
    replaced = replace_labels(opened, found.classes, names, out, choice) if save else None
    outputs = Outputs(out, "subtomo_sort", arguments, inputs, {"particles": len(opened), **choice_notes(choice)})
    outputs.classes(found.averages, opened.with_poses(found.poses), found.classes)
    outputs.table("rounds.csv", found.history)
    rows = np.column_stack([opened.rows, found.classes + 1, found.coordinates]).tolist()
    names = ["particle", "class", *(f"x{number + 1}" for number in range(found.coordinates.shape[1]))]
    outputs.table("coordinates.csv", [dict(zip(names, row, strict=True)) for row in rows])
    outputs.remove_earlier()
    if save_aligned:
        save_poses(stack, found.poses, opened.rows)
    unfinished.remove()
    return SubtomoSort(out, tuple(outputs.written), found, replaced)


subtomo_sort = direct(subtomo_sort_job)


def _read(unfinished: Unfinished) -> SortState | None:
    """Return where a sorting was stopped; none where there is nothing, or it was another one."""
    found = unfinished.read()
    if found is None:
        return None
    arrays, (done, turned, history) = found
    poses = Poses(arrays["rotations"], arrays["shifts_zyx"], arrays["scores"])
    return SortState(done, poses, arrays["classes"], turned, tuple(history))
