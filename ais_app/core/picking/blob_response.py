"""The difference of two Gaussians of a volume of any size, plane after plane, tile by tile.

    tile of a slice + halo ──► ring of 2 r + 1 slices ──► weighted sums along z ──► along y and x ──► narrow - wide

A plane is the same whichever tile it is computed in: a tile is read with as much around it as the Gaussians reach.
Memory is a ring of slices of one tile. Missing voxels (NaN) take no part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit

from ais_app.core.filtering.gaussian import gaussian, gaussian_reach, gaussian_weights
from ais_app.core.parallel import in_parallel
from ais_app.core.tomogram import ZYX, LazyArray

TRUNCATE = 5.0  # sigma; what lies beyond changes a response by less than 2e-5 of the largest
_MOST_BYTES = 2**28  # of a ring
_SIDES = (4096, 2048, 1024, 512, 256, 128)
_RIM = 1  # voxels around a tile whose response is wanted too: who looks for maxima needs the neighbours


@dataclass(frozen=True)
class Blobs:
    """Which blobs answer.

    Parameters
    ----------
    sigma_voxels_zyx
        Standard deviation of the narrow Gaussian, voxels.
    ratio
        The wide Gaussian is so many times as wide.
    dark
        Dark blobs answer with a positive response, instead of bright ones.
    """

    sigma_voxels_zyx: ZYX
    ratio: float
    dark: bool

    @property
    def wide(self) -> ZYX:
        """Standard deviation of the wide Gaussian, voxels."""
        z, y, x = (sigma * self.ratio for sigma in self.sigma_voxels_zyx)
        return z, y, x

    def reach(self) -> tuple[int, int, int]:
        """Return how many voxels around it a response depends on."""
        z, y, x = (gaussian_reach(sigma, TRUNCATE) for sigma in self.wide)
        return z, y, x


@dataclass(frozen=True)
class Plane:
    """The response in one plane of one tile.

    Parameters
    ----------
    z
        Index of the slice.
    corner_yx
        Voxel of the volume that ``values[0, 0]`` is.
    values
        (h, w) float32, the tile and a rim of one voxel; NaN where a voxel is missing.
    core
        Slices of `values` (y, x) that are the tile itself.
    largest
        The largest magnitude of any voxel of the tile so far, from the offset that is subtracted.
    last
        Whether this is the last plane of the tile.
    """

    z: int
    corner_yx: tuple[int, int]
    values: np.ndarray
    core: tuple[slice, slice]
    largest: float
    last: bool


def tile_side(shape: tuple[int, ...], blobs: Blobs) -> int:
    """Return the side of the tiles, voxels: the largest whose ring of slices fits into 256 MB, 128 at least."""
    far = blobs.reach()

    def size(side: int) -> int:
        return 4 * (2 * far[0] + 1) * min(shape[1], side + 2 * far[1] + 2) * min(shape[2], side + 2 * far[2] + 2)

    return next((side for side in _SIDES if size(side) <= _MOST_BYTES), _SIDES[-1])


def response_planes(volume: LazyArray, blobs: Blobs, side: int | None = None) -> Iterator[Plane]:
    """Give the response of a volume, tile by tile, in each from the first slice to the last.

    Parameters
    ----------
    volume
        (z, y, x) grey values, read slice by slice. Beyond a face its voxels repeat.
    blobs
        Which blobs answer.
    side
        Of a tile, voxels; chosen by memory when ``None``. The response does not depend on it.
    """
    side = side or tile_side(volume.shape, blobs)
    middle = np.asarray(volume[volume.shape[0] // 2], dtype=np.float32)
    known = middle[np.isfinite(middle)]
    offset = np.float32(np.median(known[:: max(1, known.size // 10_000)])) if known.size else np.float32(0)
    for y in range(0, volume.shape[1], side):
        for x in range(0, volume.shape[2], side):
            yield from _tile(volume, blobs, (y, x), side, offset)


def _spans(start: int, side: int, length: int, reach: int) -> tuple[slice, slice, slice]:
    """Return along one axis what is read, in it what has a right response, and in that the tile itself."""
    stop = min(length, start + side)
    low, high = max(0, start - _RIM), min(length, stop + _RIM)
    read = slice(max(0, low - reach), min(length, high + reach))
    return read, slice(low - read.start, high - read.start), slice(start - low, stop - low)


def _tile(volume: LazyArray, blobs: Blobs, corner: tuple[int, int], side: int, offset: np.float32) -> Iterator[Plane]:
    depth, height, width = volume.shape
    far = blobs.reach()
    (read_y, right_y, core_y), (read_x, right_x, core_x) = (
        _spans(start, side, length, reach)
        for start, length, reach in zip(corner, (height, width), far[1:], strict=True)
    )
    ring = _Ring(volume, (read_y, read_x), far[0], offset)
    weights = np.zeros((2, 2 * far[0] + 1), np.float32)
    for row, sigma in zip(weights, (blobs.sigma_voxels_zyx[0], blobs.wide[0]), strict=True):
        own = gaussian_weights(sigma, TRUNCATE)
        row[far[0] - len(own) // 2 : far[0] + len(own) // 2 + 1] = own
    for z in range(depth):
        voxels, known = ring.around(z, weights)
        smooth = [
            _in_plane(part, None if known is None else known[number], sigmas)
            for number, (part, sigmas) in enumerate(zip(voxels, (blobs.sigma_voxels_zyx, blobs.wide), strict=True))
        ]
        response = smooth[1] - smooth[0] if blobs.dark else smooth[0] - smooth[1]
        if known is not None:
            response[~ring.finite(z)] = np.nan
        values = np.ascontiguousarray(response[right_y, right_x])
        at = (read_y.start + right_y.start, read_x.start + right_x.start)
        yield Plane(z, at, values, (core_y, core_x), ring.largest, z == depth - 1)


def _in_plane(values: np.ndarray, known: np.ndarray | None, sigmas: ZYX) -> np.ndarray:
    """Smooth a plane along y and x; with the weights of the known voxels where some are missing."""
    flat = (0.0, sigmas[1], sigmas[2])
    total: np.ndarray = gaussian(values[None], flat, TRUNCATE)[0]
    if known is None:
        return total
    share = gaussian(known[None], flat, TRUNCATE)[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(share > 0, total / share, np.float32(np.nan))


class _Ring:
    """The slices of a tile that the one in turn depends on."""

    def __init__(self, volume: LazyArray, region: tuple[slice, slice], reach: int, offset: np.float32) -> None:
        self._volume, self._region, self._reach, self._offset = volume, region, reach, offset
        self._count = min(2 * reach + 1, volume.shape[0])
        sides = [part.stop - part.start for part in region]
        self._values = np.zeros((self._count, *sides), np.float32)
        self._known: np.ndarray | None = None
        self._next = 0
        self.largest = 0.0

    def around(self, z: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return sums over the slices around `z`, (2, h, w), and those of the known voxels where some are missing."""
        depth = self._volume.shape[0]
        while self._next < min(depth, z + self._reach + 1):
            self._take(self._next)
            self._next += 1
        places = np.clip(np.arange(z - self._reach, z + self._reach + 1), 0, depth - 1) % self._count
        sums = _sums(self._values, weights, places)
        return sums, None if self._known is None else _sums(self._known, weights, places)

    def finite(self, z: int) -> np.ndarray:
        """Return which voxels of a slice are known, bool."""
        assert self._known is not None  # asked only where some are not
        return np.asarray(self._known[z % self._count] > 0)

    def _take(self, z: int) -> None:
        values = np.asarray(self._volume[z, self._region[0], self._region[1]], dtype=np.float32) - self._offset
        if not np.isfinite(values.sum()):
            finite = np.isfinite(values)
            if self._known is None:
                self._known = np.ones_like(self._values)
            values = np.where(finite, values, np.float32(0))
            self._known[z % self._count] = finite
        elif self._known is not None:
            self._known[z % self._count] = 1
        self._values[z % self._count] = values
        self.largest = max(self.largest, float(np.abs(values).max(initial=0)))


def _sums(values: np.ndarray, weights: np.ndarray, places: np.ndarray) -> np.ndarray:
    out = np.empty((len(weights), *values.shape[1:]), np.float32)
    in_parallel(lambda low, high: _weighted(values, weights, places, out, low, high), values.shape[1])
    return out


@njit(cache=True, nogil=True, fastmath={"contract"})
def _weighted(values, weights, places, out, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Sum the slices at `places` with two sets of weights, rows `low` to `high`."""
    width = values.shape[2]
    for y in range(low, high):
        for x in range(width):
            out[0, y, x] = 0
            out[1, y, x] = 0
        for k in range(places.size):
            first, second, at = weights[0, k], weights[1, k], places[k]
            for x in range(width):
                out[0, y, x] += first * values[at, y, x]
                out[1, y, x] += second * values[at, y, x]
