"""A small picture of where points would be if a file were read in another way; a click chooses it."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import QFrame, QLabel, QVBoxLayout

from ais_app.views.dialogs.point_slices import PointSlices
from ais_app.views.widgets.panel import hint

PICTURE = QSize(150, 118)


class ReadingCard(QFrame):
    """One other way.

    Parameters
    ----------
    choice
        What is different, in words.
    outside, count
        How many of how many points would lie outside.
    choose
        Called on a click, Enter or Space.
    """

    def __init__(self, choice: str, outside: int, count: int, choose: Callable[[], object]) -> None:
        super().__init__()
        self._choose = choose
        self.setProperty("role", "card")
        self.setFixedWidth(PICTURE.width() + 18)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"Read instead: {choice}")
        self.setToolTip(f"Click to read the file so: {choice}")
        self.picture = PointSlices(PICTURE, ring=2.0)
        self.picture.setToolTip(self.toolTip())
        self.picture.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title = QLabel(choice)
        self.title.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 6)
        column.setSpacing(4)
        column.addWidget(self.picture)
        column.addWidget(self.title)
        column.addWidget(hint(f"{outside:,} of {count:,} outside" if outside else "all inside"))
        column.addStretch(1)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Choose it."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.pos()):
            self._choose()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Choose it."""
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose()
        else:
            super().keyPressEvent(event)
