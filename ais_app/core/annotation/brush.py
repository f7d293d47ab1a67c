"""Brushes: pure functions that look at labels and return an `Edit`.

A stroke is the path of the pointer. The brush sweeps along the straight line between successive points, so a fast
stroke leaves no gaps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ais_app.core.annotation.labels import AXES, FEATURE, Edit, Labels, Plane, bounds
from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX, Region


def disk(
    labels: Labels,
    points_zyx: Sequence[Sequence[float]] | np.ndarray,
    radius: float,
    *,
    label: int = FEATURE,
    axis: str = "z",
    voxel_size_zyx: ZYX = (1.0, 1.0, 1.0),
) -> Edit:
    """Sweep a disk along a path within one plane.

    Parameters
    ----------
    labels
        What is painted on.
    points_zyx
        (n, 3) voxel indices, may be fractional within the plane. The first point says which plane.
    radius
        In the unit of `voxel_size_zyx`: voxels as it stands. A voxel is painted when its centre is within it.
    label
        1 paints, 0 erases, 2 marks as ignore.
    axis
        The axis the plane is perpendicular to.
    voxel_size_zyx
        Å, for voxels that are not cubes.

    Returns
    -------
    Edit
        Its plane becomes annotated, also where nothing changes.

    Raises
    ------
    ParameterProblem
        There is no point, a number is not finite, the radius is not positive, or the plane lies outside.
    """
    points = _points(points_zyx, radius)
    along = AXES.index(Plane(axis, 0).axis)
    plane = Plane(axis, round(float(points[0, along])))
    points[:, along] = plane.index
    return _sweep(labels, points, radius, label, voxel_size_zyx, plane.region(labels.shape), (plane,))


def ball(
    labels: Labels,
    points_zyx: Sequence[Sequence[float]] | np.ndarray,
    radius: float,
    *,
    label: int = FEATURE,
    voxel_size_zyx: ZYX = (1.0, 1.0, 1.0),
) -> Edit:
    """Sweep a ball along a path in any direction.

    The slices (z) the path itself runs through become annotated; the caps above and below do not, for nobody has
    looked at them. Parameters, result and errors as in `disk`.
    """
    points = _points(points_zyx, radius)
    nz = labels.shape[0]
    first, last = (int(round(float(limit))) for limit in (points[:, 0].min(), points[:, 0].max()))
    planes = tuple(Plane("z", z) for z in range(max(0, first), min(nz - 1, last) + 1))
    return _sweep(labels, points, radius, label, voxel_size_zyx, (slice(None),) * 3, planes)


def _points(points_zyx: Sequence[Sequence[float]] | np.ndarray, radius: float) -> np.ndarray:
    points = np.array(points_zyx, dtype=float).reshape(-1, 3)
    if not len(points) or not np.isfinite(points).all():
        raise ParameterProblem("stroke", f"{len(points)} points, or points that are no numbers", "give z, y, x indices")
    if not (np.isfinite(radius) and radius > 0):
        raise ParameterProblem("brush radius", f"{radius} is no radius", "give a positive number")
    return points


def _sweep(
    labels: Labels,
    points: np.ndarray,
    radius: float,
    label: int,
    voxel_size_zyx: ZYX,
    within: Region,
    planes: tuple[Plane, ...],
) -> Edit:
    spacing = np.asarray(voxel_size_zyx, dtype=float)
    reach = radius / spacing
    start, size = bounds(within, labels.shape)
    low = np.clip(np.floor(points.min(axis=0) - reach), start, np.add(start, size)).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) + reach) + 1, low, np.add(start, size)).astype(int)
    region: Region = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))  # type: ignore[assignment]
    before = labels.read(region)
    after = before.copy()
    ends = points[1:] if len(points) > 1 else points
    for begin, end in zip(points, ends, strict=False):
        _paint_segment(after, low, begin, end, radius, spacing, label)
    title = "Erase" if label == 0 else "Paint"
    z, y, x = (int(v) for v in low)
    return Edit((z, y, x), before, after, planes, title)


def _paint_segment(
    volume: np.ndarray,
    origin: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    radius: float,
    spacing: np.ndarray,
    label: int,
) -> None:
    """Set the voxels whose centre is within `radius` of the segment; only its surroundings are looked at."""
    reach = radius / spacing
    low = np.clip(np.floor(np.minimum(begin, end) - reach) - origin, 0, volume.shape).astype(int)
    high = np.clip(np.ceil(np.maximum(begin, end) + reach) + 1 - origin, low, volume.shape).astype(int)
    axes = [(np.arange(a, b) + o) * s for a, b, o, s in zip(low, high, origin, spacing, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    p, direction = begin * spacing, (end - begin) * spacing
    offsets = (z - p[0], y - p[1], x - p[2])
    length = float(direction @ direction)
    if length > 0:
        t = sum(o * d for o, d in zip(offsets, direction, strict=True)) / length
        t = np.clip(t, 0, 1)
        offsets = tuple(o - t * d for o, d in zip(offsets, direction, strict=True))
    distance = sum(o * o for o in offsets)
    part = volume[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    # a hair of tolerance, so that a radius of exactly r voxels keeps the voxel at r in any plane
    part[np.broadcast_to(distance <= radius * radius * (1 + 1e-9), part.shape)] = label
