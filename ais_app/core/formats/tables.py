"""Tables of particles: checked numbers, and what to do when a file does not say enough."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.particle_set import Particles


def numbers(table: pd.DataFrame, columns: Sequence[str], path: str | Path, first_row: int = 1) -> np.ndarray:
    """Return columns as (n, k) float64.

    Raises
    ------
    FileProblem
        A cell is not a finite number; the message gives column, row (the first is `first_row`) and cell.
    """
    found = np.empty((len(table), len(columns)))
    for number, column in enumerate(columns):
        values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            cell = table[column].iloc[bad[0]]
            more = f" ({len(bad):,} such rows)" if len(bad) > 1 else ""
            raise FileProblem(path, f"row {bad[0] + first_row}: {column} is {str(cell)!r}, not a number{more}")
        found[:, number] = values
    return found


class UnknownVoxelSize(ParameterProblem):
    """A file counts in voxels and does not say how large they are."""


def unknown_voxel_size(path: str | Path) -> UnknownVoxelSize:
    """Return the error for a file that counts in voxels of unknown size."""
    problem = "counts in voxels and does not say how large they are"
    return UnknownVoxelSize(path, problem, "give the voxel size in Å with --voxel-size")


def required_voxel_size(particles: Particles, voxel_size: float | None, format: str) -> float:
    """Return the voxel size to write with, Å: what the person said, else what the particles know.

    Raises
    ------
    ParameterProblem
        Neither says.
    """
    size = voxel_size if voxel_size is not None else particles.voxel_size
    if size is None:
        problem = "counts in voxels, and the particles do not say how large theirs are"
        raise ParameterProblem(f"format {format}", problem, "give the voxel size in Å with --voxel-size")
    return float(size)


def names_or(particles: Particles, fallback: str) -> np.ndarray:
    """Return the tomogram of each particle, (n,) text, with `fallback` where it has no name."""
    return np.array([name or fallback for name in particles.tomograms], dtype=object)
