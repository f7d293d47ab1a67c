"""Second derivatives of a volume at a scale, and how much like a sheet they are; compiled.

volume ──► Gaussian ──► second differences ──► eigenvalues of the Hessian ──► across - within the sheet
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ais_app.core.filtering.gaussian import gaussian
from ais_app.core.filtering.neighbours import padded
from ais_app.core.parallel import in_parallel
from ais_app.core.tomogram import ZYX

_RIM = np.ones(3, dtype=np.int64)


def sheet_strength(volume: np.ndarray, scale: float, voxel_size_zyx: ZYX, dark: bool, three_d: bool) -> np.ndarray:
    """Return how much like a sheet each voxel is, 0 and more.

    Parameters
    ----------
    volume
        (z, y, x) float32.
    scale
        Å; standard deviation of the Gaussian.
    voxel_size_zyx
        Å.
    dark
        Whether sheets are darker than what is around them.
    three_d
        Whether a sheet is one in space, or a line in each slice.

    Returns
    -------
    ndarray
        (z, y, x) float32, grey values: ``max(0, s1 - max(|s2|, |s3|))`` of the eigenvalues of ``scale² Hessian``, of
        which s1 is the largest, with the sign that is positive across a sheet; in each slice ``max(0, s1 - |s2|)``.
    """
    sigmas = (scale / voxel_size_zyx[0] if three_d else 0.0, scale / voxel_size_zyx[1], scale / voxel_size_zyx[2])
    smooth = gaussian(volume, sigmas)
    # beyond what is known within reach nothing is: differences to there are none
    wide = padded(smooth, _RIM)
    out = np.empty(volume.shape, np.float32)
    inverse = np.array([scale / size for size in voxel_size_zyx], np.float32)
    inverse[0] *= three_d
    height = volume.shape[1]

    def work(low: int, high: int) -> None:
        _strengths(wide, inverse, np.float32(1 if dark else -1), out, low, high)

    in_parallel(work, volume.shape[0] * height)
    return out


@njit(cache=True, nogil=True)
def _difference(wide, z, y, x, a, b):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return the second difference along axes `a` and `b` at a voxel; what is missing counts as the voxel itself."""
    middle = wide[z, y, x]
    total = np.float32(0)
    for i in (-1, 1):
        for j in (-1, 1):
            if a == b and i != j:
                continue
            dz = i * (a == 0) + j * (b == 0) * (a != b)
            dy = i * (a == 1) + j * (b == 1) * (a != b)
            dx = i * (a == 2) + j * (b == 2) * (a != b)
            value = wide[z + dz, y + dy, x + dx]
            if not np.isfinite(value):
                value = middle
            total += (value - middle) if a == b else np.float32(0.25 * i * j) * (value - middle)
    return total


@njit(cache=True, nogil=True)
def _strengths(wide, inverse, sign, out, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill rows `low` to `high`, counted through all slices; `wide` is padded by one voxel."""
    _, height, width = out.shape
    flat = inverse[0] == 0
    for number in range(low, high):
        z, y = number // height, number % height
        for x in range(width):
            yy = float(_difference(wide, z + 1, y + 1, x + 1, 1, 1) * inverse[1] * inverse[1]) * sign
            xx = float(_difference(wide, z + 1, y + 1, x + 1, 2, 2) * inverse[2] * inverse[2]) * sign
            yx = float(_difference(wide, z + 1, y + 1, x + 1, 1, 2) * inverse[1] * inverse[2]) * sign
            if flat:
                middle, half = 0.5 * (yy + xx), np.sqrt(0.25 * (yy - xx) ** 2 + yx * yx)
                one, other = middle + half, middle - half
                out[z, y, x] = max(0.0, one - abs(other))
                continue
            zz = float(_difference(wide, z + 1, y + 1, x + 1, 0, 0) * inverse[0] * inverse[0]) * sign
            zy = float(_difference(wide, z + 1, y + 1, x + 1, 0, 1) * inverse[0] * inverse[1]) * sign
            zx = float(_difference(wide, z + 1, y + 1, x + 1, 0, 2) * inverse[0] * inverse[2]) * sign
            one, two, three = symmetric_eigenvalues(zz, yy, xx, zy, zx, yx)
            out[z, y, x] = max(0.0, one - max(abs(two), abs(three)))


@njit(cache=True, nogil=True)
def symmetric_eigenvalues(a, b, c, d, e, f):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return the eigenvalues of ((a, d, e), (d, b, f), (e, f, c)), largest first (Smith 1961, Commun. ACM 4, 168)."""
    mean = (a + b + c) / 3
    off = d * d + e * e + f * f
    spread = np.sqrt(((a - mean) ** 2 + (b - mean) ** 2 + (c - mean) ** 2 + 2 * off) / 6)
    if spread <= 1e-30:
        return mean, mean, mean
    a, b, c, d, e, f = (a - mean) / spread, (b - mean) / spread, (c - mean) / spread, d / spread, e / spread, f / spread
    half = 0.5 * (a * (b * c - f * f) - d * (d * c - f * e) + e * (d * f - b * e))
    angle = np.arccos(min(1.0, max(-1.0, half))) / 3
    one = mean + 2 * spread * np.cos(angle)
    three = mean + 2 * spread * np.cos(angle + 2 * np.pi / 3)
    return one, 3 * mean - one - three, three
