"""Compiled inner loops: painting maps, blobs and tubes, and testing whether a complex fits."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def first_fit(occupied: np.ndarray, envelope: np.ndarray, rotations: np.ndarray, positions: np.ndarray) -> int:
    """Return the index of the first pose at which no point of the envelope is occupied or outside; -1 if none.

    Parameters
    ----------
    occupied
        (z, y, x) uint8.
    envelope
        (n, 3) float64, voxels from the centre, z y x.
    rotations
        (p, 3, 3) float64 that act on z y x columns.
    positions
        (p, 3) float64, voxels, z y x.
    """
    nz, ny, nx = occupied.shape
    for pose in range(len(positions)):
        fits = True
        turn, centre = rotations[pose], positions[pose]
        for k in range(len(envelope)):
            a, b, c = envelope[k]
            z = int(np.floor(centre[0] + turn[0, 0] * a + turn[0, 1] * b + turn[0, 2] * c + 0.5))
            y = int(np.floor(centre[1] + turn[1, 0] * a + turn[1, 1] * b + turn[1, 2] * c + 0.5))
            x = int(np.floor(centre[2] + turn[2, 0] * a + turn[2, 1] * b + turn[2, 2] * c + 0.5))
            if z < 0 or y < 0 or x < 0 or z >= nz or y >= ny or x >= nx or occupied[z, y, x]:
                fits = False
                break
        if fits:
            return pose
    return -1


@numba.njit(cache=True)
def _sample(volume: np.ndarray, z: float, y: float, x: float) -> float:
    """Interpolate linearly; 0 outside."""
    n = volume.shape[0]
    iz, iy, ix = int(np.floor(z)), int(np.floor(y)), int(np.floor(x))
    if iz < 0 or iy < 0 or ix < 0 or iz >= n - 1 or iy >= n - 1 or ix >= n - 1:
        return 0.0
    fz, fy, fx = z - iz, y - iy, x - ix
    low = (volume[iz, iy, ix] * (1 - fx) + volume[iz, iy, ix + 1] * fx) * (1 - fy) + (
        volume[iz, iy + 1, ix] * (1 - fx) + volume[iz, iy + 1, ix + 1] * fx
    ) * fy
    high = (volume[iz + 1, iy, ix] * (1 - fx) + volume[iz + 1, iy, ix + 1] * fx) * (1 - fy) + (
        volume[iz + 1, iy + 1, ix] * (1 - fx) + volume[iz + 1, iy + 1, ix + 1] * fx
    ) * fy
    return low * (1 - fz) + high * fz


@numba.njit(cache=True)
def paint_map(
    density: np.ndarray,
    labels: np.ndarray,
    instances: np.ndarray,
    occupied: np.ndarray,
    template: np.ndarray,
    outline: np.ndarray,
    scale: float,
    rotation: np.ndarray,
    position: np.ndarray,
    value: int,
    instance: int,
) -> None:
    """Add a turned density map to the scene and label its envelope.

    Parameters
    ----------
    density, labels, instances, occupied
        (z, y, x) volumes of the scene, changed in place.
    template, outline
        (n, n, n) float32, centre at voxel ``n // 2``; where `outline` is at least 0.5 belongs to the particle.
    scale
        Template voxels per voxel of the scene.
    rotation
        (3, 3) float64 that acts on z y x columns and turns the template into the particle.
    position
        (3,) float64, voxels.
    value, instance
        What to write into the labels and the instances.
    """
    nz, ny, nx = density.shape
    centre = template.shape[0] // 2
    reach = int(np.ceil(centre / scale * np.sqrt(3.0))) + 1
    z0, y0, x0 = int(round(position[0])), int(round(position[1])), int(round(position[2]))
    for z in range(max(0, z0 - reach), min(nz, z0 + reach + 1)):
        for y in range(max(0, y0 - reach), min(ny, y0 + reach + 1)):
            for x in range(max(0, x0 - reach), min(nx, x0 + reach + 1)):
                a, b, c = (z - position[0]) * scale, (y - position[1]) * scale, (x - position[2]) * scale
                # the inverse of a rotation is its transpose
                tz = rotation[0, 0] * a + rotation[1, 0] * b + rotation[2, 0] * c + centre
                ty = rotation[0, 1] * a + rotation[1, 1] * b + rotation[2, 1] * c + centre
                tx = rotation[0, 2] * a + rotation[1, 2] * b + rotation[2, 2] * c + centre
                found = _sample(template, tz, ty, tx)
                if found > 0:
                    density[z, y, x] += found
                if _sample(outline, tz, ty, tx) >= 0.5:
                    labels[z, y, x] = value
                    instances[z, y, x] = instance
                    occupied[z, y, x] = 1


@numba.njit(cache=True)
def paint_blobs(density: np.ndarray, centres: np.ndarray, charges: np.ndarray, sigma: float) -> None:
    """Add Gaussian blobs.

    Parameters
    ----------
    density
        (z, y, x) float32, changed in place.
    centres
        (n, 3) float64, voxels.
    charges
        (n,) float64: the sum over voxels that each blob adds.
    sigma
        Voxels.
    """
    nz, ny, nx = density.shape
    reach = int(np.ceil(4 * sigma))
    norm = (2 * np.pi * sigma * sigma) ** -1.5
    for k in range(len(centres)):
        cz, cy, cx = centres[k]
        z0, y0, x0 = int(np.floor(cz + 0.5)), int(np.floor(cy + 0.5)), int(np.floor(cx + 0.5))
        for z in range(max(0, z0 - reach), min(nz, z0 + reach + 1)):
            for y in range(max(0, y0 - reach), min(ny, y0 + reach + 1)):
                d2 = (z - cz) ** 2 + (y - cy) ** 2
                for x in range(max(0, x0 - reach), min(nx, x0 + reach + 1)):
                    density[z, y, x] += charges[k] * norm * np.exp(-0.5 * (d2 + (x - cx) ** 2) / sigma**2)


@numba.njit(cache=True)
def paint_tube(volume: np.ndarray, axis: np.ndarray, radius: float, value: int, only_zero: bool) -> None:
    """Write `value` within `radius` of a polyline.

    Parameters
    ----------
    volume
        (z, y, x) integers, changed in place.
    axis
        (n, 3) float64, voxels; its ends are cut flat.
    radius
        Voxels.
    only_zero
        Leave voxels alone that hold something else already.
    """
    nz, ny, nx = volume.shape
    for k in range(len(axis) - 1):
        start, step = axis[k], axis[k + 1] - axis[k]
        length2 = step[0] ** 2 + step[1] ** 2 + step[2] ** 2
        low = np.floor(np.minimum(axis[k], axis[k + 1]) - radius)
        high = np.ceil(np.maximum(axis[k], axis[k + 1]) + radius)
        for z in range(max(0, int(low[0])), min(nz, int(high[0]) + 1)):
            for y in range(max(0, int(low[1])), min(ny, int(high[1]) + 1)):
                for x in range(max(0, int(low[2])), min(nx, int(high[2]) + 1)):
                    a, b, c = z - start[0], y - start[1], x - start[2]
                    along = (a * step[0] + b * step[1] + c * step[2]) / length2
                    inner = (0 < k and along < 0) or (k < len(axis) - 2 and along > 1)
                    if (along < 0 or along > 1) and not inner:
                        continue
                    along = min(1.0, max(0.0, along))
                    d2 = (a - along * step[0]) ** 2 + (b - along * step[1]) ** 2 + (c - along * step[2]) ** 2
                    if d2 <= radius * radius and not (only_zero and volume[z, y, x]):
                        volume[z, y, x] = value
