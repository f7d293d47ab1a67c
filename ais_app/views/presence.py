"""Whether somebody works at the program: what halts the window for a moment is done while nobody does."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, QPoint, Qt
from PyQt6.QtGui import QCursor, QGuiApplication, QWindow

_SIGNS = frozenset(
    # what the pointer's place does not tell; a key that an action takes comes as no press
    {
        QEvent.Type.KeyPress,
        QEvent.Type.ShortcutOverride,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
    }
)


class Presence(QObject):
    """What somebody has done since it was last looked at.

    Keys and wheel are noticed on their way to the window that has the focus: those of the whole application would pass
    a million events of its widgets through Python.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._place, self._acted = QPoint(), False
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)  # windows are shown
        application.focusWindowChanged.connect(self._follow)
        self._follow(application.focusWindow())

    def is_still(self) -> bool:
        """Return whether since the last look no key was pressed, no wheel turned, and the pointer has not moved."""
        place, before, acted = QCursor.pos(), self._place, self._acted
        self._place, self._acted = place, False
        return place == before and not acted and QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Notice what is done; it goes on to the window."""
        if event is not None and event.type() in _SIGNS:
            self._acted = True
        return False

    def _follow(self, window: QWindow | None) -> None:
        if window is not None:
            window.installEventFilter(self)  # a second time makes no difference
