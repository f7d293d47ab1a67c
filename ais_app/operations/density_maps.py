"""Density maps that a person gives: templates, references, averages."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.io import open_tomogram


def read_density(
    path: str | Path, voxel_size: float | None = None, *, option: str = "--voxel-size"
) -> tuple[np.ndarray, float]:
    """Read a map of cubic voxels.

    Parameters
    ----------
    path
        The file.
    voxel_size
        Å; replaces what it says.
    option
        Of the command, with which a person gives `voxel_size`: what is said where it is missing.

    Returns
    -------
    ndarray, float
        (z, y, x), and the voxel size, Å.

    Raises
    ------
    ParameterProblem
        Its voxels are no cubes, or their size is not known.
    FileProblem
        It cannot be read, or holds values that are no numbers.
    """
    opened = open_tomogram(path, voxel_size=voxel_size)
    sizes = opened.require_voxel_size_zyx(f"give it with {option}")
    if max(sizes) > 1.001 * min(sizes):
        raise ParameterProblem(path, f"its voxels are no cubes: {sizes} Å (z y x)", "rescale it: ais-app convert")
    density = opened.read()
    missing = density.size - np.count_nonzero(np.isfinite(density))
    if missing:
        raise FileProblem(path, f"{missing:,} of its voxels are no numbers (NaN)", "replace them by 0")
    return density, opened.voxel_size
