"""Phantoms of filaments with exact axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.spatial import cKDTree


def tubes(
    axes: Sequence[np.ndarray],
    shape: tuple[int, int, int],
    voxel_size_zyx: Sequence[float],
    radius: float,
    lumen: float = 0.0,
) -> np.ndarray:
    """Probability of round tubes about dense polylines, (n, 3) Å z y x; soft over a third of a voxel."""
    size = np.asarray(voxel_size_zyx, dtype=float)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1).reshape(-1, 3) * size
    distance = cKDTree(np.concatenate(axes)).query(grid, distance_upper_bound=2 * radius)[0]
    soft = 0.3 * size.min()
    wall = 1 / (1 + np.exp(np.clip((distance - radius) / soft, -60, 60)))
    hole = 1 / (1 + np.exp(np.clip((distance - lumen) / soft, -60, 60))) if lumen else 0.0
    return (wall - hole).reshape(shape).astype(np.float32)


def line(start: Sequence[float], stop: Sequence[float]) -> np.ndarray:
    """A dense straight polyline, Å."""
    count = int(np.linalg.norm(np.subtract(stop, start)) / 2) + 2
    return np.linspace(start, stop, count)


def distance_to(axis: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distances of points to the straight continuation of a dense polyline: what its ends add does not count."""
    ahead = axis[-1] + np.arange(1, 60)[:, None] * (axis[-1] - axis[-2])
    back = axis[0] + np.arange(1, 60)[:, None] * (axis[0] - axis[1])
    return cKDTree(np.concatenate([axis, ahead, back])).query(points)[0]


@pytest.fixture(scope="session")
def make_tubes() -> Callable[..., np.ndarray]:
    return tubes


@pytest.fixture(scope="session")
def make_line() -> Callable[..., np.ndarray]:
    return line


@pytest.fixture(scope="session")
def off_axis() -> Callable[..., np.ndarray]:
    return distance_to
