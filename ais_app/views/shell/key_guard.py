"""Arrow keys belong to the field that has the focus before they belong to an action of the window.

Qt lets a line of text keep its letters, but gives the arrows of a number or a slider to shortcuts first.
"""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QWidget,
)

_UP_DOWN = frozenset({Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown})
_ENTER = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
_ALONG = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End})
KEYS: tuple[tuple[type[QWidget], frozenset[Qt.Key]], ...] = (
    (QAbstractSpinBox, _UP_DOWN | _ALONG | _ENTER),
    (QComboBox, _UP_DOWN | {Qt.Key.Key_Home, Qt.Key.Key_End}),
    (QLineEdit, _UP_DOWN | _ENTER),
    (QAbstractSlider, _ALONG),
    (QAbstractItemView, _UP_DOWN),
)


class KeyGuard(QObject):
    """Watches the widget that has the focus, and only that one."""

    def __init__(self, application: QApplication, parent: QObject) -> None:
        super().__init__(parent)
        self._keys: frozenset[Qt.Key] = frozenset()
        self._application = application
        application.focusChanged.connect(self._follow)

    def close_down(self) -> None:
        """Stop watching."""
        self._application.focusChanged.disconnect(self._follow)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Claim the keys that the field uses itself."""
        if (
            event is not None
            and event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            and Qt.Key(event.key()) in self._keys
        ):
            event.accept()
        return False

    def _follow(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None:
            old.removeEventFilter(self)
        self._keys = next((keys for kind, keys in KEYS if isinstance(new, kind)), frozenset())
        if new is not None and self._keys:
            new.installEventFilter(self)
