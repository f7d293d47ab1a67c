"""Lengths along polylines."""

from __future__ import annotations

import numpy as np


def arc_lengths(points_zyx: np.ndarray) -> np.ndarray:
    """Return (n,) lengths from the first point of a polyline, (n, 3) Å, to each of its points, Å."""
    steps = np.linalg.norm(np.diff(points_zyx, axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def polyline_length(points_zyx: np.ndarray) -> float:
    """Return the length of a polyline, (n, 3) Å."""
    return float(arc_lengths(points_zyx)[-1])
