"""Of particles that are too close to each other the better one stays."""

from __future__ import annotations

import numpy as np


def spaced(positions: np.ndarray, spacing: float) -> np.ndarray:
    """Return the indices of those that stay when each clears a ball of radius `spacing` around it, first ones first.

    `positions` is (n, 3), Å, in order of decreasing weight. Two that are exactly `spacing` apart both stay.
    """
    from scipy.spatial import cKDTree

    if spacing <= 0 or len(positions) < 2:
        return np.arange(len(positions))
    tree = cKDTree(positions)
    alive = np.ones(len(positions), dtype=bool)
    chosen = []
    for index in range(len(positions)):
        if alive[index]:
            alive[tree.query_ball_point(positions[index], spacing * (1 - 1e-9))] = False
            chosen.append(index)
    return np.array(chosen)
