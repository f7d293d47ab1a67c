"""Brushes: pure functions that look at labels and return an `Edit`.

A stroke is the path of the pointer. The brush sweeps along the straight line between successive points, so a fast
stroke leaves no gaps. `ais_app.core.annotation.stroke` does the same while the mouse still moves.
"""

from __future__ import annotations

import numpy as np

from ais_app.core.annotation.in_plane import (
    Points,
    checked_label,
    checked_points,
    checked_radius,
    checked_spacing,
    plane_through,
    region_between,
)
from ais_app.core.annotation.labels import AXES, BACKGROUND, FEATURE, Edit, Index, Labels, Plane, bounds
from ais_app.core.tomogram import ZYX, Region


def disk(
    labels: Labels,
    points_zyx: Points,
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
    points = checked_points(points_zyx, "stroke")
    plane = plane_through(points[0], axis)
    points[:, AXES.index(axis)] = plane.index
    return _sweep(labels, points, radius, label, voxel_size_zyx, plane.region(labels.shape), (plane,))


def ball(
    labels: Labels,
    points_zyx: Points,
    radius: float,
    *,
    label: int = FEATURE,
    voxel_size_zyx: ZYX = (1.0, 1.0, 1.0),
) -> Edit:
    """Sweep a ball along a path in any direction.

    The slices (z) the path itself runs through become annotated; the caps above and below do not, for nobody has
    looked at them. Parameters, result and errors as in `disk`.
    """
    points = checked_points(points_zyx, "stroke")
    planes = slices_along(points, labels.shape)
    return _sweep(labels, points, radius, label, voxel_size_zyx, (slice(None),) * 3, planes)


def slices_along(points: np.ndarray, shape: Index) -> tuple[Plane, ...]:
    """Return the slices (z) of a volume of `shape` that a path of (n, 3) points runs through."""
    first, last = (int(round(float(limit))) for limit in (points[:, 0].min(), points[:, 0].max()))
    return tuple(Plane("z", z) for z in range(max(0, first), min(shape[0] - 1, last) + 1))


def stroke_title(label: int) -> str:
    """Return what a stroke is called in the undo menu."""
    return "Erase" if label == BACKGROUND else "Paint"


def surroundings(low: np.ndarray, high: np.ndarray, start: Index, size: Index) -> tuple[np.ndarray, np.ndarray]:
    """Return first voxel and end of the box around coordinates `low` to `high`, cut to a region."""
    stop = np.add(start, size)
    first = np.clip(np.floor(low), start, stop).astype(int)
    return first, np.clip(np.ceil(high) + 1, first, stop).astype(int)


def capsule(
    begin: np.ndarray, end: np.ndarray, radius: float, spacing: np.ndarray, start: Index, size: Index
) -> tuple[np.ndarray, np.ndarray]:
    """Return the voxels whose centre is within `radius` of a segment.

    The swept disk or ball is convex, so it meets each line of voxels along x in one interval: the union of what the
    ball at either end and the cylinder between them cut out. Nothing is computed voxel by voxel but the comparison
    with these limits.

    Parameters
    ----------
    begin, end
        (3,) ends of the segment, voxel indices z, y, x; they may be equal.
    radius
        In the unit of `spacing`.
    spacing
        (3,) voxel size z, y, x.
    start, size
        First voxel and size of the region to stay within.

    Returns
    -------
    first : ndarray
        (3,) index of the first voxel of the mask.
    mask : ndarray
        3D bool.
    """
    reach = radius / spacing
    first, stop = surroundings(np.minimum(begin, end) - reach, np.maximum(begin, end) + reach, start, size)
    z, y, x = ((np.arange(a, b) - p) * s for a, b, p, s in zip(first, stop, begin, spacing, strict=True))
    z, y = z[:, None], y[None, :]
    # a hair of tolerance, so that a radius of exactly r voxels keeps the voxel at r in any plane
    squared = radius * radius * (1 + 1e-9)
    path = (end - begin) * spacing
    length = float(np.linalg.norm(path))
    low, high = _ball_limits(z, y, squared)
    if length > 0:
        far_low, far_high = _ball_limits(z - path[0], y - path[1], squared)
        side_low, side_high = _cylinder_limits(z, y, path / length, length, squared)
        low = np.minimum(np.minimum(low, far_low + path[2]), side_low)
        high = np.maximum(np.maximum(high, far_high + path[2]), side_high)
    return first, (x >= low[..., None]) & (x <= high[..., None])


def _ball_limits(z: np.ndarray, y: np.ndarray, squared: float) -> tuple[np.ndarray, np.ndarray]:
    """Return least and greatest x within a ball around 0 on each line (z, y); +inf and -inf where it is missed."""
    rest = squared - z * z - y * y
    half = np.where(rest >= 0, np.sqrt(np.maximum(rest, 0)), -np.inf)
    return -half, half


def _cylinder_limits(
    z: np.ndarray, y: np.ndarray, along: np.ndarray, length: float, squared: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the same for a cylinder from 0 in the direction `along`, (3,), a unit vector.

    On a line, the distance from the cylinder's axis is a quadratic in x and the foot on the axis is linear in x.
    """
    foot = z * along[0] + y * along[1]
    away = z * z + y * y - foot * foot
    curvature = float(along[0] ** 2 + along[1] ** 2)
    if curvature < 1e-24:  # the axis runs along x: the whole line is within the radius, or none of it
        near, far = np.where(away <= squared, -np.inf, np.inf), np.where(away <= squared, np.inf, -np.inf)
    else:
        middle = along[2] * foot / curvature
        rest = middle * middle - (away - squared) / curvature
        half = np.where(rest >= 0, np.sqrt(np.maximum(rest, 0)), -np.inf)
        near, far = middle - half, middle + half
    if abs(along[2]) < 1e-12:  # the axis runs across: the whole line is between the ends, or none of it
        between = (foot >= 0) & (foot <= length)
        return np.where(between, near, np.inf), np.where(between, far, -np.inf)
    ends = -foot / along[2], (length - foot) / along[2]
    near, far = np.maximum(near, np.minimum(*ends)), np.minimum(far, np.maximum(*ends))
    return np.where(near <= far, near, np.inf), np.where(near <= far, far, -np.inf)


def _sweep(
    labels: Labels,
    points: np.ndarray,
    radius: float,
    label: int,
    voxel_size_zyx: ZYX,
    within: Region,
    planes: tuple[Plane, ...],
) -> Edit:
    spacing, reach = checked_spacing(voxel_size_zyx), checked_radius(radius)
    start, size = bounds(within, labels.shape)
    low, high = surroundings(points.min(axis=0) - reach / spacing, points.max(axis=0) + reach / spacing, start, size)
    before = labels.read(region_between(low, high))
    after = before.copy()
    z, y, x = (int(v) for v in low)
    for begin, end in zip(points, points[1:] if len(points) > 1 else points, strict=False):
        first, mask = capsule(begin, end, reach, spacing, (z, y, x), before.shape)
        part = tuple(slice(a, a + n) for a, n in zip(first - low, mask.shape, strict=True))
        after[part][mask] = checked_label(label)
    return Edit((z, y, x), before, after, planes, stroke_title(label))
