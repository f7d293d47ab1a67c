"""What mouse and keys select in the gallery: one tile, a range, some more, or those within a frame."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPoint, QRect, Qt
from PyQt6.QtGui import QKeyEvent

from ais_app.state.commands import particles
from ais_app.state.session import Session
from ais_app.views.particles.layout import CellLayout

DRAG = 6  # px that a press may move before it draws a frame
ADD, RANGE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_NONE = np.zeros(0, dtype=np.int64)
KEYS = frozenset({
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
    Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Space, Qt.Key.Key_Delete, Qt.Key.Key_Return, Qt.Key.Key_Enter,
})  # fmt: skip


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


def step_of(key: Qt.Key, cells: CellLayout, height: int) -> int | None:
    """Return how many places a key moves; a page is what a viewport of that height shows."""
    across, page = cells.columns, cells.columns * max(1, height // cells.step)
    return {
        Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -across, Qt.Key.Key_Down: across,
        Qt.Key.Key_Home: -cells.count, Qt.Key.Key_End: cells.count, Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page,
    }.get(key)  # fmt: skip


def is_all(event: QKeyEvent) -> bool:
    """Return whether a key selects all tiles."""
    return event.key() == Qt.Key.Key_A and event.modifiers() == ADD
