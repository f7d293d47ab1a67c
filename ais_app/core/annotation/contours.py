"""Outlines of a plane, for display: as line segments for the graphics card, or as closed curves.

Between neighbours of which one is inside and one is not, the outline passes where the value, taken as linear between
them, reaches the level: half-way for a mask (marching squares; Lorensen and Cline 1987, Comput. Graph. 21, 163).
Everything is done for all cells at once.
"""

from __future__ import annotations

import numpy as np

from ais_app.core.errors import ParameterProblem

# The four corners of a cell count 1, 2, 4, 8 when inside: upper left, upper right, lower left, lower right. Its edges
# are 0 top, 1 bottom, 2 left, 3 right. A segment runs from edge to edge with the inside always on the same hand, so
# that the end of one is the beginning of the next. Where two opposite corners are inside they are taken as joined.
_TOP, _BOTTOM, _LEFT, _RIGHT = range(4)
_SEGMENTS = {
    1: [(_TOP, _LEFT)],
    2: [(_RIGHT, _TOP)],
    3: [(_RIGHT, _LEFT)],
    4: [(_LEFT, _BOTTOM)],
    5: [(_TOP, _BOTTOM)],
    6: [(_LEFT, _TOP), (_RIGHT, _BOTTOM)],
    7: [(_RIGHT, _BOTTOM)],
    8: [(_BOTTOM, _RIGHT)],
    9: [(_TOP, _RIGHT), (_BOTTOM, _LEFT)],
    10: [(_BOTTOM, _TOP)],
    11: [(_BOTTOM, _LEFT)],
    12: [(_LEFT, _RIGHT)],
    13: [(_TOP, _RIGHT)],
    14: [(_LEFT, _TOP)],
}
_FIRST = np.array([_SEGMENTS.get(code, [(0, 0)])[0] for code in range(16)])
_SECOND = np.array([_SEGMENTS.get(code, [(0, 0)])[-1] for code in range(16)])


def segments(plane: np.ndarray, level: float = 0.5) -> np.ndarray:
    """Return the outline of what reaches a level, as line segments in no particular order.

    Parameters
    ----------
    plane
        2D mask, or any real values such as probabilities; what is not a number is outside.
    level
        What is this or greater is inside.

    Returns
    -------
    ndarray
        (n, 2, 2) float32: begin and end of each segment, y and x; voxel centres are at whole numbers. Beside the
        plane everything is outside, so the outline is closed; there it runs half a voxel from the centres.

    Raises
    ------
    ParameterProblem
        The plane is not 2D.
    """
    plane = _checked(plane)
    names, width = _marched(plane, level)
    return _crossings(names.ravel(), width, plane, level).astype(np.float32).reshape(-1, 2, 2)


def outlines(plane: np.ndarray, level: float = 0.5) -> list[np.ndarray]:
    """Return the outline of what reaches a level, as closed curves.

    Parameters, positions and errors as of `segments`.

    Returns
    -------
    list of ndarray
        (n, 2) float64 each: y and x; the last point is the first one again. Outer borders and holes run in opposite
        directions.
    """
    plane = _checked(plane)
    names, width = _marched(plane, level)
    crossings, ends = np.unique(names, return_inverse=True)
    positions = _crossings(crossings, width, plane, level)
    # each crossing is the end of one segment and the beginning of another
    following = np.empty(len(crossings), dtype=np.int64)
    following[ends.reshape(-1, 2)[:, 0]] = ends.reshape(-1, 2)[:, 1]
    after, left = following.tolist(), [True] * len(crossings)
    curves = []
    for start in range(len(crossings)):
        if left[start]:
            curve, at = [start], after[start]
            left[start] = False
            while at != start:
                left[at] = False
                curve.append(at)
                at = after[at]
            curves.append(positions[[*curve, start]])
    return curves


def _checked(plane: np.ndarray) -> np.ndarray:
    plane = np.asarray(plane)
    if plane.ndim != 2:
        raise ParameterProblem("outline", f"of an array of shape {plane.shape}", "give one plane, 2D")
    return plane


def _marched(plane: np.ndarray, level: float) -> tuple[np.ndarray, int]:
    """Return the edges of the grid that each segment begins and ends on, (n, 2) names, and the grid's width.

    An edge is named by twice its first voxel, plus one if it runs down instead of right. The grid is the plane with a
    border of one voxel.
    """
    inside = np.pad((plane if plane.dtype == bool else plane >= level).view(np.uint8), 1)
    codes = inside[:-1, :-1] | inside[:-1, 1:] << 1 | inside[1:, :-1] << 2 | inside[1:, 1:] << 3
    width = inside.shape[1]
    cell = np.flatnonzero((codes > 0) & (codes < 15))
    code = codes.ravel()[cell]
    row, column = np.divmod(cell, codes.shape[1])
    twice = (code == 6) | (code == 9)
    row, column = np.append(row, row[twice]), np.append(column, column[twice])
    edges = np.concatenate([_FIRST[code], _SECOND[code[twice]]])
    voxel = (row[:, None] + (edges == _BOTTOM)) * width + column[:, None] + (edges == _RIGHT)
    return 2 * voxel + (edges >= _LEFT), width


def _crossings(names: np.ndarray, width: int, plane: np.ndarray, level: float) -> np.ndarray:
    """Return where the outline crosses edges of the grid, (n, 2) y and x, by their names."""
    voxel, down = np.divmod(names, 2)
    y, x = np.divmod(voxel, width)
    y, x = y - 1, x - 1  # the border around the plane is taken off again
    share = np.full(len(names), 0.5)
    if plane.dtype != bool:
        there = (y >= 0) & (x >= 0) & (y + down < plane.shape[0]) & (x + 1 - down < plane.shape[1])
        y0, x0, step = y[there], x[there], down[there]
        near, far = (plane[a, b].astype(float) for a, b in ((y0, x0), (y0 + step, x0 + 1 - step)))
        with np.errstate(invalid="ignore"):
            ratio = (level - near) / (far - near)
        share[there] = np.where(np.isfinite(ratio), ratio, 0.5)
    return np.stack([y + share * down, x + share * (1 - down)], axis=1)
