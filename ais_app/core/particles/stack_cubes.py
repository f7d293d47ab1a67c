"""The cubes of a stack, one file each."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import FileProblem

_FIRST = 1024  # voxels that tell most cubes from empty ones


class CubeFiles:
    """Cubes that lie in one file each, as an array (n, e, e, e).

    The files are chunks of a Zarr array that are not packed; reading them directly takes a third of the time that the
    zarr library takes, and needs none of its threads.

    Parameters
    ----------
    folder
        Of the Zarr array.
    edge
        Voxels.
    rows
        (n,) the numbers of the files.
    """

    dtype = np.dtype(np.float32)
    ndim = 4

    def __init__(self, folder: Path, edge: int, rows: np.ndarray) -> None:
        self.folder, self.edge, self.rows = folder, edge, rows

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, e, e, e)."""
        return len(self.rows), self.edge, self.edge, self.edge

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> np.ndarray:
        """Return cubes as of an array: a number, a slice, a mask or indices first, then anything of these cubes."""
        whole = key if isinstance(key, tuple) else (key,)
        first, others = whole[0], whole[1:]
        if first is Ellipsis:
            first, others = slice(None), whole
        rows = self.rows[first]
        if np.ndim(rows) == 0:
            cube = self._read(int(rows))
            return cube[others]
        cubes = np.empty((len(rows), *self.shape[1:]), np.float32)
        for at, row in enumerate(rows):
            cubes[at] = self._read(int(row))
        return cubes[(slice(None),) + others]  # noqa: RUF005 - Python 3.10

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        cubes = self[:]
        return cubes if dtype is None else cubes.astype(dtype)

    def of(self, rows: np.ndarray) -> CubeFiles:
        """Return some of the cubes, unread."""
        return CubeFiles(self.folder, self.edge, self.rows[rows])

    def empty(self) -> np.ndarray:
        """Return a mask, (n,), of the cubes that are the same everywhere; of most only the first voxels are read."""
        return np.array([self._is_empty(int(row)) for row in self.rows], dtype=bool)

    def check(self) -> None:
        """Raise `FileProblem` where files are missing or too short."""
        missing = missing_cubes(self.folder, int(self.rows.max()) + 1, self.edge)[self.rows]
        if missing.any():
            problem = f"{int(missing.sum()):,} of its {len(self.rows):,} cubes are missing or cut short"
            raise FileProblem(self.folder.parent, problem, "copy it again, or extract it again")

    def _is_empty(self, row: int) -> bool:
        first = _voxels(cube_path(self.folder, row), _FIRST)
        return bool((first == first[:1]).all()) and bool(np.ptp(self._read(row)) == 0)

    def _read(self, row: int) -> np.ndarray:
        path = cube_path(self.folder, row)
        voxels = _voxels(path)
        if len(voxels) != self.edge**3:
            raise FileProblem(path, f"is cut short: {len(voxels):,} of {self.edge**3:,} voxels", "copy it again")
        return voxels.reshape((self.edge,) * 3).astype(np.float32, copy=False)


def _voxels(path: Path, count: int = -1) -> np.ndarray:
    try:
        return np.fromfile(path, dtype="<f4", count=count)
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error), "copy the stack again") from error


def cube_path(folder: Path, row: int) -> Path:
    """Return the chunk of a Zarr array that holds one cube."""
    return folder / f"{row}.0.0.0"


def missing_cubes(folder: Path, count: int, edge: int) -> np.ndarray:
    """Return a mask, (count,), of the cubes whose files are not there or have another size."""
    missing = np.ones(count, dtype=bool)
    size = edge**3 * 4
    try:
        entries = os.scandir(folder)
    except OSError as error:
        raise FileProblem(folder.parent, "has no folder of cubes", "copy it again") from error
    with entries:
        for entry in entries:
            row, _, rest = entry.name.partition(".")
            if rest == "0.0.0" and row.isdigit() and int(row) < count:
                missing[int(row)] = entry.stat().st_size != size
    return missing


def write_cube(folder: Path, row: int, cube: np.ndarray) -> None:
    """Write one cube, little-endian; it is whole or not there."""
    path = cube_path(folder, row)
    part = path.with_name(f".{row}.{secrets.token_hex(4)}")
    cube.astype("<f4", copy=False).tofile(part)
    part.replace(path)
