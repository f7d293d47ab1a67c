"""Pictures laid over each other, compiled: it is done for every redraw."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def lay_over(below: np.ndarray, above: np.ndarray) -> None:
    """Lay a picture over another, in place.

    Parameters
    ----------
    below, above
        (n, 4) uint8, red green blue alpha, not premultiplied; `below` takes the result (Porter and Duff 1984,
        SIGGRAPH, "over").
    """
    for i in range(below.shape[0]):
        top = np.float32(above[i, 3])
        if top == 0:
            continue
        seen = np.float32(below[i, 3]) * (np.float32(1) - top / np.float32(255))
        alpha = top + seen
        for channel in range(3):
            mixed = (above[i, channel] * top + below[i, channel] * seen) / alpha
            below[i, channel] = np.uint8(mixed + np.float32(0.5))
        below[i, 3] = np.uint8(alpha + np.float32(0.5))
