"""What the tools that work within one plane share: their points, their plane, their edit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ais_app.core.annotation.labels import AXES, BACKGROUND, IGNORE, Edit, Index, Labels, Plane
from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX, Region

Points = Sequence[Sequence[float]] | Sequence[float] | np.ndarray

# the tables of voxel indices reach no further; what lies beyond is a mistake, and would overflow in between
_FARTHEST = 1e9


def checked_points(points_zyx: Points, subject: str, least: int = 1) -> np.ndarray:
    """Return points as (n, 3) float64, a copy.

    Parameters
    ----------
    points_zyx
        (n, 3), or one point.
    subject
        Named in errors: what the points are to become.
    least
        How many there must be.

    Raises
    ------
    ParameterProblem
        There are too few, they are not z, y, x, or a number is not finite.
    """
    points = np.array(points_zyx, dtype=float)
    if points.size % 3 or (points.ndim > 1 and points.shape[-1] != 3):
        raise ParameterProblem(subject, f"points of shape {points.shape} are not z, y, x", "give three numbers a point")
    points = points.reshape(-1, 3)
    if len(points) < least:
        raise ParameterProblem(subject, f"has {len(points)} points", f"give at least {least}")
    if not (np.abs(points) < _FARTHEST).all():
        raise ParameterProblem(subject, "has points that are no numbers or out of all bounds", "give voxel indices")
    return points


def checked_radius(radius: float, subject: str = "brush radius") -> float:
    """Return `radius`, or raise `ParameterProblem` where it is not a positive number."""
    if not (np.isfinite(radius) and radius > 0):
        raise ParameterProblem(subject, f"{radius} is no radius", "give a positive number")
    return float(radius)


def checked_spacing(voxel_size_zyx: ZYX) -> np.ndarray:
    """Return the voxel size as (3,) float64, or raise `ParameterProblem` where it is not three positive numbers."""
    spacing = np.array(voxel_size_zyx, dtype=float)
    if spacing.shape != (3,) or not (np.isfinite(spacing).all() and (spacing > 0).all()):
        remedy = "give three positive numbers, z, y, x"
        raise ParameterProblem("voxel size", f"{voxel_size_zyx} is no voxel size", remedy)
    return spacing


def checked_label(label: int, least: int = BACKGROUND) -> int:
    """Return `label`, or raise `ParameterProblem` where it is none, or is less than `least`."""
    if label not in range(least, IGNORE + 1):
        names = [name for name in ("0 background", "1 feature", "2 ignore") if int(name[0]) >= least]
        raise ParameterProblem("label", f"{label!r} is not possible here", f"use {', '.join(names)}")
    return int(label)


def plane_through(point_zyx: np.ndarray, axis: str) -> Plane:
    """Return the plane perpendicular to `axis` that lies nearest to a point."""
    along = AXES.index(Plane(axis, 0).axis)
    return Plane(axis, round(float(point_zyx[along])))


def within(points_zyx: np.ndarray, axis: str) -> np.ndarray:
    """Return (..., 2): the two coordinates that remain within a plane, in the order z, y, x."""
    return np.delete(points_zyx, AXES.index(axis), axis=-1)


def window_region(plane: Plane, start: Sequence[int], size: Sequence[int]) -> Region:
    """Return a window of a plane as a region of the volume: `start` and `size` are (2,), as in `within`."""
    along = AXES.index(plane.axis)
    return region_between(np.insert(start, along, plane.index), np.insert(np.add(start, size), along, plane.index + 1))


def paint_plane(
    labels: Labels, plane: Plane, start: Sequence[int], mask: np.ndarray, label: int, title: str = "Paint"
) -> Edit:
    """Return the edit that sets the voxels of a mask.

    Parameters
    ----------
    labels, plane
        What is painted on, and where; the plane becomes annotated.
    start
        Index of the mask's first voxel within the plane.
    mask
        2D bool; it must lie inside the plane.
    label
        What the voxels become.
    title
        What a person reads in the undo menu.
    """
    along = AXES.index(plane.axis)
    region = window_region(plane, start, mask.shape)
    before = labels.read(region)
    after = np.where(np.expand_dims(mask, along), np.uint8(label), before)
    return Edit(first_voxel(region), before, after, (plane,), title)


def region_between(first: Sequence[int] | np.ndarray, stop: Sequence[int] | np.ndarray) -> Region:
    """Return a region from its first voxel and its end, (3,) each."""
    z, y, x = (slice(int(low), int(high)) for low, high in zip(first, stop, strict=True))
    return z, y, x


def first_voxel(region: Region) -> Index:
    """Return the first index of a region whose slices have a start."""
    z, y, x = (int(part.start) for part in region)
    return z, y, x
