"""Start the window: files on the command line, signals of the system, errors that nobody caught."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType

from PyQt6.QtCore import QObject, QSocketNotifier, QTimer
from PyQt6.sip import voidptr

from ais_app.views.main_window import MainWindow
from ais_app.views.widgets.application import application
from ais_app.views.workbench import Workbench

SWITCH_SECONDS = 0.002  # threads hand over more often than by default (5 ms), so that the window answers sooner


def run_window(files: Sequence[str | Path] = (), project: str | Path | None = None) -> int:
    """Open the window and return the exit code once it is closed.

    Parameters
    ----------
    files
        Tomograms, networks, sessions to open.
    project
        Project to open first.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    app = application()
    window = MainWindow(Workbench())
    sys.excepthook = _handler(window)
    leaving = TerminationNotifier(window)
    window.show()
    paths = [Path(path) for path in ([project] if project else [])] + [Path(path) for path in files]
    if paths:
        QTimer.singleShot(0, lambda: window.open_files(paths))
    code = app.exec()
    leaving.close()
    return code


class TerminationNotifier(QObject):
    """Close the window in order when the system asks the process to end (SIGTERM, Ctrl-C in the terminal).

    Python runs its signal handlers only between byte codes, and Qt waits outside Python: a byte through a socket wakes
    it.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        self._before = signal.set_wakeup_fd(self._writing.fileno())
        self._handlers = {name: signal.signal(name, self._note) for name in (signal.SIGTERM, signal.SIGINT)}
        self._notifier = QSocketNotifier(voidptr(self._reading.fileno()), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._leave)

    def close(self) -> None:
        """Give the signals back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before)
        for name, handler in self._handlers.items():
            signal.signal(name, handler)
        self._reading.close()
        self._writing.close()

    def _note(self, number: int, frame: FrameType | None) -> None:
        """Do nothing here: the byte in the socket does it, on Qt's loop."""

    def _leave(self) -> None:
        self._reading.recv(16)
        self._window.shut_down()
        application().quit()


def _handler(window: MainWindow):  # type: ignore[no-untyped-def]
    """Return what is called for an error that nobody caught: say it, keep the program running."""

    def handle(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        from ais_app.views.dialogs.crash import show_crash

        show_crash(window, kind, error, trace)

    return handle
