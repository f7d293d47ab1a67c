"""What a job of the gallery worked on, written down: which particles, from where, with which parameters.

    request ─► Worked ─► list of the particles (CSV, exact) ─┐
                   └───► arguments of the operation ─────────┴─► particle_work(...) does it again, from files alone

Numbers are written so that they are read back to the last bit.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import FileProblem
from ais_app.core.files import read_text, write_text
from ais_app.core.io import open_tomogram
from ais_app.core.tomogram import Tomogram
from ais_app.state.gallery_table import ParticleTable, empty_table

if TYPE_CHECKING:
    from ais_app.operations.particle_cubes import CubeRequest

KEPT = 50  # lists of one choice
PLACES = ("tomogram", "z", "y", "x", *(f"r{row}{column}" for row in "123" for column in "123"))
ROWS = ("row",)  # of a stack


@dataclass(frozen=True)
class Worked:
    """What was worked on, and how.

    Parameters
    ----------
    arguments
        Of `ais_app.operations.particle_work.particle_work`, JSON-able, without ``particles`` and ``out_dir``.
    listing
        The particles as CSV.
    count, of
        How many particles were worked on, and how many there were.
    path
        Where the list was written; ``None`` where it was not.
    """

    arguments: Mapping[str, Any]
    listing: str
    count: int
    of: int
    path: Path | None = None

    @property
    def title(self) -> str:
        """How many particles, in words."""
        noun = f"particle{'s' * (self.of != 1)}"
        return f"{self.count:,} {noun}" if self.count == self.of else f"{self.count:,} of {self.of:,} {noun}"

    @property
    def inputs(self) -> list[Path]:
        """The files that were read, without the list."""
        stack = self.arguments.get("stack")
        return [Path(path) for path in ([stack] if stack else self.arguments["tomograms"])]

    def in_folder(self, folder: Path, name: str) -> Worked:
        """Write the list into a folder, under a name that tells it from others; the oldest lists of a name go."""
        mark = hashlib.blake2b(self.listing.encode(), digest_size=6).hexdigest()
        path = folder / f"{name}_{mark}.csv"
        if not path.exists():
            older = sorted(folder.glob(f"{name}_????????????.csv"), key=lambda each: each.stat().st_mtime)
            for each in older[: max(0, len(older) + 1 - KEPT)]:
                each.unlink(missing_ok=True)
            write_text(path, self.listing)
        return replace(self, path=path)

    def python(self, out: str) -> str:
        """Return the line that does it again; a remark where the list was not written."""
        if self.path is None:
            return f"# {self.arguments['work']}: {self.title}; the list of them was not written: {self.arguments}"
        call = {**self.arguments, "particles": str(self.path), "out_dir": out}
        bring = "from ais_app.core.jobs import run; from ais_app.operations.calling import operation_job"
        return f"{bring}; run(operation_job('particle_work', {call!r}))"


def worked(request: CubeRequest, work: str, **options: Any) -> Worked:
    """Return what a request is for.

    Parameters
    ----------
    request
        Which cubes.
    work
        As of `particle_work`.
    options
        Its other arguments, JSON-able: symmetry, seed, alignment, grouping, model.
    """
    arguments: dict[str, Any] = {"work": work, **options, "tomograms": []}
    rows, table = request.rows, request.table
    if request.stack is not None:
        arguments |= {"stack": str(request.stack)}
        return Worked(arguments, _csv(ROWS, ([row] for row in rows.tolist())), len(rows), len(table))
    ids, numbers = np.unique(table.tomograms[rows], return_inverse=True)
    volumes = [request.volume_of(int(id)) for id in ids.tolist()]
    sizes = [[float(size) for size in volume.require_voxel_size_zyx()] for volume in volumes]
    arguments |= {"tomograms": [str(volume.path) for volume in volumes], "voxel_sizes": sizes}
    arguments |= {"cubes": request.params.to_dict(), "wedge": request.wedge.to_dict()}
    turned: Iterable[list[Any]] = repeat(["nan"] * 9, len(rows))
    if table.rotations is not None:
        turned = table.rotations[rows].reshape(-1, 9).tolist()
    numbered = zip(numbers.tolist(), table.positions_zyx[rows].tolist(), turned, strict=True)
    lines = ([number, *place, *turn] for number, place, turn in numbered)
    return Worked(arguments, _csv(PLACES, lines), len(rows), len(table))


def shell_line(worked: Worked, command: str, given: Mapping[str, Any], picks: str) -> str:
    """Return what to type to do the same to all of a choice that is kept; empty where a terminal cannot say it.

    Parameters
    ----------
    worked
        What was done.
    command
        Of ``ais-app subtomo``: ``average``, ``cluster``, ``classify``.
    given
        Its options.
    picks
        Options that name the picks: ``--project P.aisproj --pick-set NAME``.
    """
    options = "".join(f" {_option(name, value)}" for name, value in given.items() if value is not None)
    arguments = worked.arguments
    if arguments.get("stack"):
        return f"ais-app subtomo {command} {shlex.quote(arguments['stack'])}{options} -o {command}"
    wedge, cubes = arguments["wedge"], arguments["cubes"]
    if (wedge["tilt_axis"], wedge["beam_axis"]) != ("y", "z"):
        return ""
    tilt = f"--tilt={wedge['tilt_min']:g},{wedge['tilt_max']:g}"
    dark = "--dark" if cubes["dark"] else "--no-dark"
    cut = f"ais-app subtomo extract {picks} --box {cubes['box']} --bin {cubes['bin']} --edge pad {dark} {tilt}"
    return f"{cut} -o particles.zarr && ais-app subtomo {command} particles.zarr{options} -o {command}"


def read_list(path: str | Path, tomograms: Sequence[Tomogram]) -> tuple[ParticleTable, np.ndarray]:
    """Return the particles of a list as a table, and which rows of it were worked on.

    Parameters
    ----------
    path
        CSV, as `Worked` writes it.
    tomograms
        Those that it counts; none for the rows of a stack.

    Raises
    ------
    FileProblem
        It cannot be read, or is none.
    """
    lines = list(csv.reader(io.StringIO(read_text(path))))
    header = tuple(lines[0]) if lines else ()
    if header != (PLACES if tomograms else ROWS):
        raise FileProblem(path, "is no list of particles of the gallery", f"it begins with {','.join(PLACES)}")
    try:
        numbers = np.array([[float(value) for value in line] for line in lines[1:]], dtype=float)
        numbers = numbers.reshape(len(lines) - 1, len(header))
        which = numbers[:, 0].astype(np.int64)
    except ValueError as error:
        raise FileProblem(path, f"is damaged: {error}", "write the list again") from error
    count = len(which)
    if not tomograms:
        return empty_table(), which
    if count and not (0 <= which.min() and which.max() < len(tomograms)):
        raise FileProblem(path, f"names tomogram {which.max()} of {len(tomograms)}", "give all tomograms, in order")
    names = np.array([tomograms[number].name for number in which.tolist()], dtype=object)
    table = ParticleTable(
        np.zeros(count, dtype=np.int64), np.arange(count), which, names, numbers[:, 1:4], np.full(count, np.nan),
        np.zeros(count, dtype=bool), np.full(count, "", dtype=object), rotations=numbers[:, 4:].reshape(-1, 3, 3),
    )  # fmt: skip
    return table, np.arange(count)


def open_all(tomograms: Sequence[str | Path], voxel_sizes: Sequence[Sequence[float]]) -> list[Tomogram]:
    """Open tomograms with the voxel sizes that they had, Å along z, y, x; those of the files where none are given."""
    sizes = [*voxel_sizes, *[None] * (len(tomograms) - len(voxel_sizes))]
    return [open_tomogram(path, voxel_size=size) for path, size in zip(tomograms, sizes, strict=True)]


def _option(name: str, value: Any) -> str:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return flag if value else f"--no-{flag[2:]}"
    return f"{flag} {shlex.quote(str(value))}"


def _csv(header: Sequence[str], lines: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()
