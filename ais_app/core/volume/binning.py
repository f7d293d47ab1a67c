"""Mean binning that keeps the last, partial bin, and where the centre of a bin lies."""

from __future__ import annotations

import numpy as np

from ais_app.core.tomogram import ZYX, LazyArray


def bin_mean(volume: LazyArray, factor: int) -> np.ndarray:
    """Return the mean over cubes of `factor` voxels, float32, (z, y, x) each rounded up.

    A cube that the border cuts is the mean of the voxels that are there, so that nothing at the border is lost
    (`resample.binned` leaves such cubes out, as a smaller tomogram should).
    `volume` is read a few slices at a time.
    """
    starts = [np.arange(0, size, factor) for size in volume.shape]
    counts = [np.diff(np.append(s, size)).astype(np.float32) for s, size in zip(starts, volume.shape, strict=True)]
    out = np.empty([len(s) for s in starts], dtype=np.float32)
    for index, z in enumerate(starts[0]):
        flat = np.asarray(volume[z : z + factor], dtype=np.float32).mean(axis=0)
        rows = np.add.reduceat(flat, starts[1], axis=0) / counts[1][:, None]
        out[index] = np.add.reduceat(rows, starts[2], axis=1) / counts[2]
    return out


def binned_size(voxel_size_zyx: ZYX, factor: int) -> ZYX:
    """Return the voxel size after binning, Å."""
    z, y, x = voxel_size_zyx
    return z * factor, y * factor, x * factor


def bin_offset(voxel_size_zyx: ZYX, factor: int) -> np.ndarray:
    """Return where the centre of bin (0, 0, 0) lies, Å, z y x: half of ``factor - 1`` voxels from voxel (0, 0, 0)."""
    return np.array(voxel_size_zyx) * (factor - 1) / 2
