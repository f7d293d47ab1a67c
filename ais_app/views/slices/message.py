"""What stands over a pane where there is no image: what is wrong and what to do, or what goes there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

WIDEST = 420  # px
Button = tuple[str, str, Callable[[], object]]  # text, tooltip, what it does


class PaneMessage(QFrame):
    """A card in the middle of a pane; hidden until it has something to say.

    Parameters
    ----------
    pane
        What it lies over; it stays in its middle.
    """

    def __init__(self, pane: QWidget) -> None:
        super().__init__(pane)
        self.setProperty("role", "card")
        self.setAccessibleName("Message")
        self._pane = pane
        self._title, self._words = QLabel(), QLabel()
        self._title.setProperty("role", "heading")
        self._words.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for label in (self._title, self._words):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._title.setWordWrap(True)
        self._buttons = QWidget()
        self._row = QHBoxLayout(self._buttons)
        self._row.setContentsMargins(0, 6, 0, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(8)
        for widget in (self._title, self._words, self._buttons):
            column.addWidget(widget)
        pane.installEventFilter(self)
        self.hide()

    @property
    def text(self) -> str:
        """What it says; empty while it is hidden."""
        return f"{self._title.text()}\n{self._words.text()}" if self.isVisibleTo(self._pane) else ""

    def say(self, title: str, words: str, buttons: Sequence[Button] = ()) -> None:
        """Say something; the buttons do something about it."""
        self._title.setText(title)
        self._words.setText(words)
        self._words.setVisible(bool(words))
        while (item := self._row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._row.addStretch(1)
        for text, tip, act in buttons:
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, act=act: act())
            self._row.addWidget(button)
        self._row.addStretch(1)
        self._buttons.setVisible(bool(buttons))
        self._place()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Stay in the middle."""
        if watched is self._pane and event is not None and event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _place(self) -> None:
        width = min(WIDEST, max(self._pane.width() - 24, 120))
        self.setFixedWidth(width)
        height = max(self.heightForWidth(width), self.sizeHint().height())
        self.resize(width, height)
        self.move((self._pane.width() - width) // 2, max((self._pane.height() - height) // 2, 0))


class WaitingNote(QLabel):
    """A line in the corner of a pane while it waits for a slow disk or a slow filter."""

    def __init__(self, pane: QWidget) -> None:
        super().__init__(pane)
        # on the image, so in the same colours in every theme
        self.setStyleSheet("background: rgba(0, 0, 0, 160); color: white; border-radius: 4px; padding: 3px 8px;")
        self.move(8, 8)
        self.hide()

    def say(self, words: str) -> None:
        """Show words; nothing hides it."""
        self.setVisible(bool(words))
        if words and words != self.text():
            self.setText(words)
            self.adjustSize()
