"""The first thing a person sees: what to do, in one line, with the buttons that do it."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ais_app.views.widgets.panel import hint

BUTTONS = (
    (
        "file.open",
        "Open a tomogram or project…",
        "MRC, TIFF, OME-Zarr, EM, EMAN2; projects; sessions of Ais",
        "primary",
    ),
    ("file.new", "New project…", "An empty project in a place of your choice", ""),
    ("help.demo", "Try the demo", "Makes phantoms, trains, segments and picks: about four minutes, offline", ""),
)


class Welcome(QFrame):
    """Lies over the data while there is none.

    Parameters
    ----------
    over
        The widget it covers.
    """

    asked = pyqtSignal(str)  # id of an action

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setProperty("role", "welcome")
        self.setObjectName("Welcome")
        self.setAutoFillBackground(True)
        title = QLabel("Drop a tomogram here,\nopen a project, or try the demo")
        title.setProperty("role", "title")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title.setWordWrap(True)
        self.buttons = {}
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addStretch(1)
        for id, text, tip, role in BUTTONS:
            self.buttons[id] = button = QPushButton(text)
            button.setProperty("role", role)
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, id=id: self.asked.emit(id))
            row.addWidget(button)
        row.addStretch(1)
        words = hint("Everything you do is saved as you do it. F1 finds any action by its name.")
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 32, 32, 32)
        column.setSpacing(20)
        column.addStretch(3)
        column.addWidget(title)
        column.addLayout(row)
        column.addWidget(words)
        column.addStretch(4)
        over.installEventFilter(self)
        self.setGeometry(over.rect())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Cover all of it."""
        parent = self.parentWidget()
        if event is not None and event.type() == QEvent.Type.Resize and parent is not None:
            self.setGeometry(parent.rect())
        return False
