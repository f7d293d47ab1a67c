"""How long the window's thread does not come back to its events, and where it was."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from dataclasses import dataclass

from PyQt6.QtCore import QObject, QTimer
from vispy.scene import SceneCanvas

STALL = 0.05  # s: what the program promises to stay below
LOOK = 0.004  # s between two looks


@dataclass(frozen=True)
class Stall:
    """One time that the main thread was away.

    Parameters
    ----------
    seconds
        On the clock: grows with all that the machine does besides.
    own
        Of the processor, on the main thread: what the program itself did, without the scenes that a graphics card
        would draw.
    where
        What the main thread did when it was last looked at.
    """

    seconds: float
    own: float
    where: str


class Watchdog(QObject):
    """Watches the event loop of the main thread while it is entered.

    Attributes
    ----------
    worst
        The stall of which most was the program's own; those shorter than `STALL` on the clock are none.
    longest
        Seconds between two turns of the event loop.
    halts
        When it began, the seconds, and those of its own, of each time that took half of `STALL` or more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.worst = Stall(0.0, 0.0, "")
        self.longest = 0.0
        self.halts: list[tuple[float, float, float]] = []
        self._where, self._is_over = "", threading.Event()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._beat)
        self._thread = threading.Thread(target=self._look, name="watchdog")

    def __enter__(self) -> Watchdog:
        self._last, self._own = time.perf_counter(), time.thread_time()
        self._main = threading.get_ident()
        self._drawn, self._draw = 0.0, SceneCanvas._draw_scene
        draw = self._draw

        def timed(canvas: SceneCanvas, *arguments: object, **options: object) -> None:
            start = time.thread_time()
            draw(canvas, *arguments, **options)
            self._drawn += time.thread_time() - start

        SceneCanvas._draw_scene = timed
        self._timer.start(1)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()
        SceneCanvas._draw_scene = self._draw
        self._is_over.set()
        self._thread.join()

    def _beat(self) -> None:
        now, own = time.perf_counter(), time.thread_time()
        away, own_away = now - self._last, own - self._own - self._drawn
        self.longest = max(self.longest, away)
        if away > STALL / 2:
            self.halts.append((self._last, away, own_away))
        if away > STALL and own_away > self.worst.own:
            self.worst = Stall(away, own_away, self._where)
        self._last, self._own, self._drawn, self._where = now, own, 0.0, ""

    def _look(self) -> None:
        while not self._is_over.wait(LOOK):
            if time.perf_counter() - self._last > STALL / 2:
                frame = sys._current_frames().get(self._main)
                self._where = "".join(traceback.format_stack(frame, 12)) if frame is not None else ""
