"""The command palette: every action by its name, with its key; Enter does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QModelIndex, QObject, QPoint, QRect, QSize, Qt, QTimer
from PyQt6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QStandardItem, QStandardItemModel
from PyQt6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
)

from ais_app.views.actions.table import MENUS
from ais_app.views.shell.fuzzy import score
from ais_app.views.theme import current_theme

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow

WIDTH, ROW, ROWS = 600, 44, 9
ENTRY = Qt.ItemDataRole.UserRole
HANDED_ON = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}
TIP_WEIGHT = 0.4


@dataclass(frozen=True)
class Entry:
    """One action as the palette shows it."""

    id: str
    text: str
    tip: str
    menu: str
    key: str
    enabled: bool
    checked: bool

    def score(self, pattern: str) -> float | None:
        """Tell how well it fits what was typed; its name counts more than its explanation."""
        name = score(pattern, self.text)
        rest = score(pattern, f"{self.text} {self.menu} {self.tip}")
        if name is None and rest is None:
            return None
        return max(-1e9 if name is None else name, -1e9 if rest is None else TIP_WEIGHT * rest)


def entries(window: MainWindow) -> list[Entry]:
    """Return every action of a window as it is now."""
    window.actions_by_id.refresh()
    menu_of = {id: title.replace("&", "") for title, names in MENUS.items() for id in names}
    found = []
    for record in window.actions_by_id.table:
        action = window.actions_by_id[record.id]
        keys = [key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts()]
        text = record.text.replace("&", "")
        found.append(
            Entry(
                record.id,
                text,
                record.tip,
                menu_of.get(record.id, ""),
                "  ".join(keys),
                action.isEnabled(),
                action.isChecked(),
            )  # fmt: skip
        )
    return found


class CommandPalette(QFrame):
    """Search all actions."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("role", "overlay")
        self.setObjectName("CommandPalette")
        self.setAccessibleName("All actions")
        self._window = window
        self._entries = [entry for entry in entries(window) if entry.id != "help.palette"]
        self.line = QLineEdit()
        self.line.setPlaceholderText("What do you want to do?")
        self.line.setAccessibleName("Search all actions")
        self.line.setToolTip("Type a few letters; Up and Down choose, Enter does it")
        self.line.textChanged.connect(self._search)
        self.line.installEventFilter(self)
        self.list = QListView()
        self.list.setAccessibleName("Actions")
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.setItemDelegate(_EntryDelegate(self.list))
        self.list.clicked.connect(self._run)
        self._model = QStandardItemModel(self)
        self.list.setModel(self._model)
        self._nothing = QLabel("No action has this name")
        self._nothing.setProperty("role", "hint")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.line)
        column.addWidget(self._nothing)
        column.addWidget(self.list)
        self._search("")

    def open(self) -> None:
        """Show it in the upper middle of the window."""
        self.setFixedSize(WIDTH, ROW * ROWS + 64)
        self.move(self._window.mapToGlobal(QPoint((self._window.width() - WIDTH) // 2, 72)))
        self.show()
        self.line.setFocus()

    @property
    def found(self) -> list[Entry]:
        """The actions that fit what was typed, the best first."""
        return [self._model.index(row, 0).data(ENTRY) for row in range(self._model.rowCount())]

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Choose in the list with keys that are pressed in the line."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() in HANDED_ON:
            self.list.keyPressEvent(event)
            return True
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._run(self.list.currentIndex())
            return True
        return False

    def _search(self, pattern: str) -> None:
        scored = [(entry.score(pattern), entry) for entry in self._entries]
        fitting = [(value, entry) for value, entry in scored if value is not None]
        if pattern.strip():
            fitting.sort(key=lambda pair: -pair[0])
        self._model.clear()
        for _, entry in fitting:
            item = QStandardItem(entry.text)
            item.setData(entry, ENTRY)
            item.setToolTip(entry.tip)
            self._model.appendRow(item)
        self._nothing.setVisible(not fitting)
        self.list.setVisible(bool(fitting))
        self.list.setCurrentIndex(self._model.index(0, 0))

    def _run(self, index: QModelIndex) -> None:
        entry: Entry | None = index.data(ENTRY) if index.isValid() else None
        if entry is None or not entry.enabled:
            return
        self.close()
        # after the palette is gone, so that what the action opens gets the focus
        window = self._window
        QTimer.singleShot(0, lambda: window.actions_by_id.trigger(entry.id))


class _EntryDelegate(QStyledItemDelegate):
    """Draws name, menu, explanation and key."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        return QSize(option.rect.width(), ROW)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        if painter is None:
            return
        entry: Entry = index.data(ENTRY)
        theme = current_theme()
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(theme.hover))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRoundedRect(option.rect.adjusted(1, 1, -1, -1), 4, 4)
        inside = option.rect.adjusted(10, 4, -10, -4)
        upper = QRect(inside.left(), inside.top(), inside.width(), 19)
        lower = QRect(inside.left(), inside.top() + 19, inside.width(), 16)
        text, dimmed = QColor(theme.text if entry.enabled else theme.dimmed), QColor(theme.dimmed)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(text)
        name = entry.text + ("  ✓" if entry.checked else "")
        painter.drawText(upper, middle | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(QColor(theme.accent) if entry.enabled else dimmed)
        painter.drawText(upper, middle | Qt.AlignmentFlag.AlignRight, entry.key)
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(dimmed)
        parts = [entry.menu, entry.tip] if entry.enabled else [entry.menu, "not possible now", entry.tip]
        line = painter.fontMetrics().elidedText(
            " · ".join(filter(None, parts)), Qt.TextElideMode.ElideRight, lower.width()
        )
        painter.drawText(lower, middle | Qt.AlignmentFlag.AlignLeft, line)
        painter.restore()
