"""A network that brings its own program: the program is shown, and runs only after the person's yes."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QMainWindow,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ais_app.core.model.package import load_source
from ais_app.core.model.source import asks_for_trust, trust
from ais_app.state.commands import models
from ais_app.state.records import ModelEntry
from ais_app.views.widgets.text import Details
from ais_app.views.workbench import Workbench

SIZE = QSize(760, 560)


def hold_back_program(workbench: Workbench, network: ModelEntry) -> None:
    """Switch a network off that waits for a yes, and offer to show its program; nothing where it does not wait."""
    path = network.path
    source = load_source(path)
    if not asks_for_trust(source):
        return
    models.change_style(workbench.session, network.id, on=False)

    def show() -> None:
        windows = (widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMainWindow))
        dialog = TrustDialog(next(windows, None), workbench, path, source)
        dialog.trusted.connect(switch_on)
        dialog.show()

    def switch_on() -> None:
        session = workbench.session
        if session.has_project and network.id in {entry.id for entry in session.project.models}:
            models.change_style(session, network.id, on=True)

    text = f"{path.stem} brings its own program, which is not run: look at it first"
    workbench.notify(text, "warning", button="Show the program", act=show)


class TrustDialog(QDialog):
    """The program that came with a network, and the question whether it may run; closing it says no."""

    trusted = pyqtSignal()

    def __init__(self, parent: QWidget | None, workbench: Workbench, path: Path, source: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("TrustDialog")
        self.setWindowTitle(f"The program of {path.stem}")
        self.resize(SIZE)
        self.workbench, self.source = workbench, source
        words = QLabel(
            f"{path.name} was trained with an architecture that is not part of ais-app and comes as the Python program"
            " below. It can do anything that you can do on this computer. Let it run only if you trust its maker."
        )
        words.setWordWrap(True)
        text = Details(source, height=440)
        text.setAccessibleName("Program")
        self.yes, self.no = QPushButton("Let it run from now on"), QPushButton("Do not run it")
        self.yes.setToolTip("Remembered for this program, to the letter, on this computer")
        self.no.setToolTip("The network stays in the project and is not computed")
        self.no.setDefault(True)
        buttons = QDialogButtonBox()
        buttons.addButton(self.yes, QDialogButtonBox.ButtonRole.ActionRole)  # a box makes the accepting one default
        buttons.addButton(self.no, QDialogButtonBox.ButtonRole.RejectRole)
        self.yes.clicked.connect(self._trust)
        self.yes.setAutoDefault(False)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(words)
        column.addWidget(text)
        column.addWidget(buttons)

    def _trust(self) -> None:
        if self.workbench.attempt(lambda: trust(self.source)):
            self.trusted.emit()
            self.close()
