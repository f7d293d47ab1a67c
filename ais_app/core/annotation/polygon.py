"""Lasso and polygon, and the fill of an outline that was drawn before."""

from __future__ import annotations

import cc3d
import numpy as np

from ais_app.core.annotation.in_plane import (
    Points,
    checked_label,
    checked_points,
    paint_plane,
    plane_through,
    within,
)
from ais_app.core.annotation.labels import AXES, BACKGROUND, FEATURE, Edit, Labels
from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX

_HAIR = 1e-6  # voxels: a centre this near to an edge is on it


def fill_polygon(labels: Labels, points_zyx: Points, *, label: int = FEATURE, axis: str = "z") -> Edit:
    """Fill a closed outline within one plane.

    Parameters
    ----------
    labels
        What is painted on.
    points_zyx
        (n, 3) corners, voxel indices, may be fractional within the plane; the last is joined to the first. The first
        point says which plane.
    label
        1 paints, 0 erases, 2 marks as ignore.
    axis
        The axis the plane is perpendicular to.

    Returns
    -------
    Edit
        A voxel is set when its centre is inside the outline or on it. Where the outline crosses itself, a centre is
        inside when a ray from it meets the outline an odd number of times (even-odd rule).

    Raises
    ------
    ParameterProblem
        There are fewer than three points, a number is not finite, or the plane lies outside.
    """
    points = checked_points(points_zyx, "outline", least=3)
    plane = plane_through(points[0], axis)
    size = within(np.array([part.stop for part in plane.region(labels.shape)]), axis)
    corners = within(points, axis)
    first = np.clip(np.floor(corners.min(axis=0)), 0, size).astype(int)
    stop = np.clip(np.ceil(corners.max(axis=0)) + 1, first, size).astype(int)
    mask = _inside(corners - first, (int(stop[0] - first[0]), int(stop[1] - first[1])))
    return paint_plane(labels, plane, first, mask, checked_label(label), "Erase" if label == BACKGROUND else "Outline")


def fill_enclosed(labels: Labels, seed_zyx: ZYX | np.ndarray, *, label: int = FEATURE, axis: str = "z") -> Edit:
    """Fill the inside of a closed outline that was painted before.

    Parameters
    ----------
    labels
        What is painted on.
    seed_zyx
        A point inside, voxel indices.
    label
        What the outline is painted with and what its inside becomes: 1 or 2. The background inside becomes this
        label; other labels there are kept and do not stop the fill.
    axis
        The axis the plane is perpendicular to.

    Raises
    ------
    ParameterProblem
        The outline has a gap or the seed lies outside of it, so that the fill would reach the edge of the plane; the
        seed lies on the outline or outside the tomogram.
    """
    (seed,) = checked_points(seed_zyx, "fill")
    label = checked_label(label, least=FEATURE)
    plane = plane_through(seed, axis)
    painted = labels.read(plane.region(labels.shape)).squeeze(AXES.index(axis))
    row, column = (round(float(value)) for value in within(seed, axis))
    if not (0 <= row < painted.shape[0] and 0 <= column < painted.shape[1]):
        raise ParameterProblem("fill", f"starts at {row}, {column}, outside the plane", "click inside the outline")
    if painted[row, column] == label:
        raise ParameterProblem("fill", "starts on the outline itself", "click on the background it encloses")
    # a step to a neighbour across a corner does not count, so a line that is thin across corners still holds
    regions = cc3d.connected_components(painted != label, connectivity=4)
    inside = regions == regions[row, column]
    if inside[[0, -1]].any() or inside[:, [0, -1]].any():
        problem = "would run out to the edge of the plane: the outline has a gap, or the click was outside of it"
        raise ParameterProblem("fill", problem, "close the gap with the brush and click inside again")
    rows, columns = (np.flatnonzero(inside.any(axis=i)) for i in (1, 0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    mask = inside[window] & (painted[window] == BACKGROUND)
    return paint_plane(labels, plane, (rows[0], columns[0]), mask, label, "Fill")


def _inside(corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return which of (rows, columns) integer positions are inside a closed outline of (n, 2) corners, or on it."""
    begin, end = corners, np.roll(corners, -1, axis=0)
    turned = begin[:, 0] > end[:, 0]
    low, high = np.where(turned[:, None], end, begin), np.where(turned[:, None], begin, end)
    # each edge with each row it reaches; both ends count here
    first = np.clip(np.ceil(low[:, 0] - _HAIR), 0, size[0]).astype(int)
    stop = np.clip(np.floor(high[:, 0] + _HAIR) + 1, first, size[0]).astype(int)
    edge = np.repeat(np.arange(len(corners)), stop - first)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(stop - first) - stop, stop - first)
    low, high = low[edge], high[edge]
    rise = high[:, 0] - low[:, 0]
    share = np.divide(row - low[:, 0], rise, out=np.zeros(len(edge)), where=rise > 0).clip(0, 1)
    column = low[:, 1] + share * (high[:, 1] - low[:, 1])
    # a ray along a row meets an edge when the row is within its half-open span, so that a corner counts once
    met = (row >= low[:, 0]) & (row < high[:, 0])
    toggles = np.zeros((size[0], size[1] + 1), dtype=np.uint8)
    np.add.at(toggles, (row[met], _column(np.ceil(column[met] - _HAIR), size[1])), 1)
    inside = (np.cumsum(toggles, axis=1, dtype=np.uint8)[:, :-1] & 1).astype(bool)  # wraps at 256, which is even
    # the centres on the outline itself: all along a level edge, at most one on any other
    level = rise < _HAIR
    left = np.where(level, np.minimum(low[:, 1], high[:, 1]), column)
    right = np.where(level, np.maximum(low[:, 1], high[:, 1]), column)
    left, right = _column(np.ceil(left - _HAIR), size[1]), _column(np.floor(right + _HAIR) + 1, size[1])
    for at in np.flatnonzero(left < right):
        inside[row[at], left[at] : right[at]] = True
    return inside


def _column(column: np.ndarray, columns: int) -> np.ndarray:
    """Return columns as indices; those beyond either end are put at that end."""
    return np.clip(column, 0, columns).astype(int)
