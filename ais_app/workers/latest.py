"""Answer the newest request only: scrolling through slices asks faster than disks and networks answer.

    latest = Latest("slice", parent)
    latest.request(lambda cancelled: read_slice(tomogram, z), on_result=show)

Each request carries a generation number. A request that has not begun when a newer one comes is dropped; one that is
under way is told through ``cancelled()``; an answer that comes late all the same is not delivered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal, pyqtSlot

from ais_app.core.jobs import JobCancelled

Work = Callable[[Callable[[], bool]], Any]
Answer = Callable[[Any], None]


class Latest(QObject):
    """One thread that works on the newest request.

    Parameters
    ----------
    name
        Of the thread.
    parent
        The Qt object it belongs to; call `close` before that goes.
    """

    busy_changed = pyqtSignal(bool)
    _answered = pyqtSignal(int, str, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._condition = threading.Condition()
        self._waiting: tuple[int, Work] | None = None
        self._generation = 0
        self._answers: dict[int, tuple[Answer, Answer | None]] = {}
        self._closed = False
        self._answered.connect(self._deliver)
        self._thread = threading.Thread(target=self._work, name=name)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._answers)

    def request(self, work: Work, on_result: Answer, on_error: Answer | None = None) -> int:
        """Ask for ``work(cancelled)`` in place of everything asked before; return the generation number.

        The callbacks are called on the thread that made this object. ``work`` may raise `JobCancelled`.
        """
        was_busy = self.busy
        with self._condition:
            self._generation += 1
            generation = self._generation
            self._waiting = (generation, work)
            self._answers = {generation: (on_result, on_error)}
            self._condition.notify()
        if not was_busy:
            self.busy_changed.emit(True)
        return generation

    def drop(self) -> None:
        """Forget what was asked."""
        was_busy = self.busy
        with self._condition:
            self._generation += 1
            self._waiting = None
            self._answers = {}
        if was_busy:
            self.busy_changed.emit(False)

    def close(self) -> None:
        """End the thread; what is under way is told to stop and waited for."""
        self.drop()
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._condition:
                while self._waiting is None and not self._closed:
                    self._condition.wait()
                if self._waiting is None:
                    return
                (generation, work), self._waiting = self._waiting, None
            try:
                answer = work(lambda mine=generation: mine != self._generation)  # type: ignore[misc]
            except JobCancelled:
                continue
            except Exception as error:  # noqa: BLE001 - handed to the one who asked, on the main thread
                self._answered.emit(generation, "error", error)
            else:
                self._answered.emit(generation, "result", answer)

    @pyqtSlot(int, str, object)
    def _deliver(self, generation: int, kind: str, value: Any) -> None:
        callbacks = self._answers.pop(generation, None)
        if callbacks is None:
            return
        on_result, on_error = callbacks
        if not self.busy:
            self.busy_changed.emit(False)
        if kind == "result":
            on_result(value)
        elif on_error is not None:
            on_error(value)
        else:
            raise value
