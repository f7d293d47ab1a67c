"""A small button that copies what was set as the command that does the same."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QTimer
from PyQt6.QtGui import QGuiApplication

from ais_app.views.widgets.icon_button import IconButton

THANKS_MS = 1500


class CopyButton(IconButton):
    """Copies the text that a function gives, and says so.

    Parameters
    ----------
    text
        Called when the button is clicked.
    tip
        What is copied.
    """

    def __init__(self, text: Callable[[], str], tip: str = "Copy as a command line") -> None:
        super().__init__("mdi6.content-copy", tip)
        self._text, self._tip = text, tip
        self.clicked.connect(self.copy)
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.timeout.connect(self._rest)

    def copy(self) -> None:
        """Copy the text now."""
        copy_text(self._text())
        self.set_icon("mdi6.check")
        self.setToolTip("Copied")
        self._back.start(THANKS_MS)

    def _rest(self) -> None:
        self.set_icon("mdi6.content-copy")
        self.setToolTip(self._tip)


def copy_text(text: str) -> None:
    """Put a text on the clipboard."""
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
