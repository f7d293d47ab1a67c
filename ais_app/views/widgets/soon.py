"""What is to be brought up to date once the present event is over, a little in each turn of the event loop.

    soon = Soon(widget, widget.refresh)
    soon.start()      # however often, it is done once

One change concerns a dozen panels. Were each to wait for a timer of its own, all would come in the same turn, and keys
and mouse after the last of them. So they stand in one line, which lets events in between every few milliseconds.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from PyQt6 import sip
from PyQt6.QtCore import QObject, QTimer

_SECONDS = 0.005  # that are worked in one turn; a piece that takes longer is alone in its own


class Soon(QObject):
    """One thing to do.

    Parameters
    ----------
    parent
        The Qt object it belongs to: with it, it is gone.
    then
        What is to be done.
    """

    def __init__(self, parent: QObject, then: Callable[[], object]) -> None:
        super().__init__(parent)
        self._then = then
        self._waits = False

    @property
    def waits(self) -> bool:
        """Whether it is still to be done."""
        return self._waits

    def start(self) -> None:
        """Do it soon; where it waits already, it keeps its place."""
        if not self._waits:
            self._waits = True
            _line.put(self)

    def stop(self) -> None:
        """Do it no more."""
        self._waits = False

    def do(self) -> None:
        """Do it now, if it still waits."""
        if self._waits:
            self._waits = False
            self._then()


class _Line:
    """All that waits, in the order in which it was asked for."""

    def __init__(self) -> None:
        self._queue: deque[Soon] = deque()
        self._timer: QTimer | None = None

    def put(self, soon: Soon) -> None:
        self._queue.append(soon)
        if self._timer is None:  # the first comes when there is an application
            self._timer = QTimer()
            self._timer.timeout.connect(self._go_on)
        self._timer.start(0)

    def _go_on(self) -> None:
        end = time.perf_counter() + _SECONDS
        while self._queue:
            soon = self._queue.popleft()
            if not sip.isdeleted(soon):
                soon.do()
            if time.perf_counter() >= end:
                break
        if not self._queue and self._timer is not None:
            self._timer.stop()


_line = _Line()
