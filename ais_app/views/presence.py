"""Whether somebody moves the pointer: what halts the window for a moment is done while nobody does."""

from __future__ import annotations

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QCursor, QGuiApplication


class Pointer:
    """Where the pointer was when it was last looked at."""

    def __init__(self) -> None:
        self._place = QPoint()

    def is_still(self) -> bool:
        """Return whether it is where it was at the last look, and no button is held."""
        place, before = QCursor.pos(), self._place
        self._place = place
        return place == before and QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton
