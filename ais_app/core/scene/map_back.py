"""Put a map, such as an average, at every pick with its orientation: a volume that overlays the tomogram.

    map ──► blurred where voxels of the tomogram are larger ──► for each slab of the tomogram: every pick that reaches
    into it, sampled by trilinear interpolation ──► the larger value, or the sum

Memory is that of one slab and the map, whatever the tomogram.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param
from ais_app.core.particle_set import Particles
from ais_app.core.tomogram import ZYX

_SLAB_VOXELS = 2**24


@dataclass(frozen=True)
class MapBackParams(Params):
    """How maps are put back."""

    combine: str = param("max", "What a voxel gets where particles overlap", choices=("max", "sum"))
    threshold: float = param(0.0, "Density of the map below which nothing is written", low=0)
    dark: bool = param(False, "Particles are dark in the map: turn it bright first")


def map_back(
    density: np.ndarray,
    map_voxel_size: float,
    particles: Particles,
    shape_zyx: tuple[int, int, int],
    voxel_size_zyx: ZYX,
    params: MapBackParams | None = None,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the volume slab by slab: the first slice of each, and (n, y, x) float32, 0 where no particle is.

    Parameters
    ----------
    density
        (z, y, x); voxel ``n // 2`` of each axis is the centre of the particle.
    map_voxel_size
        Å, of the map.
    particles
        Of one tomogram; without rotations none is turned. What lies outside of the volume is cut off.
    shape_zyx, voxel_size_zyx
        Of the tomogram, voxels and Å.
    params
        What to do with overlaps and low densities.

    Raises
    ------
    ParameterProblem
        The map has not three axes, or holds values that are no number.
    """
    yield from map_back_classes(
        [(density, map_voxel_size)], np.zeros(len(particles), dtype=int), particles, shape_zyx, voxel_size_zyx, params
    )


def map_back_classes(
    maps: Sequence[tuple[np.ndarray, float]],
    which: np.ndarray,
    particles: Particles,
    shape_zyx: tuple[int, int, int],
    voxel_size_zyx: ZYX,
    params: MapBackParams | None = None,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the volume with a map of its own for each class of particles; see `map_back`.

    Parameters
    ----------
    maps
        Density and voxel size, Å, of each.
    which
        (n,) which of them each particle is.
    """
    chosen = params or MapBackParams()
    size = np.array(voxel_size_zyx, dtype=float)
    ready = [(_checked(density, size / voxel_size, chosen), size / voxel_size) for density, voxel_size in maps]
    # rotations act on x y z columns; reversed on both axes they act on z y x
    turns = np.tile(np.eye(3), (len(particles), 1, 1))
    if particles.rotations is not None:
        turns = np.ascontiguousarray(particles.rotations[:, ::-1, ::-1], dtype=float)
    centres = particles.positions_zyx / size
    reaches = [np.linalg.norm(np.array(density.shape) / 2 + 1) / scale[0] for density, scale in ready]
    depth = max(1, min(shape_zyx[0], _SLAB_VOXELS // (shape_zyx[1] * shape_zyx[2])))
    for start in range(0, shape_zyx[0], depth):
        slab = np.zeros((min(depth, shape_zyx[0] - start), *shape_zyx[1:]), dtype=np.float32)
        for number, ((density, scale), reach) in enumerate(zip(ready, reaches, strict=True)):
            close = (centres[:, 0] > start - reach) & (centres[:, 0] < start + len(slab) + reach)
            near = np.flatnonzero(close & (which == number))
            _paint(
                slab, start, density, scale, turns[near], centres[near],
                np.float32(chosen.threshold), chosen.combine == "sum",
            )  # fmt: skip
        yield start, slab


def _checked(density: np.ndarray, ratios: np.ndarray, params: MapBackParams) -> np.ndarray:
    """Return a map as it is painted: bright, and without the detail that voxels `ratios` times as large cannot hold."""
    density = np.ascontiguousarray(density, dtype=np.float32)
    if density.ndim != 3:
        raise ParameterProblem("map", f"has {density.ndim} axes", "give a volume (z, y, x)")
    if not np.isfinite(density).all():
        raise ParameterProblem("map", "holds values that are no number", "replace them by 0")
    return _blurred(-density if params.dark else density, ratios)


def _blurred(density: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """Return the map without the detail that voxels `ratios` times as large cannot hold."""
    from scipy.ndimage import gaussian_filter

    ratio = float(ratios.max())
    if ratio <= 1.2:
        return density
    return gaussian_filter(density, 0.4 * np.sqrt(ratio**2 - 1), mode="constant")


@njit(cache=True, nogil=True)
def _paint(slab, start, density, scale, turns, centres, threshold, is_sum):  # type: ignore[no-untyped-def] # pragma: no cover
    """Write the map into a slab that begins at slice `start`, once for every pose.

    `scale` are voxels of the map in one of the tomogram, `turns` (n, 3, 3) of z y x columns, `centres` (n, 3) voxels.
    """
    nz, ny, nx = slab.shape
    half = np.empty(3)
    for axis in range(3):
        half[axis] = density.shape[axis] // 2
    radius = np.sqrt((half[0] + 1) ** 2 + (half[1] + 1) ** 2 + (half[2] + 1) ** 2)
    for k in range(len(centres)):
        turn, (cz, cy, cx) = turns[k], centres[k]
        rz, ry, rx = radius / scale[0], radius / scale[1], radius / scale[2]
        for z in range(max(0, int(np.ceil(cz - rz)) - start), min(nz, int(np.floor(cz + rz)) + 1 - start)):
            for y in range(max(0, int(np.ceil(cy - ry))), min(ny, int(np.floor(cy + ry)) + 1)):
                for x in range(max(0, int(np.ceil(cx - rx))), min(nx, int(np.floor(cx + rx)) + 1)):
                    a, b, c = (z + start - cz) * scale[0], (y - cy) * scale[1], (x - cx) * scale[2]
                    # the inverse of a rotation is its transpose
                    value = _at(
                        density,
                        turn[0, 0] * a + turn[1, 0] * b + turn[2, 0] * c + half[0],
                        turn[0, 1] * a + turn[1, 1] * b + turn[2, 1] * c + half[1],
                        turn[0, 2] * a + turn[1, 2] * b + turn[2, 2] * c + half[2],
                    )
                    if value > threshold:
                        slab[z, y, x] = slab[z, y, x] + value if is_sum else max(slab[z, y, x], value)


@njit(cache=True, nogil=True)
def _at(density, z, y, x):  # type: ignore[no-untyped-def] # pragma: no cover
    """Interpolate linearly; outside of the map it falls to 0 within a voxel."""
    nz, ny, nx = density.shape
    iz, iy, ix = int(np.floor(z)), int(np.floor(y)), int(np.floor(x))
    if iz < -1 or iy < -1 or ix < -1 or iz >= nz or iy >= ny or ix >= nx:
        return np.float32(0)
    total = 0.0
    for dz in range(2):
        for dy in range(2):
            for dx in range(2):
                jz, jy, jx = iz + dz, iy + dy, ix + dx
                if 0 <= jz < nz and 0 <= jy < ny and 0 <= jx < nx:
                    weight = (1 - abs(z - jz)) * (1 - abs(y - jy)) * (1 - abs(x - jx))
                    total += weight * density[jz, jy, jx]
    return np.float32(total)
