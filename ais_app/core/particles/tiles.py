"""Small pictures of particles for a gallery: the central slice, a slab or the projection of a cube, in 256 greys."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ais_app.core.tomogram import Tomogram

DEPTHS = ("slice", "slab", "projection")
LEVELS_PER_DEVIATION = 32.0  # 256 greys are four standard deviations either way
MIDDLE = 128.0
_PARTICLE = 0.3  # radius of the particle as a share of the edge: cubes are 1.6 times as wide as it


def cut_tile(
    tomogram: Tomogram, centre_zyx: Sequence[float], edge: int, binning: int = 1, axis: str = "z", depth: str = "slab"
) -> np.ndarray | None:
    """Return a picture of what is around a position of a tomogram; no more than needed is read.

    Parameters
    ----------
    tomogram
        Where the particle is.
    centre_zyx
        Voxel indices of its centre.
    edge
        Pixels of the picture.
    binning
        Voxels along each edge of a pixel.
    axis
        What is looked along, ``"z"``, ``"y"`` or ``"x"``: the other two are rows and columns, in the order z y x.
    depth
        One of `DEPTHS`.

    Returns
    -------
    ndarray
        (edge, edge) float32: means of voxels; what lies outside is the mean of what does not. ``None`` where none of it
        lies in the tomogram.
    """
    along = "zyx".index(axis)
    wide = edge * binning
    thick = _thickness(depth, edge) * binning
    lengths = [thick if number == along else wide for number in range(3)]
    lows = [round(at) - (length // 2 if length > 1 else 0) for at, length in zip(centre_zyx, lengths, strict=True)]
    spans = [
        (max(0, low), min(size, low + length)) for low, length, size in zip(lows, lengths, tomogram.shape, strict=True)
    ]
    if any(low >= high for low, high in spans):
        return None
    z, y, x = (slice(low, high) for low, high in spans)
    block = tomogram.read((z, y, x)).astype(np.float32)
    plane = block.mean(axis=along)
    whole = np.full((wide, wide), np.nan, dtype=np.float32)
    rows, columns = (
        slice(low - first, high - first)
        for number, (first, (low, high)) in enumerate(zip(lows, spans, strict=True))
        if number != along
    )
    whole[rows, columns] = plane
    return _filled(_binned(_filled(whole), binning))


def tile_of_cube(cube: np.ndarray, axis: str = "z", depth: str = "slab") -> np.ndarray:
    """Return a picture of a cube (e, e, e), (e, e) float32; parameters as of `cut_tile`."""
    along, edge = "zyx".index(axis), len(cube)
    thick = _thickness(depth, edge)
    low = edge // 2 - (thick // 2 if thick > 1 else 0)
    return np.asarray(np.take(cube, range(low, low + thick), axis=along).mean(axis=along), dtype=np.float32)


def greys(tile: np.ndarray) -> np.ndarray:
    """Return a picture as uint8: its mean is 128, 32 levels are one standard deviation."""
    spread = float(tile.std()) or 1.0
    return np.clip((tile - tile.mean()) * (LEVELS_PER_DEVIATION / spread) + MIDDLE, 0, 255).astype(np.uint8)


def central_slices(cube: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the central slices of a cube along z, y and x in 256 greys, of one scale."""
    spread, mean = float(cube.std()) or 1.0, float(cube.mean())
    shown = np.clip((cube - mean) * (LEVELS_PER_DEVIATION / spread) + MIDDLE, 0, 255).astype(np.uint8)
    middle = len(cube) // 2
    return shown[middle], shown[:, middle], shown[:, :, middle]


def distinctness(tile: np.ndarray) -> float:
    """Return how far the middle of a picture stands out from what is around it, in standard deviations of the latter.

    A stand-in for a signal-to-noise ratio that needs no second image; 0 for a picture that is even.
    """
    middle, around = _parts(len(tile))
    inside, outside = tile[middle], tile[around]
    spread = float(outside.std()) if outside.size else 0.0
    return abs(float(inside.mean()) - float(outside.mean())) / spread if spread else 0.0


@lru_cache(maxsize=8)
def _parts(edge: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where a particle lies in a picture, and what is around it, (edge, edge) bool each."""
    offset = np.arange(edge) - edge // 2
    away = np.hypot(offset[:, None], offset[None])
    return away <= _PARTICLE * edge, away > 0.45 * edge


def _thickness(depth: str, edge: int) -> int:
    return {"slice": 1, "slab": max(1, edge // 3), "projection": edge}[depth]


def _binned(plane: np.ndarray, binning: int) -> np.ndarray:
    if binning == 1:
        return plane
    edge = len(plane) // binning
    return np.asarray(plane.reshape(edge, binning, edge, binning).mean(axis=(1, 3)))


def _filled(plane: np.ndarray) -> np.ndarray:
    """Put the mean where no number is."""
    missing = ~np.isfinite(plane)
    if missing.any():
        plane[missing] = 0.0 if missing.all() else plane[~missing].mean()
    return plane
