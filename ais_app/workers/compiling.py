"""Have the inner loops compiled beside the window, in a process of its own; see `ais_app.core.compiled`."""

from __future__ import annotations

import logging

from PyQt6.QtCore import QObject, QProcess, QTimer

from ais_app.core import compiled

log = logging.getLogger(__name__)

AFTER = 3000  # ms: first the window is there and the first tomogram is read


class Compiling(QObject):
    """Compiles soon after it is made, if this installation has not done so before.

    Parameters
    ----------
    parent
        The Qt object it belongs to; call `close` before that goes.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = QProcess(self)
        self._process.finished.connect(self._ended)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.begin)
        self._soon.start(AFTER)

    @property
    def is_running(self) -> bool:
        """Whether it compiles."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def begin(self) -> None:
        """Compile now, if there is need."""
        if not compiled.is_current():
            program, *arguments = compiled.command()
            self._process.start(program, arguments)

    def close(self) -> None:
        """Give it up: what is compiled by now stays, the rest is compiled another time."""
        self._soon.stop()
        if self.is_running:
            self._process.finished.disconnect(self._ended)
            self._process.kill()
            self._process.waitForFinished()

    def _ended(self, code: int, _: QProcess.ExitStatus) -> None:
        if code:
            said = self._process.readAllStandardError().data().decode(errors="replace")
            log.warning("inner loops could not be compiled beforehand: %s", said.strip())
