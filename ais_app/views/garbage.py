"""Python's search for garbage, at moments when nobody waits for the window.

A search among all objects takes 50 to 150 ms, and begins in whatever thread happens to make one object too many: a job
in the background then halts the mouse. So only young objects, a matter of a millisecond, are searched at once; those
made since the start when neither pointer nor keys have been used for a while; and what the start and the libraries have
made, which as good as always stays, when nobody has been there for minutes.
"""

from __future__ import annotations

import gc
import sys
import time

from PyQt6.QtCore import QObject, QTimer

from ais_app.views.presence import Presence

_NEVER = 1_000_000_000


class Garbage(QObject):
    """Searches in its own time, until it is closed.

    Parameters
    ----------
    quiet
        Seconds in which nobody must have done anything.
    away
        The same, for a search among all objects.
    longest
        Seconds after which what was made since the start is searched even so; six times that, all objects.
    """

    def __init__(
        self, parent: QObject | None = None, quiet: float = 10.0, away: float = 120.0, longest: float = 300.0
    ) -> None:
        super().__init__(parent)
        self._away, self._longest = away, longest
        self._acted = self._searched = self._searched_all = time.monotonic()
        self._presence = Presence(self)
        self._before = gc.get_threshold()
        self._modules = 0
        self._keep()
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
        now, is_still = time.monotonic(), self._presence.is_still()
        if not is_still:
            self._acted = now
        self._keep()
        is_away = now - self._acted > self._away and self._acted > self._searched_all  # once, then not again
        if is_away or now - self._searched_all > 6 * self._longest:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._searched = self._searched_all = now
        elif is_still or now - self._searched > self._longest:
            gc.collect()
            self._searched = now

    def _keep(self) -> None:
        """Leave out of most searches what there is when libraries have come: it stays, and is much."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            gc.freeze()
