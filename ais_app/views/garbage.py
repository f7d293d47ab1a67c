"""Python's search for garbage, at moments when nobody waits for the window.

A search among all objects takes 50 to 150 ms, and begins in whatever thread happens to make one object too many: a job
in the background then halts the mouse. So only young objects, a matter of a millisecond, are searched at once; the
rest when the pointer has been still for a while, and in any case every few minutes.
"""

from __future__ import annotations

import gc
import time

from PyQt6.QtCore import QObject, QPoint, Qt, QTimer
from PyQt6.QtGui import QCursor, QGuiApplication

_NEVER = 1_000_000_000


class Garbage(QObject):
    """Searches in its own time, until it is closed.

    Parameters
    ----------
    quiet
        Seconds that the pointer must have been still.
    longest
        Seconds after which is searched even so.
    """

    def __init__(self, parent: QObject | None = None, quiet: float = 10.0, longest: float = 300.0) -> None:
        super().__init__(parent)
        self._longest, self._searched = longest, time.monotonic()
        self._pointer = QPoint()
        self._before = gc.get_threshold()
        # what the start has made stays, and need never be gone through
        gc.freeze()
        gc.set_threshold(*self._before[:2], _NEVER)
        gc.enable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(round(1000 * quiet))

    def close(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.set_threshold(*self._before)
        gc.unfreeze()

    def _look(self) -> None:
        pointer, held = QCursor.pos(), QGuiApplication.mouseButtons()
        is_still = pointer == self._pointer and held == Qt.MouseButton.NoButton
        self._pointer = pointer
        if is_still or time.monotonic() - self._searched > self._longest:
            gc.collect()
            self._searched = time.monotonic()
