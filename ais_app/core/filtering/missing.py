"""Voxels that are no number: what stands in for them while their neighbours are computed."""

from __future__ import annotations

import numpy as np

Voxels = tuple[int, int, int]


def filled(values: np.ndarray, reach: Voxels) -> tuple[np.ndarray, np.ndarray | None]:
    """Put the mean of the known voxels around it in the place of each missing one.

    Parameters
    ----------
    values
        (z, y, x) float32.
    reach
        Voxels along z, y, x that the mean is taken over, to either side; 0 where nothing is known there.

    Returns
    -------
    values
        Without missing voxels; the same array where there were none.
    known
        bool; ``None`` where there were none.
    """
    if np.isfinite(values.sum()):
        return values, None
    from scipy.ndimage import uniform_filter

    known = np.isfinite(values)
    size = [2 * side + 1 for side in reach]
    zeroed = np.where(known, values, 0).astype(np.float64)
    total = uniform_filter(zeroed, size, mode="nearest")
    # a running sum leaves rounding errors, never as much as one voxel's share
    share = np.rint(uniform_filter(known.astype(np.float64), size, mode="nearest") * np.prod(size)) / np.prod(size)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(share > 0, total / share, 0)
    return np.where(known, values, mean.astype(np.float32)), known


def with_missing(result: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return `result` with NaN wherever `values` is no finite number: filters neither spread nor invent voxels."""
    if np.isfinite(values.sum()):
        return result
    result[~np.isfinite(values)] = np.nan
    return result
