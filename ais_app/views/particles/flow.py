"""A layout that puts widgets in a row, and goes on in another where the row is full."""

from __future__ import annotations

from PyQt6.QtCore import QRect, QSize, Qt
from PyQt6.QtWidgets import QHBoxLayout, QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Widgets side by side, as many in a row as fit; their width is that of their size hints.

    Parameters
    ----------
    gap
        px between two widgets of a row.
    between
        px between two rows.
    """

    def __init__(self, gap: int, between: int) -> None:
        super().__init__()
        self._gap, self._between = gap, between
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem | None) -> None:  # noqa: N802 - Qt's name
        """Put a widget behind the others."""
        if item is not None:
            self._items.append(item)

    def count(self) -> int:
        """Return how many widgets there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # noqa: N802 - Qt's name
        """Return one of them; ``None`` where there is none."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # noqa: N802 - Qt's name
        """Take one of them out; ``None`` where there is none."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:  # noqa: N802 - Qt's name
        """Say that it needs no more room than it asks for."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        """Say that it becomes higher where it is narrow."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """Return the height of all rows."""
        return self._place(QRect(0, 0, width, 0), False)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the least size: it grows by rows."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of the largest widget."""
        size = QSize()
        for item in self._items:
            if not item.isEmpty():
                size = size.expandedTo(item.sizeHint())
        return size

    def setGeometry(self, rect: QRect) -> None:  # noqa: N802 - Qt's name
        """Put the widgets in their places."""
        super().setGeometry(rect)
        self._place(rect, True)

    def _place(self, rect: QRect, moving: bool) -> int:
        """Go through the widgets; return the height of all rows, which are equally high."""
        x, y, height = rect.x(), rect.y(), self.minimumSize().height()
        for item in self._items:
            if item.isEmpty():  # hidden
                continue
            width = item.sizeHint().width()
            if x > rect.x() and x + width > rect.x() + rect.width():
                x, y = rect.x(), y + height + self._between
            if moving:
                item.setGeometry(QRect(x, y, width, height))
            x += width + self._gap
        return y + height - rect.y()


def together(*widgets: QWidget) -> QWidget:
    """Return widgets that stay side by side, such as a label and its field."""
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    return holder
