"""Start the window: files on the command line, signals of the system, errors that nobody caught."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from PyQt6.QtCore import (
    QMessageLogContext,
    QObject,
    QSocketNotifier,
    QTimer,
    QtMsgType,
    pyqtSignal,
    qInstallMessageHandler,
)
from PyQt6.sip import voidptr

from ais_app.core.errors import DataWarning
from ais_app.views.garbage import Garbage
from ais_app.views.main_window import MainWindow
from ais_app.views.preloading import Preloading
from ais_app.views.widgets.application import application
from ais_app.views.workbench import Workbench
from ais_app.workers.compiling import Compiling
from ais_app.workers.library_loading import LibraryFinder

SWITCH_SECONDS = 0.0002  # threads hand over more often than by default (5 ms), so that the window answers sooner
LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.INFO,  # Qt warns of what no person can change; the report of a fault has it
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


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
    LibraryFinder().install()
    _listen_closely()
    qInstallMessageHandler(log_qt)
    app = application()
    window = MainWindow(Workbench())
    hooks = Hooks(window)
    leaving, compiling = TerminationNotifier(window), Compiling(window)
    window.show()
    garbage, preloading = Garbage(window), Preloading(window)
    paths = [Path(path) for path in ([project] if project else [])] + [Path(path) for path in files]
    if paths:
        QTimer.singleShot(0, lambda: window.open_files(paths))
    code = app.exec()
    window.shut_down()  # quit() from elsewhere closes no window
    compiling.close()
    preloading.close()
    garbage.close()
    leaving.close()
    hooks.remove()
    qInstallMessageHandler(None)
    return code


class Hooks(QObject):
    """Takes errors and warnings that nobody caught, on any thread, and shows them on the main one."""

    _raised = pyqtSignal(object, object, object)
    _warned = pyqtSignal(str)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._before: tuple[Callable[..., Any], ...] = (sys.excepthook, threading.excepthook, warnings.showwarning)
        self._raised.connect(self._show)
        self._warned.connect(lambda text: window.workbench.notify(text, "warning"))
        sys.excepthook = self._of_main
        threading.excepthook = self._of_thread
        warnings.showwarning = self._of_warning

    def remove(self) -> None:
        """Give the hooks back."""
        sys.excepthook, threading.excepthook, warnings.showwarning = self._before  # type: ignore[assignment]

    def _of_main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._window.close()
            return
        logging.getLogger("ais_app").error("not foreseen", exc_info=(kind, error, trace))
        self._raised.emit(kind, error, trace)

    def _of_thread(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self._of_main(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def _of_warning(self, message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, DataWarning):
            self._warned.emit(str(message))
        else:
            logging.getLogger("ais_app").info("%s: %s", category.__name__, message)

    def _show(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        from ais_app.views.dialogs.crash import show_crash

        show_crash(self._window, kind, error, trace)


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


def _listen_closely() -> None:
    """Let the report of a fault have more of the log than the terminal shows."""
    root = logging.getLogger()
    for handler in root.handlers:
        handler.setLevel(max(handler.level, root.level))
    logging.getLogger("ais_app").setLevel(logging.INFO)


def log_qt(kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
    """Write what Qt says into the log."""
    logging.getLogger("ais_app.qt").log(LEVELS.get(kind, logging.INFO), "%s", text)
