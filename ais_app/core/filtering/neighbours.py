"""The voxels around a voxel: those within a distance, and how many of them are too many to wait for."""

from __future__ import annotations

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX

_MOST = 4000  # comparisons a voxel: a slice of 1000 x 1000 takes some ten seconds then


def ball(name: str, radius_voxels_zyx: ZYX) -> np.ndarray:
    """Return the offsets of the voxels within a radius, the voxel itself among them.

    Parameters
    ----------
    name
        Parameter that the radius came from, named in errors.
    radius_voxels_zyx
        Along each axis, in voxels; 0 leaves an axis out.

    Returns
    -------
    ndarray
        (n, 3) int64, z y x.

    Raises
    ------
    ParameterProblem
        They are so many that a person would take the program for dead.
    """
    sides = [int(radius + 1e-6) for radius in radius_voxels_zyx]
    count = float(np.prod([2.0 * side + 1 for side in sides]))
    if count > 2 * _MOST:
        problem = f"reaches {count:,.0f} voxels around each voxel"
        raise ParameterProblem(name, problem, "choose a smaller one, filter in 2D, or bin the tomogram first")
    offsets = np.stack(np.meshgrid(*(np.arange(-side, side + 1) for side in sides), indexing="ij"), -1).reshape(-1, 3)
    scaled = [
        column / radius if radius > 0 else column * 0.0
        for column, radius in zip(offsets.T, radius_voxels_zyx, strict=True)
    ]
    # a radius of exactly one voxel, computed in Å, must hold its neighbour
    return offsets[np.sum(np.square(scaled), axis=0) <= 1 + 1e-6]


def padded(values: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Return the volume with its faces repeated `reach` voxels outwards along z, y, x."""
    return np.ascontiguousarray(np.pad(values, [(int(side), int(side)) for side in reach], mode="edge"))


def flat_offsets(offsets: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return offsets (n, 3) as steps through the raveled array of `shape`."""
    return np.asarray(offsets @ np.array([shape[1] * shape[2], shape[2], 1]), dtype=np.int64)
