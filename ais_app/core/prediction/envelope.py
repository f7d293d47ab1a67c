"""The distance transform of heights: what `edt` gives for a mask, when parts of the mask lie farther away."""

from __future__ import annotations

import numpy as np
from numba import njit


def lower_envelope(heights: np.ndarray, down: float, across: float) -> np.ndarray:
    """Return ``min over (v, u) of heights[v, u] + ((y - v) down)² + ((x - u) across)²`` for every pixel (y, x).

    Parameters
    ----------
    heights
        (y, x) float32; infinite where there is nothing, finite somewhere. Overwritten.
    down, across
        Size of a pixel along y and x.

    Returns
    -------
    ndarray
        (y, x) float32 (Felzenszwalb and Huttenlocher 2012, Theory of Computing 8, 415).
    """
    _rows(heights, across)
    turned = np.ascontiguousarray(heights.T)
    _rows(turned, down)
    return np.ascontiguousarray(turned.T)


@njit(cache=True, nogil=True)
def _rows(heights: np.ndarray, step: float) -> None:
    """Replace each row by its lower envelope of parabolas, along the last axis."""
    count = heights.shape[1]
    places = np.empty(count, np.int64)  # of the parabolas in the envelope so far
    starts = np.empty(count + 1, np.float64)  # where each becomes the lowest, in pixels
    row = np.empty(count, np.float64)
    square = step * step
    for y in range(heights.shape[0]):
        row[:] = heights[y]
        last = -1
        for place in range(count):
            if not np.isfinite(row[place]):
                continue
            start = -np.inf
            while last >= 0:
                other = places[last]
                rise = (row[place] - row[other]) / square
                start = (rise + float(place * place - other * other)) / (2.0 * (place - other))
                if start > starts[last]:
                    break
                last -= 1
                start = -np.inf
            last += 1
            places[last], starts[last] = place, start
        if last < 0:
            continue
        starts[last + 1] = np.inf
        at = 0
        for x in range(count):
            while starts[at + 1] < x:
                at += 1
            away = (x - places[at]) * step
            heights[y, x] = away * away + row[places[at]]
