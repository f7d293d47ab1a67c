"""Thousands of equal marks in one picture, a matter of a few milliseconds: the points of a scatter plot."""

from __future__ import annotations

import numpy as np


def disc(radius: float) -> np.ndarray:
    """Return how much of each pixel a disc covers, (k, k) 0 to 1, k odd: its centre is that of the middle pixel."""
    return np.clip(radius + 0.5 - _away(radius + 1), 0, 1)


def ring(radius: float, width: float) -> np.ndarray:
    """Return how much of each pixel a ring of that width covers, as `disc` does."""
    return np.clip(width / 2 + 0.5 - np.abs(_away(radius + width / 2 + 1) - radius), 0, 1)


def stamped(
    shape: tuple[int, int], places_xy: np.ndarray, coverage: np.ndarray, colours: np.ndarray, kinds: np.ndarray
) -> np.ndarray:
    """Return a picture with a mark at each place.

    Parameters
    ----------
    shape
        Rows and columns, pixels.
    places_xy
        (n, 2) pixels, x to the right and y downwards; rounded. Marks may reach over the edge; those whose middle lies
        beyond it are left out.
    coverage
        (k, k) of one mark, see `disc`.
    colours
        (m, 4) uint8, red, green, blue and opacity.
    kinds
        (n,) which of the colours each mark has.

    Returns
    -------
    ndarray
        (rows, columns, 4) uint8, colours multiplied by opacity. Of marks that overlap the one shows that covers more
        of the pixel; of two that cover as much, the later.
    """
    reach = len(coverage) // 2
    rows, columns = shape
    wide = columns + 2 * reach  # a border that marks may reach into
    canvas = np.zeros((rows + 2 * reach) * wide, dtype=np.uint32)  # four bytes at once
    x, y = np.round(np.asarray(places_xy, dtype=float).reshape(-1, 2)).astype(np.int64).T
    inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    middle, of = ((y + reach) * wide + x + reach)[inside], np.asarray(kinds)[inside]
    opaque = np.asarray(colours, dtype=float)
    premultiplied = np.concatenate([opaque[:, :3] * opaque[:, 3:] / 255, opaque[:, 3:]], axis=1)
    row, column = np.indices(coverage.shape) - reach
    for share in np.unique(coverage[coverage > 0]):  # the most covered last
        offsets = (row * wide + column)[coverage == share]
        shade = np.round(premultiplied * share).astype(np.uint8).view(np.uint32)[:, 0]
        canvas[middle[:, None] + offsets] = shade[of][:, None]
    return canvas.view(np.uint8).reshape(rows + 2 * reach, wide, 4)[reach : reach + rows, reach : reach + columns]


def _away(radius: float) -> np.ndarray:
    offset = np.arange(-int(np.ceil(radius)), int(np.ceil(radius)) + 1)
    return np.hypot(offset[:, None], offset[None])
