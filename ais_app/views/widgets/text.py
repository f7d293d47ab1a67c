"""Text that wraps anywhere, as long paths need, is as tall as what it says, and can be selected."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QFontDatabase, QResizeEvent, QTextOption
from PyQt6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QTextEdit


class WrappedText(QTextEdit):
    """A text without a frame; its height follows its width."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("role", "text")
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        document = self.document()
        assert document is not None  # every text edit has one
        document.setDocumentMargin(0)
        self._shown = document
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Show another text."""
        self.setPlainText(text)
        self.setAccessibleName(text)
        self._fit()

    def text(self) -> str:
        """Return the text."""
        return self.toPlainText()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take the height that the new width needs."""
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size that shows everything."""
        return QSize(super().sizeHint().width(), self.maximumHeight())

    def fit_width(self, width: int) -> None:
        """Take the height that a width needs, before the layout gives that width."""
        self._shown.setTextWidth(width)
        self.setFixedHeight(int(self._shown.size().height()) + 2)

    def _fit(self) -> None:
        self.fit_width(max(self.width(), 40))


class Details(QPlainTextEdit):
    """What is behind a fold: a traceback, a log, a list of files; read only, in a typewriter's letters."""

    def __init__(self, text: str = "", height: int = 140) -> None:
        super().__init__(text)
        self.setReadOnly(True)
        self.setProperty("role", "details")
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setFixedHeight(height)
        self.setAccessibleName("Details")
        self.setToolTip("Select text to copy it")
