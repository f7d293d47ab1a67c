"""An error that nobody foresaw: say what happened, offer a report, go on."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QPushButton, QVBoxLayout

from ais_app.core.errors import AisAppError
from ais_app.core.files import write_text
from ais_app.views.dialogs.crash_report import report
from ais_app.views.widgets.copy_button import copy_text
from ais_app.views.widgets.fold import Fold
from ais_app.views.widgets.panel import hint
from ais_app.views.widgets.text import Details, WrappedText

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow

FILE_NAME = "ais-app-report.txt"


def show_crash(
    window: MainWindow, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Show an error: one that a person can put right as a message, any other with its traceback.

    One window serves for all: a fault in drawing may come again with every frame.
    """
    if isinstance(error, AisAppError):
        window.workbench.notify(str(error), "error")
        return
    details = "".join(traceback.format_exception(kind, error, trace))
    shown = window.findChild(CrashDialog)
    if shown is None:
        CrashDialog(window, error, details).show()
    else:
        shown.add(details)


class CrashDialog(QDialog):
    """One sentence, the details behind a fold, and a report to save or to copy."""

    def __init__(self, window: MainWindow, error: BaseException, details: str) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(False)
        self.setWindowTitle("Something went wrong")
        self.setMinimumWidth(520)
        self._window, self._first, self._count = window, details, 1
        self.sentence = WrappedText()
        self.sentence.fit_width(480)
        self._error = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        self.details = Details(details, height=260)
        self.fold = Fold("Details", self.details)
        self.fold.toggled.connect(lambda _: self.adjustSize())
        self.save, self.copy = QPushButton("Save report…"), QPushButton("Copy report")
        self.save.setToolTip("Save versions, traceback, the last commands and the log as a text file")
        self.copy.setToolTip("Copy the same text")
        self.save.clicked.connect(self._save)
        self.copy.clicked.connect(lambda: copy_text(self.text()))
        buttons = QDialogButtonBox()
        buttons.addButton("Go on", QDialogButtonBox.ButtonRole.RejectRole)
        for button in (self.save, self.copy):
            buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(self.sentence)
        column.addWidget(hint("The report names your files and folders; read it before you send it to anyone."))
        column.addWidget(self.fold)
        column.addWidget(buttons)
        self._say()

    def add(self, details: str) -> None:
        """Count another fault; one that differs from the first is added to the details."""
        self._count += 1
        if details not in self.details.toPlainText():
            self.details.appendPlainText(f"\n{details}")
        self._say()

    def text(self) -> str:
        """Return the report."""
        return report(self.details.toPlainText(), self._window.workbench.session.log, self._window.log_tail.lines)

    def _say(self) -> None:
        often = f" ({self._count} times)" if self._count > 1 else ""
        self.sentence.set_text(
            f"ais-app met an error that it did not expect{often}: {self._error}. Your work is in the project's file;"
            " you can go on."
        )

    def _save(self) -> None:
        start = str(Path.home() / FILE_NAME)
        chosen, _ = QFileDialog.getSaveFileName(self, "Save report", start, "Text (*.txt)")
        if not chosen:
            return
        path = Path(chosen)
        if self._window.workbench.attempt(lambda: write_text(path, self.text())):
            self._window.workbench.notify(f"The report is in {path}")
