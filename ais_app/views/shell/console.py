"""A Python console on the running session; off by default. Lines run on the main thread, errors are shown."""

from __future__ import annotations

import code
import contextlib
import importlib
import io
import pkgutil
import sys
import traceback
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QKeyEvent
from PyQt6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from ais_app.views.widgets.text import Details

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow

GREETING = "session, commands and ais_app are here. Try: session.project.tomograms"
FIRST, NEXT = ">>>", "..."
HEIGHT = 180  # px


class _Interpreter(code.InteractiveInterpreter):
    """Writes errors where the console shows them; Python's own would hand them to the hook for faults."""

    def showtraceback(self) -> None:
        kind, error, trace = sys.exc_info()
        frames = trace.tb_next if trace is not None else None  # the first is the interpreter's own
        self.write("".join(traceback.format_exception(kind, error, frames)))

    def showsyntaxerror(self, filename: str | None = None, **_: Any) -> None:
        kind, error, _trace = sys.exc_info()
        self.write("".join(traceback.format_exception_only(kind, error)))


class Console(QWidget):
    """What was said above, the line being typed below.

    Parameters
    ----------
    names
        What can be used by name.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        super().__init__()
        self._interpreter = _Interpreter(names)
        self._lines: list[str] = []
        self._history: list[str] = []
        self._place = 0
        self.output = Details(f"{GREETING}\n", HEIGHT)
        self.output.setMinimumHeight(60)
        self.output.setMaximumHeight(16777215)
        self.output.setAccessibleName("Output of the console")
        self.output.setMaximumBlockCount(5000)
        self.prompt = QLabel(FIRST)
        self.line = QLineEdit()
        self.line.setFont(self.output.font())
        self.line.setAccessibleName("Python line")
        self.line.setToolTip("Enter runs the line; Up and Down bring back earlier ones")
        self.line.returnPressed.connect(lambda: self.push(self.line.text()))
        self.line.installEventFilter(self)
        row = QHBoxLayout()
        row.addWidget(self.prompt)
        row.addWidget(self.line, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.addWidget(self.output, 1)
        column.addLayout(row)

    def push(self, line: str) -> None:
        """Take a line; run what is complete, wait for more where it is not."""
        self.output.appendPlainText(f"{self.prompt.text()} {line}")
        if line.strip():
            self._history.append(line)
        self._place = len(self._history)
        self.line.clear()
        self._lines.append(line)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            more = self._run("\n".join(self._lines))
        if said.getvalue():
            self.output.appendPlainText(said.getvalue().rstrip("\n"))
        if not more:
            self._lines.clear()
        self.prompt.setText(NEXT if more else FIRST)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Bring back earlier lines."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None:
            return False
        self._place = min(max(self._place + step, 0), len(self._history))
        self.line.setText((self._history + [""])[self._place])
        return True

    def _run(self, source: str) -> bool:
        try:
            return self._interpreter.runsource(source, "<console>")
        except SystemExit:
            # exit() would end the program with the window open
            self.output.appendPlainText("Close the window to leave.")
            return False


class ConsoleDock(QDockWidget):
    """The console at the lower edge of the window."""

    closed = pyqtSignal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__("Python console", window)
        self.setObjectName("ConsoleDock")
        self.console = Console(names_of(window))
        self.setWidget(self.console)
        self.setAllowedAreas(Qt.DockWidgetArea.BottomDockWidgetArea)
        self.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Say that a person has closed it."""
        super().closeEvent(event)
        self.closed.emit()


def names_of(window: MainWindow) -> dict[str, Any]:
    """Return what a console of a window knows by name."""
    import ais_app
    from ais_app.state import commands

    for module in pkgutil.iter_modules(commands.__path__, "ais_app.state.commands."):
        importlib.import_module(module.name)
    return {"session": window.workbench.session, "commands": commands, "ais_app": ais_app, "window": window}
