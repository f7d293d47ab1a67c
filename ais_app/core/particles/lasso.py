"""Which points a lasso goes around."""

from __future__ import annotations

import numpy as np


def within_outline(points_xy: np.ndarray, outline_xy: np.ndarray) -> np.ndarray:
    """Return which points, (n, 2) in pixels on the screen, a lasso, (k, 2), goes around: (n,) bool, even-odd rule."""
    x, y = np.asarray(points_xy, dtype=float).reshape(-1, 2).T
    corners = np.asarray(outline_xy, dtype=float).reshape(-1, 2)
    inside = np.zeros(len(x), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside
