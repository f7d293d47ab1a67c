"""Picks as they lie in a project: blocks of up to 128, compressed.

A row for each pick would make 50,000 rows of history when a set is added; one block for the whole set would put
megabytes into the history when one pick is moved. A block of 128 is some 3 to 8 kB in the file, added or moved.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import FileProblem
from ais_app.state.json_text import from_text, to_finite_text
from ais_app.state.records import TomogramEntry

if TYPE_CHECKING:  # pandas, below it, takes a second to import
    from ais_app.core.particle_set import Particles

BLOCK = 128  # ids in a block: id // BLOCK is its number
_MOST_BYTES = 2**26  # of a block when it is expanded, whatever the file says

Columns = dict[str, list[Any]]

RECORD = np.dtype(
    [
        ("id", "<i8"),
        ("zyx", "<f8", (3,)),  # Å from the centre of voxel (0, 0, 0)
        ("rotation", "<f8", (3, 3)),  # acts on x y z columns; NaN: not known
        ("score", "<f8"),  # NaN: not known
        ("radius", "<f8"),  # Å; NaN: not known
    ]
)


@dataclass(frozen=True)
class Picks:
    """The picks of a set.

    Parameters
    ----------
    records
        (n,) of `RECORD`, in the order of their ids.
    columns
        Everything else that is known of them: column name to n values.
    """

    records: np.ndarray
    columns: Columns

    def __len__(self) -> int:
        return len(self.records)

    @property
    def ids(self) -> np.ndarray:
        """(n,) int64: what `PickStore.change` and `PickStore.remove` take; rising."""
        return self.records["id"]

    @property
    def positions_zyx(self) -> np.ndarray:
        """(n, 3) float64, Å from the centre of voxel (0, 0, 0), z y x."""
        return self.records["zyx"]

    @property
    def rotations(self) -> np.ndarray | None:
        """(n, 3, 3) as in `Particles`, NaN where it is not known; ``None`` when none is."""
        return self._known("rotation")

    @property
    def scores(self) -> np.ndarray | None:
        """(n,) float64, NaN where it is not known; ``None`` when none is."""
        return self._known("score")

    @property
    def radii(self) -> np.ndarray | None:
        """(n,) float64, Å, NaN where it is not known; ``None`` when none is."""
        return self._known("radius")

    def particles(self, tomogram: TomogramEntry) -> Particles:
        """Return them as `Particles` of a tomogram; one without a rotation is not turned."""
        import pandas as pd

        from ais_app.core.particle_set import Particles

        rotations = self.rotations
        if rotations is not None:
            rotations = np.where(np.isnan(rotations), np.eye(3), rotations)
        return Particles(
            self.positions_zyx.copy(),
            rotations=rotations,
            scores=None if self.scores is None else self.scores.copy(),
            tomograms=np.full(len(self), tomogram.name, dtype=object),
            voxel_size=tomogram.voxel_size,
            shape_zyx=tomogram.shape,
            table=pd.DataFrame(self.columns, index=range(len(self))),
        )

    @cached_property
    def _is_known(self) -> dict[str, bool]:
        return {name: not np.isnan(self.records[name]).all() for name in ("rotation", "score", "radius")}

    def _known(self, name: str) -> np.ndarray | None:
        return self.records[name] if self._is_known[name] else None


def records_of(particles: Particles, first: int, radius: float | None) -> tuple[np.ndarray, Columns]:
    """Return `RECORD`s of particles, with ids from `first` on, and their other columns."""
    records = np.zeros(len(particles), dtype=RECORD)
    records["id"] = np.arange(first, first + len(particles))
    records["zyx"] = particles.positions_zyx
    records["rotation"] = np.nan if particles.rotations is None else particles.rotations
    records["score"] = np.nan if particles.scores is None else particles.scores
    records["radius"] = np.nan if radius is None else radius
    return records, {str(name): particles.table[name].tolist() for name in particles.table.columns}


def pack(records: np.ndarray, columns: Columns) -> bytes:
    """Compress a block: the number of picks, their records, and the other columns as JSON.

    Raises
    ------
    ParameterProblem
        A column holds what is no number, text or truth value.
    """
    head = len(records).to_bytes(4, "little")
    text = to_finite_text(columns, "picks").encode() if columns else b""
    return zlib.compress(head + records.tobytes() + text, 1)


def unpack(data: bytes, path: Path) -> tuple[np.ndarray, Columns]:
    """Return what `pack` was given; the records can be written.

    Raises
    ------
    FileProblem
        The bytes are no block: the project at `path` is damaged.
    """
    expand = zlib.decompressobj()
    try:
        raw = expand.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise _damaged(path, str(error)) from error
    count = int.from_bytes(raw[:4], "little")
    end = 4 + count * RECORD.itemsize
    if len(raw) < max(end, 4) or not expand.eof or count > BLOCK:
        raise _damaged(path, f"{len(raw):,} bytes for {count:,} picks")
    columns = from_text(raw[end:].decode(errors="replace"), path, "picks") if len(raw) > end else {}
    if not isinstance(columns, dict) or any(not isinstance(c, list) or len(c) != count for c in columns.values()):
        raise _damaged(path, "columns of another length")
    return np.frombuffer(raw, RECORD, count, 4).copy(), columns


def joined(parts: Sequence[tuple[np.ndarray, Columns]]) -> tuple[np.ndarray, Columns]:
    """Put blocks behind one another; a column that some of them lack is filled with ``None``."""
    columns: Columns = {}
    count = 0
    for records, given in parts:
        for name in given:
            columns.setdefault(name, [None] * count)
        count += len(records)
        for name, values in columns.items():
            values.extend(given.get(name, [None] * len(records)))
    if not parts:
        return np.zeros(0, dtype=RECORD), {}
    return np.concatenate([records for records, _ in parts]), columns


def chosen(columns: Columns, rows: Iterable[int]) -> Columns:
    """Return the columns of some rows."""
    rows = list(rows)
    return {name: [values[row] for row in rows] for name, values in columns.items()}


def _damaged(path: Path, problem: str) -> FileProblem:
    return FileProblem(path, f"its picks are damaged ({problem})", "restore the project from a copy")
