"""What there is to say about the tomogram in view, and the button that helps. It has the same height always."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from superqt import QElidingLabel

from ais_app.views.tomograms.list_model import Row
from ais_app.views.widgets.fields import repolish

HEIGHT = 60  # px: four small lines
ROLES = {"odd": "warning", "missing": "error"}


class TomogramDetails(QFrame):
    """State in words.

    Parameters
    ----------
    relink, set_voxel_size
        What the buttons do.
    """

    def __init__(self, relink: Callable[[], object], set_voxel_size: Callable[[], object]) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setProperty("small", "true")
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text = ""
        self.relink, self.voxel_size = QPushButton("Relink…"), QPushButton("Set…")
        self.relink.setToolTip("Look for missing tomograms in another folder")
        self.voxel_size.setToolTip("Set the voxel size in Å")
        self.relink.clicked.connect(relink)
        self.voxel_size.clicked.connect(set_voxel_size)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 4, 4, 0)
        row.addWidget(self.words, 1)
        for button in (self.relink, self.voxel_size):
            row.addWidget(button, alignment=Qt.AlignmentFlag.AlignTop)
        self.show_row(None)

    def show_row(self, row: Row | None) -> None:
        """Show what there is to say about a tomogram."""
        state = "" if row is None else row.state
        self.relink.setVisible(state == "missing")
        unknown_size = row is not None and row.entry.voxel_size_zyx is None
        self.voxel_size.setVisible(unknown_size and state != "missing")
        self._text = "" if row is None else _short(row)
        self.words.setToolTip("" if row is None else row.words)
        self.words.setProperty("role", ROLES.get(state, "hint"))
        repolish(self.words)
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Say as much as finds room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        metrics, wrapped = self.words.fontMetrics(), Qt.TextFlag.TextWordWrap.value
        space = QRect(0, 0, max(self.words.width(), 60), HEIGHT)
        words, text = self._text.split(" "), self._text
        while len(words) > 1 and metrics.boundingRect(space, wrapped, text).height() > HEIGHT - 6:
            words.pop()
            text = " ".join(words) + " …"
        self.words.setText(text)


def _short(row: Row) -> str:
    if not row.remarks:
        return row.words
    if row.state == "missing":
        return "The file is not where it was"
    if row.entry.voxel_size_zyx is None and len(row.remarks) == 1:
        return "The voxel size is not known"
    more = f" (+{len(row.remarks) - 1} more)" if len(row.remarks) > 1 else ""
    first = row.remarks[0]
    return first[:1].upper() + first[1:] + more


class DraftLine(QWidget):
    """Says that the project has no place yet, with the button that gives it one."""

    def __init__(self, save_as: Callable[[], object]) -> None:
        super().__init__()
        words = QElidingLabel("A draft: it has no name yet")
        words.setProperty("role", "hint")
        words.setToolTip("Everything is saved in the folder of drafts; give the project a name to find it again")
        self.button = QPushButton("Save as…")
        self.button.setToolTip("Give the project a place and a name")
        self.button.clicked.connect(save_as)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.addWidget(words, 1)
        row.addWidget(self.button)


class EmptyList(QWidget):
    """What stands in place of the list while there is no tomogram."""

    def __init__(self, open_files: Callable[[], object], try_demo: Callable[[], object]) -> None:
        super().__init__()
        words = QLabel("Drop a tomogram here, open a project, or try the demo")
        words.setProperty("role", "hint")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.open, self.demo = QPushButton("Open…"), QPushButton("Try the demo")
        self.open.setToolTip("Open tomograms, projects, networks")
        self.demo.setToolTip("Make phantoms, train, segment, pick: about four minutes, offline")
        self.open.clicked.connect(open_files)
        self.demo.clicked.connect(try_demo)
        column = QVBoxLayout(self)
        column.addStretch(1)
        column.addWidget(words)
        for button in (self.open, self.demo):
            column.addWidget(button, alignment=Qt.AlignmentFlag.AlignCenter)
        column.addStretch(2)
