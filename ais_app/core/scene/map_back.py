"""Put a map, such as an average, at every pick with its orientation: a volume that overlays the tomogram.

    map ──► blurred where voxels of the tomogram are larger ──► for each slab of the tomogram: every pick that reaches
    into it, sampled by trilinear interpolation ──► the larger value, or the sum

Memory is that of one slab and the map, whatever the tomogram.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.particle_set import Particles
from ais_app.core.tomogram import ZYX

_SLAB_VOXELS = 2**24
_MIDDLE = 4.0  # voxels around the centre of a particle, where as a rule it has something


@dataclass(frozen=True)
class MapBackParams(Params):
    """How maps are put back."""

    combine: str = param("max", "What a voxel gets where particles overlap", choices=("max", "sum"))
    threshold: float = param(0.0, "Density of the map below which nothing is written", low=0)
    dark: bool = param(False, "Particles are dark in the map: turn it bright first")


def map_back_job(
    density: np.ndarray,
    map_voxel_size: float,
    particles: Particles,
    shape_zyx: tuple[int, int, int],
    voxel_size_zyx: ZYX,
    params: MapBackParams | None = None,
) -> Job[np.ndarray]:
    """Put a map at particles: return a volume, (z, y, x) float32, 0 where no particle is.

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
        The map has not three axes, holds values that are no number, or nothing that would be written.
    """
    volume = np.empty(shape_zyx, dtype=np.float32)
    every = np.zeros(len(particles), dtype=int)
    maps = [(density, map_voxel_size)]
    for z, slab in PlacedMaps(maps, every, particles, shape_zyx, voxel_size_zyx, params).slabs():
        volume[z : z + len(slab)] = slab
        yield Progress(z + len(slab), shape_zyx[0], "slices")
    return volume


map_back = direct(map_back_job)


class PlacedMaps:
    """Maps at particles, a map for each class, ready to be painted.

    Parameters
    ----------
    maps
        Density and voxel size, Å, of each.
    which
        (n,) which of them each particle is; none below 0.
    particles, shape_zyx, voxel_size_zyx, params
        As of `map_back`, and so are the errors.
    """

    def __init__(
        self,
        maps: Sequence[tuple[np.ndarray, float]],
        which: np.ndarray,
        particles: Particles,
        shape_zyx: tuple[int, int, int],
        voxel_size_zyx: ZYX,
        params: MapBackParams | None = None,
    ) -> None:
        chosen = params or MapBackParams()
        self._which, self._shape = which, shape_zyx
        self._ready = _ready(maps, voxel_size_zyx, chosen)
        self._turns, self._centres = _placed(particles, voxel_size_zyx)
        self._threshold, self._is_sum = np.float32(chosen.threshold), chosen.combine == "sum"

    def reaching(self) -> np.ndarray:
        """Return which particles leave anything in the volume, (n,) bool."""
        shape, centres = np.array(self._shape), self._centres
        found = np.zeros(len(centres), dtype=bool)
        for number, one in enumerate(self._ready):
            low, high = centres - one.reach_zyx, centres + one.reach_zyx
            mine = self._which == number
            inside = mine & (low >= 0).all(axis=1) & (high <= shape - 1).all(axis=1)
            found |= inside
            for row in np.flatnonzero(mine & ~inside & np.isfinite(centres).all(axis=1)):
                # at a face only its own voxels tell; as a rule those around its middle do
                found[row] = any(self._leaves(one, int(row), reach) for reach in (_MIDDLE, one.reach_zyx))
        return found

    def _leaves(self, one: _Ready, row: int, reach: float | np.ndarray) -> bool:
        """Say whether a particle leaves anything within reach, voxels, of its centre in the volume."""
        shape, centre = np.array(self._shape), self._centres[row]
        middle = np.clip(centre, 0, shape - 1)
        first = np.clip(np.floor(np.maximum(centre - one.reach_zyx, middle - reach)), 0, shape).astype(int)
        last = np.clip(np.ceil(np.minimum(centre + one.reach_zyx, middle + reach)) + 1, 0, shape).astype(int)
        near = np.zeros(np.maximum(last - first, 0), dtype=np.float32)
        here = centre[None] - first
        _paint(near, 0, one.density, one.scale, self._turns[[row]], here, self._threshold, False)
        return bool(near.any())

    def slabs(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the volume slab by slab: the first slice of each, and (n, y, x) float32."""
        shape, centres = self._shape, self._centres
        depth = max(1, min(shape[0], _SLAB_VOXELS // (shape[1] * shape[2])))
        for start in range(0, shape[0], depth):
            slab = np.zeros((min(depth, shape[0] - start), *shape[1:]), dtype=np.float32)
            for number, one in enumerate(self._ready):
                reach = one.reach_zyx[0]
                close = (centres[:, 0] > start - reach) & (centres[:, 0] < start + len(slab) + reach)
                near = np.flatnonzero(close & (self._which == number))
                _paint(
                    slab, start, one.density, one.scale, self._turns[near], centres[near],
                    self._threshold, self._is_sum,
                )  # fmt: skip
            yield start, slab


@dataclass(frozen=True)
class _Ready:
    """A map as it is painted: bright, with `scale` of its voxels in one of the tomogram, z y x."""

    density: np.ndarray
    scale: np.ndarray

    @property
    def reach_zyx(self) -> np.ndarray:
        """Voxels of the tomogram around the centre of a particle, in any orientation."""
        reach: np.ndarray = np.linalg.norm(np.array(self.density.shape) / 2 + 1) / self.scale
        return reach


def _ready(maps: Sequence[tuple[np.ndarray, float]], voxel_size_zyx: ZYX, params: MapBackParams) -> list[_Ready]:
    size = np.array(voxel_size_zyx, dtype=float)
    return [_Ready(_checked(density, size / own, params), size / own) for density, own in maps]


def _placed(particles: Particles, voxel_size_zyx: ZYX) -> tuple[np.ndarray, np.ndarray]:
    """Return rotations of z y x columns, (n, 3, 3), and centres, (n, 3) voxels."""
    # rotations act on x y z columns; reversed on both axes they act on z y x
    turns = np.tile(np.eye(3), (len(particles), 1, 1))
    if particles.rotations is not None:
        turns = np.ascontiguousarray(particles.rotations[:, ::-1, ::-1], dtype=float)
    return turns, particles.positions_zyx / np.array(voxel_size_zyx, dtype=float)


def _checked(density: np.ndarray, ratios: np.ndarray, params: MapBackParams) -> np.ndarray:
    """Return a map as it is painted: bright, and without the detail that voxels `ratios` times as large cannot hold."""
    density = np.ascontiguousarray(density, dtype=np.float32)
    if density.ndim != 3:
        raise ParameterProblem("map", f"has {density.ndim} axes", "give a volume (z, y, x)")
    if not np.isfinite(density).all():
        raise ParameterProblem("map", "holds values that are no number", "replace them by 0")
    blurred = _blurred(-density if params.dark else density, ratios)
    check_density("map", -blurred if params.dark else blurred, params)
    return blurred


def check_density(subject: str | Path, density: np.ndarray, params: MapBackParams) -> None:
    """Raise `ParameterProblem` about a map, (z, y, x), of which nothing would be written."""
    bright = -density if params.dark else density
    if not (bright > params.threshold).any():
        raise ParameterProblem(subject, *_nothing(bright, params))


def _nothing(bright: np.ndarray, params: MapBackParams) -> tuple[str, str]:
    """Return what is wrong with a map of which nothing would be written, and what to do."""
    if not bright.any():
        return "is 0 everywhere", "give the map of a particle"
    highest = float(bright.max())
    if highest > 0:
        return f"has no density above {params.threshold:g}, the highest is {highest:.3g}", "lower the threshold"
    if params.dark:
        return "is bright, not dark", "leave --dark out"
    return "has no density above 0", "where particles are dark in it, say so with --dark"


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
