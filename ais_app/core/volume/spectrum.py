"""The power spectrum of blocks of a volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spectrum:
    """Power on the grid of a half transform.

    Parameters
    ----------
    power
        (z, y, x // 2 + 1) float32; frequency 0 first.
    frequencies_zyx
        Three arrays that broadcast to it: waves per length of the shortest side of the block.
    side
        Voxels of that side; its half is the highest frequency that counts.
    occurrences
        (x // 2 + 1,): how often a column occurs in the whole of Fourier space, 1 or 2.
    """

    power: np.ndarray
    frequencies_zyx: tuple[np.ndarray, np.ndarray, np.ndarray]
    side: int
    occurrences: np.ndarray

    @property
    def radius(self) -> np.ndarray:
        """(z, y, x // 2 + 1): distance from frequency 0."""
        z, y, x = self.frequencies_zyx
        return np.asarray(np.sqrt(z * z + y * y + x * x))

    @staticmethod
    def on_grid(power: np.ndarray, shape: Sequence[int], voxel_size_zyx: Sequence[float] = (1.0, 1.0, 1.0)) -> Spectrum:
        """Return a spectrum of a block of a shape, (z, y, x), whose voxels may be of three lengths."""
        sizes = np.asarray(voxel_size_zyx, dtype=float)
        lengths = np.asarray(shape) * sizes
        shortest, finest = float(lengths.min()), float(sizes.max())
        z, y, x = shape
        f_z = np.fft.fftfreq(z, sizes[0])[:, None, None] * shortest
        f_y = np.fft.fftfreq(y, sizes[1])[None, :, None] * shortest
        f_x = np.fft.rfftfreq(x, sizes[2])[None, None, :] * shortest
        occurrences = np.full(x // 2 + 1, 2.0)
        occurrences[0] = 1
        if x % 2 == 0:
            occurrences[-1] = 1
        return Spectrum(power, (f_z, f_y, f_x), int(shortest / finest), occurrences)


def power_spectrum(blocks: Sequence[np.ndarray], voxel_size_zyx: Sequence[float] = (1.0, 1.0, 1.0)) -> Spectrum:
    """Return the mean power spectrum of blocks, each tapered to zero at its faces and counted alike.

    Parameters
    ----------
    blocks
        One or more of one shape, (z, y, x), finite and not constant.
    voxel_size_zyx
        Only the ratios count.
    """
    from scipy.fft import rfftn

    shape = blocks[0].shape
    tapers = [np.hanning(side + 2)[1:-1].astype(np.float32) for side in shape]
    taper = tapers[0][:, None, None] * tapers[1][:, None] * tapers[2]
    total = np.zeros((*shape[:2], shape[2] // 2 + 1), np.float32)
    for block in blocks:
        transform = rfftn((block - np.float32(block.mean())) * taper, workers=-1)
        power = np.square(transform.real) + np.square(transform.imag)
        total += power / power.mean(dtype=np.float64).astype(np.float32)
    return Spectrum.on_grid(total, shape, voxel_size_zyx)
