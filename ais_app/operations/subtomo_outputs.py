"""What the operations on stacks share: the stack with its wedges, and maps, curves and lists beside each other."""

from __future__ import annotations

import filecmp
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.coordinates import write_particles
from ais_app.core.errors import FileProblem
from ais_app.core.files import check_not_input, check_writable, replacing, write_text
from ais_app.core.io import write_volume
from ais_app.core.particles.average import Averages
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.particles.stack_files import read_poses
from ais_app.core.tomogram import Tomogram

AVERAGE = ("average.mrc", "half1.mrc", "half2.mrc", "fsc.csv")  # files of one
_MAPS = r"(class_\d+_)?((average|half[12])\.mrc|fsc\.csv)"
_LISTS = r"particles\.star|(iterations|rounds|coordinates|probabilities)\.csv"
_POSES = "poses.npz"  # of a stack
STARTING_POSES = "starting_poses.npz"


def stack_parts(stack: str | Path, poses: Path | None = None) -> list[Path]:
    """Return the parts of a stack that do not change when classes are kept in it: inputs of what reads no classes.

    The last are its poses; with `poses` that file stands for them.
    """
    parts = [Path(stack) / name for name in ("cubes", "particles.star", "wedges.json", "zarr.json")]
    return [*parts, poses or Path(stack) / _POSES]


def starting_poses(stack: SubtomogramStack, given: str | Path | None, kept: Path | None) -> Path | None:
    """Return the file of the poses that a job begins with; ``None`` for those that the stack has, and keeps.

    Where the job will replace those of the stack a copy of them is made first, and it begins with that: what it makes
    can then be made again. A copy that holds other poses stays: this one is then called ``…_2``, and so on.

    Parameters
    ----------
    stack
        The stack, as it was opened from its folder.
    given
        Poses that a person gave instead.
    kept
        Where the copy goes; ``None`` where the stack's poses stay.
    """
    if kept is not None:
        assert stack.path is not None  # it was opened
        own = stack.path / _POSES
        if not own.exists():
            raise FileProblem(own, "is missing", "copy the stack again")
        kept = kept_copy(own, kept)
    return kept if given is None else Path(given)


def kept_copy(file: Path, place: Path) -> Path:
    """Copy a file that is about to be replaced, and return the copy.

    A file at `place` that holds something else stays: the copy is then called ``…_2``, and so on.
    """
    first, number = place, 1
    while place.exists() and not filecmp.cmp(file, place, shallow=False):
        number += 1
        place = first.with_stem(f"{first.stem}_{number}")
    if not place.exists():
        with replacing(place) as part:
            shutil.copyfile(file, part)
    return place


@dataclass
class Outputs:
    """Writes the results of an operation into its folder, each with its provenance.

    Parameters
    ----------
    folder
        Made where it is missing.
    operation, arguments, inputs, notes
        As of `ais_app.core.provenance.record`.
    written
        What was written so far.
    """

    folder: Path
    operation: str
    arguments: Mapping[str, Any]
    inputs: Sequence[Path]
    notes: Mapping[str, Any] = field(default_factory=dict)
    written: list[Path] = field(default_factory=list)

    def volume(self, name: str, cube: np.ndarray, voxel_size: float) -> None:
        """Write a map; its central voxel has the centre of the particle."""
        output = self.folder / name
        record = self._record(output)
        like = Tomogram(cube, (voxel_size,) * 3)
        write_volume(output, np.asarray(cube, dtype=np.float32), like=like, label=record.label)
        self._done(record, output)

    def averages(self, averages: Averages, voxel_size: float, prefix: str = "") -> None:
        """Write ``average.mrc``, ``half1.mrc``, ``half2.mrc`` and ``fsc.csv``; no curve if a half is empty."""
        for name, cube in zip(("average", "half1", "half2"), averages[:3], strict=True):
            self.volume(f"{prefix}{name}.mrc", cube, voxel_size)
        if averages.fsc is not None:
            output = self.folder / f"{prefix}fsc.csv"
            averages.fsc.write_csv(output)
            self._done(self._record(output), output)

    def classes(self, averages: Sequence[Averages], stack: SubtomogramStack, classes: np.ndarray) -> None:
        """Write ``class_1_average.mrc`` and so on, and ``particles.star``, which says who is in which class."""
        for number, each in enumerate(averages, start=1):
            self.averages(each, stack.voxel_size, f"class_{number}_")
        self.particles("particles.star", stack, classes)

    def particles(self, name: str, stack: SubtomogramStack, classes: np.ndarray | None = None) -> None:
        """Write the particles where their poses put them, with their classes from 1 on as RELION counts."""
        placed = stack.placed()
        if classes is not None:
            table = placed.table.copy()
            table["rlnClassNumber"] = classes + 1
            placed = replace(placed, table=table)
        output = self.folder / name
        write_particles(output, placed, "star")
        self._done(self._record(output), output)

    def table(self, name: str, rows: Sequence[Mapping[str, float]]) -> None:
        """Write records as CSV, one line each; nothing if there are none."""
        if not rows:
            return
        names = list(rows[0])
        lines = [",".join(names), *(",".join(f"{row[name]:.6g}" for name in names) for row in rows)]
        output = self.folder / name
        write_text(output, "\n".join(lines) + "\n")
        self._done(self._record(output), output)

    def remove_earlier(self) -> None:
        """Remove what an earlier run of the operation left here and this one did not write: classes beyond the last."""
        remove_earlier(self.folder, self.operation, f"{_MAPS}|{_LISTS}", [*self.written, *self.inputs])

    def _record(self, output: Path) -> provenance.Provenance:
        return provenance.record(self.operation, output, self.arguments, self.inputs, self.notes)

    def _done(self, record: provenance.Provenance, output: Path) -> None:
        record.write(output)
        self.written.append(output)


def check_inputs_stay(folder: Path, classes: int | None, inputs: Iterable[str | Path | None], steps: int = 0) -> None:
    """Find out before the work that its maps and lists would replace an input of it.

    Parameters
    ----------
    folder
        Of the outputs.
    classes
        That get averages; ``None`` for one average without a class.
    inputs
        Files and stacks; ``None`` for those that were not given.
    steps
        Iterations whose averages are kept.

    Raises
    ------
    ParameterProblem
        One is an input.
    """
    prefixes = [""] if classes is None else [f"class_{number}_" for number in range(1, classes + 1)]
    names = [f"{prefix}{name}" for prefix in prefixes for name in AVERAGE]
    names += [f"iterations/average_{step:02d}.mrc" for step in range(1, steps + 1)]
    check_not_input([folder / name for name in (*names, "particles.star")], [path for path in inputs if path])


def check_outputs(folder: Path, stack: str | Path | None = None, without: str = "without --save") -> None:
    """Find out before the work that its folder, or a stack that results are kept in, cannot be written to.

    Parameters
    ----------
    folder
        Of the outputs; it need not be there.
    stack
        Given where results are kept in it.
    without
        What to say to keep nothing in the stack.

    Raises
    ------
    FileProblem
        One of them cannot be written to.
    """
    check_writable(folder)
    if stack is not None:
        check_writable(Path(stack), f"make it writable, work on a copy, or run it {without}")


def remove_earlier(folder: Path, operation: str, names: str, kept: Iterable[Path]) -> None:
    """Remove from a folder, with their provenance, outputs of an earlier run that the last one did not make again.

    Parameters
    ----------
    folder
        Of the outputs; folders in it are left alone.
    operation
        That the provenance of such a file says.
    names
        A regular expression: how the operation calls its files.
    kept
        Outputs and inputs of the last run.

    Raises
    ------
    FileProblem
        One cannot be removed.
    """
    stay = {path.resolve() for path in kept}
    for path in sorted(folder.iterdir()):
        beside = provenance.sidecar(path)
        if not re.fullmatch(names, path.name) or path.resolve() in stay or not (path.is_file() and beside.is_file()):
            continue
        try:
            made_by = provenance.read_provenance(path).operation
        except FileProblem:  # what says nothing of where it came from is somebody else's
            continue
        if made_by == operation:
            try:
                path.unlink()
                beside.unlink()
            except OSError as error:
                problem = f"is of an earlier run and cannot be removed ({error.strerror or error})"
                raise FileProblem(path, problem, "remove it, or choose another folder") from error


def open_stack(path: str | Path, tilt: str | None = None, poses: str | Path | None = None) -> SubtomogramStack:
    """Open a stack; with ``"MIN,MAX"`` all its cubes are taken to have these tilts, about y with the beam along z.

    With `poses`, a file as the ``poses.npz`` of a stack, its particles have these.
    """
    from ais_app.operations.wedge import wedge_for

    stack = SubtomogramStack.open(path)
    if poses is not None:
        stack.poses = read_poses(Path(poses), len(stack), "give the poses of this stack, such as a starting_poses.npz")
    if tilt is None:
        return stack
    wedge = wedge_for("", tilt)
    stack.wedges, stack.wedge_of = (wedge,), np.zeros(len(stack), np.int64)
    return stack


def known_poses(poses: Poses) -> bool:
    """Say whether any particle is turned: else nothing is known of how they lie."""
    return bool(np.abs(poses.rotations - np.eye(3)).max() > 1e-6)


def resolution_text(averages: Averages) -> str:
    """Return how well the halves agree, for a person."""
    if averages.fsc is None:
        return "no second half to compare with"
    resolution = averages.fsc.resolution()
    return f"{resolution:.1f} Å (FSC 0.143)" if np.isfinite(resolution) else "the halves do not agree"


def class_lines(classes: np.ndarray, averages: Sequence[Averages], folder: Path) -> list[str]:
    """Return one line a class: how many particles, how well its halves agree, where its average is."""
    lines = []
    for number, average in enumerate(averages):
        count = int((classes == number).sum())
        words = f"class {number + 1}: {count:,} particle{'s' * (count != 1)}, {resolution_text(average)}"
        lines.append(f"{words} -> {folder / f'class_{number + 1}_average.mrc'}")
    return lines


def save_array(path: Path, values: np.ndarray) -> Path:
    """Write numbers as ``.npy``; the file is whole or not there."""
    with replacing(path) as part, part.open("wb") as stream:
        np.save(stream, values)
    return path


def of_whole(values: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """Return values (k, m) of some rows of a stack for all of its `count`, NaN for the others."""
    every = np.full((count, *values.shape[1:]), np.nan, values.dtype)
    every[rows] = values
    return every
