"""What mouse and keys select in the gallery: one tile, a range, some more, or those within a frame."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPoint, QRect, Qt

from ais_app.state.commands import particles
from ais_app.state.session import Session
from ais_app.views.particles.layout import CellLayout

DRAG = 6  # px that a press may move before it draws a frame
ADD, RANGE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_NONE = np.zeros(0, dtype=np.int64)


class TileSelection:
    """Selects rows of the gallery of a session. Places are those in the order of rows, points those of the content.

    Attributes
    ----------
    frame
        While one is drawn.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._anchor = 0  # place from which Shift selects
        self._pressed: QPoint | None = None
        self._before = _NONE  # selected before the frame was begun
        self.frame: QRect | None = None

    def press(self, at: QPoint, cells: CellLayout, order: np.ndarray, modifiers: Qt.KeyboardModifier) -> None:
        """Select the tile that is there, none where there is no tile; a frame may follow."""
        self._pressed = at
        self._before = self._session.gallery.rows if modifiers & ADD else _NONE
        place = cells.place_at(at)
        if place is not None:
            self.pick(place, order, modifiers)
        elif not modifiers & (ADD | RANGE):
            self.rows(_NONE)

    def drags(self, to: QPoint) -> bool:
        """Take where the pointer is now; return whether there is a frame."""
        if self._pressed is None:
            return False
        if self.frame is not None or (to - self._pressed).manhattanLength() >= DRAG:
            self.frame = QRect(self._pressed, to).normalized()
        return self.frame is not None

    def framed(self, cells: CellLayout, order: np.ndarray) -> None:
        """Select what the frame touches, beside what was selected before it."""
        if self.frame is not None:
            self.rows(np.union1d(self._before, order[cells.within(self.frame)]))

    def release(self) -> None:
        """End the frame."""
        self._pressed = self.frame = None

    def pick(self, place: int, order: np.ndarray, modifiers: Qt.KeyboardModifier) -> None:
        """Select a tile as a click does: alone, from the last one on (Shift), or in addition (Ctrl)."""
        row = int(order[place])
        if modifiers & RANGE:
            low, high = sorted((min(self._anchor, len(order) - 1), place))
            self.rows(order[low : high + 1], row)
            return
        self._anchor = place
        if modifiers & ADD:
            rows = self._session.gallery.rows
            self.rows(np.setdiff1d(rows, [row]) if row in rows else np.union1d(rows, [row]), row)
            return
        self.rows(np.array([row]), row)

    def rows(self, rows: np.ndarray, current: int | None = None) -> None:
        """Select these rows."""
        particles.select(self._session, rows.astype(np.int64), current)
