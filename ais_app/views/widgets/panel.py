"""The panel of a tab, on the right of the window."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QScrollArea, QVBoxLayout, QWidget

from ais_app.views.workbench import Workbench

MARGIN = 12  # px


class Panel(QWidget):
    """A column of sections that scrolls; `layout_` is where sections go.

    Subclasses override what concerns them: `take_file`, `apply_theme`, `close_down`.
    """

    asked = pyqtSignal(str)  # id of an action of the window
    asked_for_menu = pyqtSignal(QMenu)  # of what is in the middle, to be filled

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        scroll = self._scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        self.layout_ = QVBoxLayout(inside)
        self.layout_.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self.layout_.setSpacing(8)
        scroll.setWidget(inside)
        outside.addWidget(scroll)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the width below which something would be cut off: it scrolls downwards alone."""
        inside, bar = self._scroll.widget(), self._scroll.verticalScrollBar()
        assert inside is not None and bar is not None  # made above
        return QSize(inside.minimumSizeHint().width() + bar.sizeHint().width(), super().minimumSizeHint().height())

    def bring_into_view(self, widget: QWidget) -> None:
        """Scroll so far that a section can be seen, once it has found its place."""
        self._wanted = widget
        QTimer.singleShot(0, self._scroll_to_wanted)

    def _scroll_to_wanted(self) -> None:
        self._scroll.ensureWidgetVisible(self._wanted, 0, MARGIN)

    def take_file(self, path: Path) -> bool:
        """Open a file that belongs to this tab; return whether it does."""
        return False

    def apply_theme(self) -> None:
        """Take on the colours of the theme where the style sheet does not reach."""

    def close_down(self) -> None:
        """Stop threads; called once, before the window goes."""


def heading(text: str, *buttons: QWidget) -> QWidget:
    """Return the heading of a section, with buttons at its right end."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 8, 0, 0)
    layout.setSpacing(2)
    label = QLabel(text)
    label.setProperty("role", "heading")
    layout.addWidget(label)
    layout.addStretch(1)
    for button in buttons:
        layout.addWidget(button)
    return row


def hint(text: str) -> QLabel:
    """Return a small line that explains."""
    label = QLabel(text)
    label.setProperty("role", "hint")
    label.setWordWrap(True)
    return label


def discard(widget: QWidget) -> None:
    """Take a widget away at once; Qt deletes it when it is safe."""
    widget.hide()
    widget.setParent(None)
    widget.deleteLater()


def line() -> QFrame:
    """Return a thin line between sections."""
    frame = QFrame()
    frame.setProperty("role", "line")
    frame.setFixedHeight(1)
    return frame


class EmptyPanel(QWidget):
    """What stands where nothing is yet: one line that says what goes here, and the button that does it."""

    def __init__(self, text: str, button: QPushButton | None = None) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setSpacing(10)
        words = hint(text)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addStretch(1)
        column.addWidget(words)
        if button is not None:
            column.addWidget(button, alignment=Qt.AlignmentFlag.AlignCenter)
        column.addStretch(1)
