"""Normals of the membrane nearest to each particle, pointing from its inside to its outside.

particle ──► nearest voxel of the membrane ──► its neighbours within a radius ──► direction of least spread
sign: where one side is enclosed, towards the other; where both are, from the smaller space to the larger;
where neither is (an open sheet), towards the particle
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.params import Params, param
from ais_app.core.picking import labelling
from ais_app.core.tomogram import ZYX, LazyArray

_SMALLEST_SPACE = 1e6  # Å³; smaller holes are gaps of the segmentation and no inside


@dataclass(frozen=True)
class MembraneParams(Params):
    """How the normal of the nearest membrane is found."""

    membrane_threshold: float = param(
        0.5, "Prediction from which a voxel belongs to the membrane", unit="0…1", low=0, high=1
    )
    membrane_distance: float = param(
        300.0, "Particles further from a membrane than this get no orientation", unit="Å", low=1
    )
    normal_radius: float = param(100.0, "Size of the patch of membrane whose normal is taken", unit="Å", low=1)


@dataclass(frozen=True)
class Normals:
    """Normals of membranes at particles.

    Parameters
    ----------
    directions_zyx
        (n, 3) unit vectors; NaN where no membrane is near.
    distances
        (n,) Å from the particle to the nearest voxel of the membrane: positive outside, negative inside, positive
        where the membrane is open; NaN where there is none.
    closed
        (n,) bool: the sign comes from an inside, not from the particle.
    """

    directions_zyx: np.ndarray
    distances: np.ndarray
    closed: np.ndarray


def membrane_normals(
    volume: LazyArray, voxel_size_zyx: ZYX, positions_zyx: np.ndarray, params: MembraneParams
) -> Normals:
    """Find the normal of the membrane nearest to each position.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1 of membrane.
    voxel_size_zyx
        Å.
    positions_zyx
        (n, 3) Å from the centre of voxel (0, 0, 0).
    params
        Lengths in Å.
    """
    mask = labelling.at_least(volume, params.membrane_threshold)
    spaces = _Spaces.of(mask, voxel_size_zyx)
    found = [_normal(mask, spaces, np.asarray(p), voxel_size_zyx, params) for p in positions_zyx]
    directions = np.array([normal for normal, _, _ in found]).reshape(-1, 3)
    return Normals(directions, np.array([d for _, d, _ in found]), np.array([c for _, _, c in found], dtype=bool))


@dataclass(frozen=True)
class _Spaces:
    """What membranes part: 0 the membrane and gaps, otherwise a number; and how large each space is."""

    labels: np.ndarray
    extents: np.ndarray  # by label; infinite for what reaches a face of the volume

    @staticmethod
    def of(mask: np.ndarray, size: ZYX) -> _Spaces:
        found = labelling.components(~mask, size, _SMALLEST_SPACE, connectivity=6)
        extents = np.zeros(int(found.labels.max(initial=0)) + 1)
        spans = np.prod(np.diff(found.boxes_zyx, axis=2)[..., 0] * size, axis=1)
        open_ = ((found.boxes_zyx[:, :, 0] == 0) | (found.boxes_zyx[:, :, 1] == mask.shape)).any(axis=1)
        extents[found.ids] = np.where(open_, np.inf, spans)
        return _Spaces(found.labels, extents)

    def beside(self, start: np.ndarray, way: np.ndarray, length: float, size: ZYX) -> float:
        """Return the extent of the first space on the way from `start`, Å; 0 when there is none."""
        steps = np.arange(0, length, min(size) / 2)
        index = np.rint((start + steps[:, None] * way) / size).astype(int)
        index = index[((index >= 0) & (index < self.labels.shape)).all(axis=1)]
        sizes = self.extents[self.labels[tuple(index.T)]]
        return float(sizes[np.argmax(sizes > 0)]) if len(sizes) else 0.0


def _normal(
    mask: np.ndarray, spaces: _Spaces, position: np.ndarray, size: ZYX, params: MembraneParams
) -> tuple[np.ndarray, float, bool]:
    nearest = _nearest(mask, position, size, params.membrane_distance)
    if nearest is None:
        return np.full(3, np.nan), np.nan, False
    patch = _patch(mask, nearest, size, params.normal_radius)
    normal = np.linalg.eigh(np.cov(patch.T) if len(patch) > 1 else np.eye(3))[1][:, 0]
    ahead, behind = (spaces.beside(nearest, sign * normal, params.normal_radius, size) for sign in (1, -1))
    closed = min(ahead, behind) > 0 and ahead != behind
    if closed:
        normal = normal if ahead > behind else -normal
    elif (position - nearest) @ normal < 0:
        normal = -normal
    away = float(np.linalg.norm(position - nearest))
    return normal, away if (position - nearest) @ normal >= 0 else -away, closed


def _nearest(mask: np.ndarray, position: np.ndarray, size: ZYX, limit: float) -> np.ndarray | None:
    """Return the centre of the membrane's voxel nearest to a position, Å, z y x."""
    # most particles sit close to their membrane: look near first
    for radius in (limit / 8, limit / 3, limit):
        crop, low = _crop(mask, position, size, radius)
        points = (np.argwhere(crop) + low) * np.array(size)
        away = ((points - position) ** 2).sum(axis=1)
        if len(away) and away.min() <= radius**2:
            return points[np.argmin(away)]
    return None


def _patch(mask: np.ndarray, centre: np.ndarray, size: ZYX, radius: float) -> np.ndarray:
    """Return the voxels within a radius that belong to the same sheet as the one at `centre`, (n, 3) Å z y x."""
    crop, low = _crop(mask, centre, size, radius)
    at = np.rint(centre / size).astype(int) - low
    points = np.stack(np.meshgrid(*[np.arange(n) for n in crop.shape], indexing="ij"), axis=-1) + low
    ball = crop & (((points * np.array(size) - centre) ** 2).sum(axis=-1) <= radius**2)
    labels = labelling.components(ball, size).labels
    return points[labels == labels[tuple(at)]] * np.array(size)


def _crop(mask: np.ndarray, centre: np.ndarray, size: ZYX, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the box around a ball, clipped to the volume, and its first voxel."""
    low = np.maximum(np.floor((centre - radius) / size), 0).astype(int)
    high = np.minimum(np.ceil((centre + radius) / size) + 1, mask.shape).astype(int)
    return mask[tuple(slice(a, max(a, b)) for a, b in zip(low, high, strict=True))], low
