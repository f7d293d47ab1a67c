"""Closed surfaces and waving sheets in space, and the voxels near them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

_BLOCK = 8  # voxels; a volume is searched for the surface in such blocks


class Surface(ABC):
    """A surface in space, given by a function that is 0 on it."""

    @abstractmethod
    def level(self, points_zyx: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a function that is 0 on the surface and grows outwards about as fast as Å, and its gradient.

        Parameters
        ----------
        points_zyx
            (n, 3) Å.

        Returns
        -------
        level, gradient
            (n,) and (n, 3), z y x.
        """

    def distance(self, points_zyx: np.ndarray) -> np.ndarray:
        """Return the signed distance in Å of points, (n, 3) Å; positive outside, exact to first order."""
        level, gradient = self.level(points_zyx)
        # the floor matters only deep inside, where the gradient vanishes
        return level / np.maximum(np.linalg.norm(gradient, axis=1), 0.3)

    def normal(self, point_zyx: np.ndarray) -> np.ndarray:
        """Return the outward unit normal, (3,) z y x, at a point in Å."""
        gradient = self.level(point_zyx[None])[1][0]
        return gradient / np.linalg.norm(gradient)


@dataclass(frozen=True)
class Vesicle(Surface):
    """A closed surface whose radius varies smoothly with direction.

    Parameters
    ----------
    centre_zyx
        Å.
    radius
        Å, on average.
    axes
        (3,) factors on z, y, x that make it an ellipsoid.
    waves, phases, amplitudes
        (n, 3), (n,), (n,): undulations ``amplitude cos(wave · direction + phase)`` as fractions of the radius.
    """

    centre_zyx: np.ndarray
    radius: float
    axes: np.ndarray
    waves: np.ndarray
    phases: np.ndarray
    amplitudes: np.ndarray

    def level(self, points_zyx: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far points, (n, 3) Å, lie beyond the radius in their direction, and the gradient of that."""
        offset = (points_zyx - self.centre_zyx) / self.axes
        length = np.maximum(np.linalg.norm(offset, axis=1), 1e-3)
        direction = offset / length[:, None]
        bumps, slope = _waves(direction, self.waves, self.phases, self.amplitudes)
        # the slope of the bumps is tangential: it acts on what of a wave is across the direction
        slope -= direction * _dot(direction, slope)[:, None]
        slope *= (self.radius / length)[:, None]
        return length - self.radius * (1 + bumps), (direction - slope) / self.axes


@dataclass(frozen=True)
class Sheet(Surface):
    """A gently waving plane.

    Parameters
    ----------
    point_zyx
        Å; the plane passes here.
    normal_zyx
        Unit vector.
    waves, phases, amplitudes
        (n, 3) in 1/Å, (n,), (n,) in Å: undulations ``amplitude cos(wave · point + phase)``.
    """

    point_zyx: np.ndarray
    normal_zyx: np.ndarray
    waves: np.ndarray
    phases: np.ndarray
    amplitudes: np.ndarray

    def level(self, points_zyx: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the height of points, (n, 3) Å, above the waving plane, and its gradient."""
        bumps, slope = _waves(points_zyx, self.waves, self.phases, self.amplitudes)
        return _dot(points_zyx - self.point_zyx, self.normal_zyx) - bumps, self.normal_zyx - slope


def _waves(
    points: np.ndarray, waves: np.ndarray, phases: np.ndarray, amplitudes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of cosine waves at (n, 3) points, (n,), and its gradient, (n, 3)."""
    total, gradient = np.zeros(len(points)), np.zeros((len(points), 3))
    for wave, phase, amplitude in zip(waves, phases, amplitudes, strict=True):
        # single precision is exact to a thousandth of an Å here and ten times as fast
        angle = (_dot(points, wave) + phase).astype(np.float32)
        total += amplitude * np.cos(angle)
        gradient -= (amplitude * np.sin(angle))[:, None] * wave
    return total, gradient


def _dot(points: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return the scalar products of (n, 3) points with one vector or with (n, 3) vectors.

    Written out because a matrix product of so few columns spends its time waiting for threads.
    """
    return points[:, 0] * vector[..., 0] + points[:, 1] * vector[..., 1] + points[:, 2] * vector[..., 2]


def near_surface(
    surface: Surface, shape: tuple[int, int, int], voxel_size: float, reach: float, stride: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Find the voxels of a volume near a surface.

    Parameters
    ----------
    surface
        The surface, in Å from the centre of the first voxel.
    shape, voxel_size
        (z, y, x) voxels and Å.
    reach
        Å on either side.
    stride
        Look only at every so many voxels along each axis.

    Returns
    -------
    index, distance
        (n, 3) indices and (n,) signed distances in Å.
    """
    corners = np.stack(np.meshgrid(*(np.arange(0, n, _BLOCK) for n in shape), indexing="ij"), -1).reshape(-1, 3)
    half_diagonal = 0.5 * _BLOCK * voxel_size * np.sqrt(3)
    centre_distance = surface.distance((corners + (_BLOCK - 1) / 2) * voxel_size)
    # 1.5: away from the surface the distance is approximate
    corners = corners[np.abs(centre_distance) <= reach + 1.5 * half_diagonal]
    cube = np.stack(np.meshgrid(*(np.arange(0, _BLOCK, stride),) * 3, indexing="ij"), -1).reshape(-1, 3)
    found, distances = [np.empty((0, 3), dtype=np.intp)], [np.empty(0)]
    for some in np.array_split(corners, max(1, len(corners) * len(cube) // 200_000)):
        index = (some[:, None] + cube).reshape(-1, 3)
        index = index[(index < shape).all(axis=1)]
        distance = surface.distance(index * voxel_size)
        near = np.abs(distance) <= reach
        found.append(index[near])
        distances.append(distance[near])
    return np.concatenate(found), np.concatenate(distances)
