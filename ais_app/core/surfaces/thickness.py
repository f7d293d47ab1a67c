"""Thickness of a sheet, such as a membrane, along the normals of its surface.

vertex of the surface ──► ray inward along the smoothed normal ──► where the probability falls below the level
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ais_app.core.surfaces.mesh import Mesh, neighbour_mean
from ais_app.core.tomogram import ZYX, LazyArray

_SLAB = 64  # planes
_ROUNDS = 10  # of averaging normals over neighbours


def thickness(
    volume: LazyArray,
    voxel_size_zyx: ZYX,
    mesh: Mesh,
    normals: np.ndarray,
    level: float = 0.5,
    longest: float = 200.0,
) -> np.ndarray:
    """Return how thick a sheet is at each vertex of its surface: the way along the normal to the other side.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1, read in slabs.
    voxel_size_zyx
        Å.
    mesh
        Its surface at `level`, Å from the centre of the first voxel.
    normals
        (n, 3) x y z, outward, at the vertices: of `smooth_normals`.
    level
        Of the surface.
    longest
        Å; where the other side is further away there is no sheet.

    Returns
    -------
    ndarray
        (n,) Å; NaN where it is no sheet, and at the border of the volume, where it is cut.
    """
    size = np.array(voxel_size_zyx)
    inward = -normals[:, ::-1]
    points = mesh.vertices_xyz[:, ::-1].astype(float)
    step = min(size) / 4
    ways = np.arange(1, int(np.ceil(longest / step)) + 1) * step
    found = np.full(len(points), np.nan)
    for chosen, low, block in _slabs(volume, points, size, longest):
        for part in np.array_split(chosen, max(1, len(chosen) * len(ways) // 2**22)):
            rays = points[part, None] + ways[:, None] * inward[part, None]
            found[part] = _leaving(block, rays / size - [low, 0, 0], ways, level, volume.shape[0] - low)
    return np.where(found <= longest, found, np.nan)


def _slabs(
    volume: LazyArray, points: np.ndarray, size: np.ndarray, halo: float
) -> Iterator[tuple[np.ndarray, int, np.ndarray]]:
    """Yield the points of a slab, the first plane that is read for them, and what was read."""
    planes = int(np.ceil(halo / size[0])) + 2
    at = np.floor(points[:, 0] / size[0]).astype(int).clip(0, volume.shape[0] - 1)
    for start in range(0, volume.shape[0], _SLAB):
        chosen = np.flatnonzero((at >= start) & (at < start + _SLAB))
        if len(chosen):
            low = max(0, start - planes)
            yield chosen, low, np.asarray(volume[low : start + _SLAB + planes], dtype=np.float32)


def _leaving(block: np.ndarray, rays: np.ndarray, ways: np.ndarray, level: float, planes: int) -> np.ndarray:
    """Return where each ray, (n, k, 3) in voxels, first falls below the level; NaN where it leaves the volume."""
    from scipy.ndimage import map_coordinates

    last = np.array([planes, *block.shape[1:]]) - 1
    values = map_coordinates(block, rays.reshape(-1, 3).T, order=1, mode="nearest").reshape(rays.shape[:2])
    values = np.concatenate([np.full((len(values), 1), np.float32(level)), values], axis=1)
    outside = values < level
    first = np.argmax(outside, axis=1)
    rows = np.arange(len(values))
    after, before = values[rows, first], values[rows, first - 1]
    places = np.concatenate([[0.0], ways])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip((before - level) / (before - after), 0, 1)
    crossing = places[first - 1] + share * (places[first] - places[first - 1])
    end = rays[rows, np.maximum(first, 1) - 1]
    valid = (first > 0) & (end >= 0).all(axis=1) & (end <= last).all(axis=1)
    return np.where(valid, crossing, np.nan)


def smooth_normals(mesh: Mesh) -> np.ndarray:
    """Return the outward normals at the vertices of a smoothed surface, (n, 3) x y z, averaged over neighbours."""
    a, b, c = (mesh.vertices_xyz[mesh.faces[:, corner]].astype(float) for corner in range(3))
    normals = np.zeros((len(mesh.vertices_xyz), 3))
    for corner in range(3):
        np.add.at(normals, mesh.faces[:, corner], np.cross(b - a, c - a))
    mean = neighbour_mean(mesh)
    for _ in range(_ROUNDS):
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        normals = (normals + mean @ normals) / 2
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
