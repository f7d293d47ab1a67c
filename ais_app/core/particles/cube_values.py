"""Grey values of a cube: brought to mean 0 and deviation 1, or replaced where something is not wanted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def normalised(cube: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Return a cube with mean 0 and deviation 1, (e, e, e) float32; one of a single value becomes 0.

    Parameters
    ----------
    cube
        (e, e, e).
    among
        (e, e, e) bool: the voxels whose mean and deviation are made so; all if not given.
    """
    voxels = cube if among is None else cube[among]
    mean, deviation = voxels.mean(dtype=float), voxels.std(dtype=float)
    if deviation <= 1e-6 * max(1e-30, float(np.abs(voxels).max())):
        return np.zeros(cube.shape, dtype=np.float32)
    return np.asarray((cube - mean) / deviation, dtype=np.float32)


def masked_out(cube: np.ndarray, weight: np.ndarray, background: np.ndarray | None = None) -> np.ndarray:
    """Return a cube in which what is marked is replaced by the mean of what is not.

    Parameters
    ----------
    cube
        (e, e, e).
    weight
        (e, e, e) 0 ... 1: how far each voxel is replaced.
    background
        (e, e, e) bool: the voxels whose mean is taken; those that are not replaced at all if not given, or if fewer
        than one in a hundred are marked here.

    Returns
    -------
    ndarray
        (e, e, e) float32.
    """
    free = weight <= 0
    if background is not None and np.count_nonzero(background & free) >= 0.01 * free.size:
        free = background & free
    mean = cube[free].mean(dtype=float) if free.any() else cube.mean(dtype=float)
    return np.asarray(cube + weight * (mean - cube), dtype=np.float32)


def sphere(edge: int, radius: float, centre_zyx: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
    """Return the distance of each voxel from a sphere, (e, e, e) float32 voxels, negative inside."""
    centre = np.full(3, edge // 2) if centre_zyx is None else np.asarray(centre_zyx)
    z, y, x = (np.arange(edge, dtype=np.float32) - np.float32(c) for c in centre)
    return np.asarray(np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2) - np.float32(radius))
