"""Perona-Malik diffusion, compiled: grey values even out where they differ by no more than noise.

Perona and Malik (1990), IEEE Trans. Pattern Anal. Mach. Intell. 12, 629. Of tomograms: Fernández and Li (2003), J.
Struct. Biol. 144, 152.

    volume ──► noise around each voxel ──► kappa ──► several steps of  u += gamma sum over faces of g(d / kappa) d

d is the difference of two neighbours. What flows out of one voxel flows into the other, so the mean stays; nothing
flows through a face of the volume, nor into or out of a missing voxel. A step is stable in 3D up to gamma = 1/6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from ais_app.core.filtering.gaussian import gaussian, gaussian_reach
from ais_app.core.filtering.missing import Voxels, filled
from ais_app.core.filtering.neighbours import padded
from ais_app.core.parallel import in_parallel
from ais_app.core.tomogram import ZYX

_RIM = np.ones(3, dtype=np.int64)
_CLIP = 2.5  # times the mean difference: beyond are edges, which are no noise
_OF_MEAN = 1.2804  # deviation of Gaussian noise over the mean of its magnitudes, clipped like that


@dataclass(frozen=True)
class PeronaMalik:
    """How grey values flow.

    Parameters
    ----------
    steps
        How many.
    gamma
        Of a step, at most 1/6.
    contrast
        kappa is this many times the noise of a difference of neighbours.
    exponential
        ``g = exp(-(d / kappa)²)``, which keeps strong edges; otherwise ``1 / (1 + (d / kappa)²)``, wide regions.
    window
        Å; standard deviation of the Gaussian in which the noise is measured.
    voxel_size_zyx
        Å.
    three_d
        Whether grey values also flow through the slices.
    """

    steps: int
    gamma: float
    contrast: float
    exponential: bool
    window: float
    voxel_size_zyx: ZYX
    three_d: bool

    def windows(self) -> ZYX:
        """Return the window in voxels."""
        z, y, x = (
            self.window / size if self.three_d or axis > 0 else 0.0 for axis, size in enumerate(self.voxel_size_zyx)
        )
        return z, y, x

    def reach(self) -> Voxels:
        """Return how far away the result takes from, along z, y, x."""
        # the window is used twice
        z, y, x = (self.steps + 2 * gaussian_reach(sigma) + 2 for sigma in self.windows())
        return (z if self.three_d else 0), y, x


def perona_malik(volume: np.ndarray, how: PeronaMalik) -> np.ndarray:
    """Let grey values flow.

    Parameters
    ----------
    volume
        (z, y, x) float32.
    how
        Steps and contrast.

    Returns
    -------
    ndarray
        float32, a new array; NaN where a voxel is missing.
    """
    values, known = filled(volume, (1 if how.three_d else 0, 1, 1))
    usable = np.ones(values.shape, np.float32) if known is None else known.astype(np.float32)
    current = np.array(values, dtype=np.float32)
    kappa = np.maximum(np.float32(how.contrast) * noise_of_differences(current, known, how), np.float32(1e-30))
    walls, limits = np.pad(usable, 1), padded(kappa, _RIM)
    sizes = np.array(how.voxel_size_zyx)[0 if how.three_d else 1 :].min() / np.array(how.voxel_size_zyx)
    weights = (how.gamma * sizes**2).astype(np.float32)
    weights[0] *= how.three_d
    for _ in range(how.steps):
        current = _flow(padded(current, _RIM), walls, limits, weights, how.exponential)
    if known is not None:
        current[~known] = np.nan
    return current


def noise_of_differences(values: np.ndarray, known: np.ndarray | None, how: PeronaMalik) -> np.ndarray:
    """Return the deviation of differences of neighbours around each voxel, as far as it is noise, (z, y, x) float32.

    From the mean of magnitudes in a Gaussian window, in which large ones, of edges, are clipped: a robust scale that
    can be measured around each voxel, unlike a median of the whole volume.
    """
    total, count = np.zeros_like(values), np.zeros_like(values)
    for axis in range(0 if how.three_d else 1, 3):
        if values.shape[axis] < 2:
            continue
        first = tuple(slice(0, -1) if a == axis else slice(None) for a in range(3))
        after = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        steps = np.abs(np.diff(values, axis=axis))
        fine = np.ones_like(steps) if known is None else (known[first] & known[after]).astype(np.float32)
        for side in (first, after):
            total[side] += steps * fine
            count[side] += fine
    magnitudes = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    if not np.isfinite(magnitudes).any():
        return np.zeros_like(values)
    mean = gaussian(magnitudes, how.windows())
    clipped = gaussian(np.minimum(magnitudes, np.float32(_CLIP) * mean), how.windows())
    return np.nan_to_num(clipped) * np.float32(_OF_MEAN)


def _flow(
    current: np.ndarray, walls: np.ndarray, limits: np.ndarray, weights: np.ndarray, exponential: bool
) -> np.ndarray:
    depth, height, width = (length - 2 for length in current.shape)
    result = np.empty((depth, height, width), np.float32)
    strides = np.array([current.shape[1] * current.shape[2], current.shape[2], 1])
    flat = current.reshape(-1), walls.reshape(-1), limits.reshape(-1)

    def work(low: int, high: int) -> None:
        _step(*flat, strides, weights, exponential, result, low, high)

    in_parallel(work, depth * height)
    return result


@njit(cache=True, nogil=True, fastmath={"contract"})
def _step(values, walls, limits, strides, weights, exponential, out, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Let grey values flow once; the volumes come padded by one voxel and raveled."""
    _, height, width = out.shape
    one, two = np.float32(1), np.float32(2)
    for number in range(low, high):
        z, y = number // height, number % height
        first = (z + 1) * strides[0] + (y + 1) * strides[1] + 1
        for x in range(width):
            at = first + x
            value, change = values[at], np.float32(0)
            for axis in range(3):
                if weights[axis] == 0:
                    continue
                for other in (at - strides[axis], at + strides[axis]):
                    away = values[other] - value
                    ratio = two * away / (limits[at] + limits[other])
                    square = ratio * ratio
                    through = np.exp(-square) if exponential else one / (one + square)
                    change += weights[axis] * walls[other] * through * away
            out[z, y, x] = value + walls[at] * change
