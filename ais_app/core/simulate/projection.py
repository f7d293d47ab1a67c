"""Projections of a volume over a tilt series, and back: compiled, on all cores.

The tilt axis is y, the beam z. A voxel at (z, x) from the centre voxel ``n // 2`` falls on the detector at
``x cos(tilt) + z sin(tilt)`` from its centre: a tilt samples the plane ``atan2(kz, kx) = tilt`` of Fourier space, and
±60° leave the wedge around the kz axis empty. Arrays have y last, so that whole rows are added at once.
"""

from __future__ import annotations

import math

import numba
import numpy as np


def detector_width(shape_zyx: tuple[int, int, int]) -> int:
    """Return how many pixels hold the projection of every voxel at every tilt."""
    return math.ceil(math.hypot(shape_zyx[0], shape_zyx[2])) + 3


@numba.njit(parallel=True, fastmath=True, cache=True)
def project(volume: np.ndarray, tilts: np.ndarray, width: int) -> np.ndarray:
    """Sum a volume along the beam at each tilt.

    Parameters
    ----------
    volume
        (z, x, y) float32.
    tilts
        (t,) float64, radians.
    width
        Pixels of the detector across the tilt axis.

    Returns
    -------
    ndarray
        (t, width, y) float32: line integrals in units of voxels. Rays step from layer to layer along the axis that
        they follow most and interpolate linearly across it (Joseph, IEEE Trans. Med. Imaging 1, 192, 1982).
    """
    nz, nx, ny = volume.shape
    cz, cx, cw = nz // 2, nx // 2, width // 2
    out = np.zeros((len(tilts), width, ny), np.float32)
    for job in numba.prange(len(tilts) * width):
        tilt, i = job // width, job % width
        c, s = math.cos(tilts[tilt]), math.sin(tilts[tilt])
        row = out[tilt, i]
        steep = abs(c) >= abs(s)
        layers, across = (nz, nx) if steep else (nx, nz)
        weight = 1.0 / abs(c) if steep else 1.0 / abs(s)
        for layer in range(layers):
            position = (i - cw - (layer - cz) * s) / c + cx if steep else (i - cw - (layer - cx) * c) / s + cz
            j = int(math.floor(position))
            if j < -1 or j >= across:
                continue
            second = np.float32((position - j) * weight)
            first = np.float32(weight - second)
            if j >= 0:
                source = volume[layer, j] if steep else volume[j, layer]
                for y in range(ny):
                    row[y] += first * source[y]
            if j + 1 < across:
                source = volume[layer, j + 1] if steep else volume[j + 1, layer]
                for y in range(ny):
                    row[y] += second * source[y]
    return out


@numba.njit(parallel=True, fastmath=True, cache=True)
def back_project(images: np.ndarray, tilts: np.ndarray, oversampling: int, nz: int, nx: int) -> np.ndarray:
    """Smear filtered projections back over a volume and add them up.

    Parameters
    ----------
    images
        (t, width × oversampling, y) float32, filtered; pixel ``(width // 2) × oversampling`` is the centre.
    tilts
        (t,) float64, radians.
    oversampling
        Pixels per voxel; 2 makes the loss by linear interpolation small.
    nz, nx
        Size of the volume.

    Returns
    -------
    ndarray
        (z, x, y) float32.
    """
    width, ny = images.shape[1], images.shape[2]
    cz, cx, cw = nz // 2, nx // 2, (width // oversampling) // 2 * oversampling
    out = np.zeros((nz, nx, ny), np.float32)
    for z in numba.prange(nz):
        for x in range(nx):
            row = out[z, x]
            for tilt in range(len(tilts)):
                across = (x - cx) * math.cos(tilts[tilt]) + (z - cz) * math.sin(tilts[tilt])
                position = across * oversampling + cw
                i = int(math.floor(position))
                if i < 0 or i >= width - 1:
                    continue
                second = np.float32(position - i)
                first = np.float32(1) - second
                left, right = images[tilt, i], images[tilt, i + 1]
                for y in range(ny):
                    row[y] += first * left[y] + second * right[y]
    return out
