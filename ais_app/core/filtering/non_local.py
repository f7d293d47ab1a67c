"""Non-local means, compiled: each voxel becomes the mean of those in its surroundings whose patches look like its own.

Buades, Coll and Morel (2005), CVPR 2, 60. The weights are those of Goossens et al. (2008), LNLA, "An improved
non-local denoising algorithm": a bisquare, which is exactly 0 for patches that do not fit.

    noise of each voxel, from what a Gaussian takes away around it
    for each place in the search window ──► mean squared difference of the patches ──► weight ──► weighted mean

The noise is measured around each voxel and not once for all, so that a slab gives what the whole volume gives, and so
that thick and thin parts of a tomogram are treated alike. Missing voxels lend no value.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ais_app.core.filtering.gaussian import gaussian, gaussian_reach, gaussian_weights
from ais_app.core.filtering.missing import Voxels, filled
from ais_app.core.filtering.neighbours import padded
from ais_app.core.parallel import in_parallel

_ROUGH = 1.0  # voxels, sigma of the Gaussian that is held to take away noise and nothing else
_WINDOW = 0.5  # of the search radius: sigma of the Gaussian that averages the noise
_FLAT = float(np.sqrt(np.pi / 2))  # standard deviation of normal noise by its mean absolute value


def non_local_means(volume: np.ndarray, offsets: np.ndarray, patch: Voxels, strength: float) -> np.ndarray:
    """Denoise by averaging like with like.

    Parameters
    ----------
    volume
        (z, y, x) float32.
    offsets
        (n, 3) int64, z y x: the places to compare a voxel with.
    patch
        Voxels of a patch to either side of its centre, along z, y, x.
    strength
        In multiples of the noise: how unlike a patch may be and still count.

    Returns
    -------
    ndarray
        float32, a new array; NaN where a voxel is missing.
    """
    values, known = filled(volume, patch)
    noise = _noise(volume, np.abs(offsets).max(axis=0), patch)
    reach = np.abs(offsets).max(axis=0) + patch
    source = padded(values, reach)
    usable = np.ones(values.shape, np.float32) if known is None else known.astype(np.float32)
    usable = np.pad(usable, [(int(side), int(side)) for side in reach])  # what repeats beyond a face lends nothing
    result = np.empty(volume.shape, np.float32)
    others, sides = offsets[np.any(offsets != 0, axis=1)], np.array(patch)

    def work(low: int, high: int) -> None:
        _average(source, usable, noise, others, sides, reach, np.float32(strength), result, low, high)

    in_parallel(work, volume.shape[0] * volume.shape[1])
    if known is not None:
        result[~known] = np.nan
    return result


def non_local_reach(search: Voxels, patch: Voxels) -> Voxels:
    """Return how far away `non_local_means` takes from, along z, y, x."""
    # patches that reach into missing voxels see the mean of a patch around these
    z, y, x = (
        max(gaussian_reach(_ROUGH if p else 0) + gaussian_reach(s * _WINDOW), s + 2 * p)
        for s, p in zip(search, patch, strict=True)
    )
    return z, y, x


def _noise(volume: np.ndarray, search: np.ndarray, patch: Voxels) -> np.ndarray:
    """Return the standard deviation of the noise around each voxel: what a narrow Gaussian takes away."""
    rough, window = [_ROUGH if p else 0.0 for p in patch], [float(s) * _WINDOW for s in search]
    with np.errstate(invalid="ignore"):  # missing voxels may be infinite
        away = np.abs(volume - gaussian(volume, (rough[0], rough[1], rough[2])))
    around = gaussian(away, (window[0], window[1], window[2]))
    return around * np.float32(_FLAT / _share_taken(sum(p > 0 for p in patch)))


def _share_taken(axes: int) -> float:
    """Return which share of independent noise, as a standard deviation, the narrow Gaussian takes away."""
    weights = gaussian_weights(_ROUGH).astype(float)
    return float(np.sqrt(1 - 2 * weights.max() ** axes + np.sum(weights**2) ** axes))


@njit(cache=True, nogil=True, fastmath={"contract"})
def _average(source, usable, noise, offsets, patch, reach, strength, out, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover
    _, height, width = out.shape
    apart, total, weights = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    expected, sharpness = np.empty(width, np.float32), np.empty(width, np.float32)
    share = np.float32(1 / ((2 * patch[0] + 1) * (2 * patch[1] + 1) * (2 * patch[2] + 1)))
    for number in range(low, high):
        z, y = number // height, number % height
        for x in range(width):
            variance = noise[z, y, x] * noise[z, y, x]
            expected[x] = variance + variance  # of two patches that differ by nothing but noise
            sharpness[x] = np.float32(1) / max(strength * strength * variance, np.float32(1e-30))
            weights[x] = 1
            total[x] = source[z + reach[0], y + reach[1], x + reach[2]]
        for k in range(offsets.shape[0]):
            _compare(source, z + reach[0], y + reach[1], reach[2], offsets[k], patch, apart)
            at_z, at_y, at_x = z + reach[0] + offsets[k, 0], y + reach[1] + offsets[k, 1], reach[2] + offsets[k, 2]
            there, lends = source[at_z, at_y, at_x : at_x + width], usable[at_z, at_y, at_x : at_x + width]
            for x in range(width):
                excess = max(apart[x] * share - expected[x], np.float32(0))
                fit = max(np.float32(1) - excess * sharpness[x], np.float32(0))
                weight = fit * fit * lends[x]
                weights[x] += weight
                total[x] += weight * there[x]
        for x in range(width):
            out[z, y, x] = total[x] / weights[x]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _compare(source, z, y, first, offset, patch, apart):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Sum the squared differences between the patches of a row and those at an offset."""
    width = apart.size
    wide = width + 2 * patch[2]
    squares = np.zeros(wide, np.float32)
    left, right = first - patch[2], first - patch[2] + offset[2]
    for pz in range(z - patch[0], z + patch[0] + 1):
        for py in range(y - patch[1], y + patch[1] + 1):
            own = source[pz, py, left : left + wide]
            other = source[pz + offset[0], py + offset[1], right : right + wide]
            for x in range(wide):
                away = own[x] - other[x]
                squares[x] += away * away
    apart[:] = 0
    for px in range(2 * patch[2] + 1):
        shifted = squares[px : px + width]
        for x in range(width):
            apart[x] += shifted[x]
