"""Where the tiles of a grid lie: rows of as many as fit, from the top. Arithmetic alone, in pixels of the content."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QPoint, QRect

GAP = 6  # px between tiles, and around them


@dataclass(frozen=True)
class CellLayout:
    """The layout of a grid.

    Parameters
    ----------
    width
        Of the content.
    count
        How many tiles.
    wanted
        Size of a tile; they become a little larger, so that a row of them is as wide as the content.
    caption
        Height of the line below each.
    """

    width: int
    count: int
    wanted: int
    caption: int = 0
    gap: int = GAP

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return max(1, (self.width - self.gap) // (self.wanted + self.gap))

    @property
    def size(self) -> int:
        """Of a tile."""
        return max(self.wanted, (self.width - self.gap) // self.columns - self.gap)

    @property
    def step(self) -> int:
        """From one row to the next."""
        return self.size + self.caption + self.gap

    @property
    def height(self) -> int:
        """Of the content."""
        return -(-self.count // self.columns) * self.step + self.gap

    def rect(self, place: int) -> QRect:
        """Return where a tile is, with its caption."""
        row, column = divmod(place, self.columns)
        left = self.gap + column * (self.size + self.gap)
        return QRect(left, self.gap + row * self.step, self.size, self.size + self.caption)

    def in_view(self, top: int, height: int) -> tuple[int, int]:
        """Return the first tile that is seen, and the one behind the last."""
        low = max(0, (top - self.gap) // self.step) * self.columns
        high = (max(0, top + height - self.gap) // self.step + 1) * self.columns
        return min(low, self.count), min(high, self.count)

    def first_in_view(self, top: int) -> int:
        """Return the first tile of the first row that is seen with most of it."""
        return min(max(0, (top + self.step // 2 - self.gap) // self.step) * self.columns, max(self.count - 1, 0))

    def place_at(self, point: QPoint) -> int | None:
        """Return which tile is there; ``None`` for none."""
        column, right = divmod(point.x() - self.gap, self.size + self.gap)
        row, below = divmod(point.y() - self.gap, self.step)
        place = row * self.columns + column
        inside = 0 <= column < self.columns and row >= 0 and right < self.size and below < self.size + self.caption
        return place if inside and 0 <= place < self.count else None

    def within(self, frame: QRect) -> np.ndarray:
        """Return the tiles that a frame touches."""
        wide, gap = self.size + self.gap, self.gap
        # a frame that ends in the gap behind a tile touches it no more
        first, last = -((gap + self.size - frame.left()) // wide), (frame.right() - gap) // wide
        top, bottom = (
            -((gap + self.size + self.caption - frame.top()) // self.step),
            (frame.bottom() - gap) // self.step,
        )
        columns = np.arange(max(0, first), min(self.columns - 1, last) + 1)
        rows = np.arange(max(0, top), max(-1, bottom) + 1)
        places = (rows[:, None] * self.columns + columns[None]).reshape(-1)
        return places[places < self.count]
