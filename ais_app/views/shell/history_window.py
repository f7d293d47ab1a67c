"""What was done and what was said in this session: commands that can be copied as Python or shell, and messages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PyQt6.QtCore import QModelIndex, QSize, Qt
from PyQt6.QtGui import QStandardItem, QStandardItemModel
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QListView,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from ais_app.state.log import CommandLine, CommandLog
from ais_app.views.shell.notifications import Note, NotificationArea
from ais_app.views.theme import current_theme, icon
from ais_app.views.widgets.copy_button import copy_text
from ais_app.views.widgets.panel import hint
from ais_app.views.widgets.text import Details

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow

SIZE = QSize(640, 460)
THING = Qt.ItemDataRole.UserRole
PYTHON_START = "from ais_app.state import commands"
SIGNS = {"info": "mdi6.information-outline", "warning": "mdi6.alert-outline", "error": "mdi6.alert-circle-outline"}


class HistoryWindow(QDialog):
    """Two lists: commands and messages."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("HistoryWindow")
        self.setWindowTitle("History of this session")
        self.resize(SIZE)
        self.tabs = QTabWidget()
        self.commands = CommandList(window.workbench.session.log)
        self.messages = MessageList(window.notifications)
        self.tabs.addTab(self.commands, "Commands")
        self.tabs.addTab(self.messages, "Messages")
        column = QVBoxLayout(self)
        column.addWidget(self.tabs)


class CommandList(QWidget):
    """The commands, newest first, with the line that does each again."""

    def __init__(self, log: CommandLog) -> None:
        super().__init__()
        self._log = log
        self.model = QStandardItemModel(self)
        self.list = _list(self.model, "Commands of this session")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.details = Details(height=72)
        self.python = QPushButton("Copy as Python")
        self.shell = QPushButton("Copy as command line")
        self.python.setToolTip("Copy the chosen commands, or all when none is chosen, as a script")
        self.shell.setToolTip("Copy what to type in a terminal; not every command has such a line")
        self.python.clicked.connect(lambda: copy_text(as_python(self.chosen)))
        self.shell.clicked.connect(lambda: copy_text(as_shell(self.chosen)))
        row = QHBoxLayout()
        row.addWidget(self.python)
        row.addWidget(self.shell)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 12, 8, 8)
        column.addWidget(hint("Everything you do, as lines that do it again; choose some to copy only these."))
        column.addWidget(self.list, 1)
        column.addWidget(self.details)
        column.addLayout(row)
        for line in log.lines:
            self._add(line)
        log.added.connect(self._add)
        selection = self.list.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(lambda *_: self._show())
        self._show()

    @property
    def chosen(self) -> list[CommandLine]:
        """The chosen commands, oldest first; all when none is chosen."""
        rows = sorted((index.row() for index in self.list.selectedIndexes()), reverse=True)
        rows = rows or list(reversed(range(self.model.rowCount())))
        return [self.model.index(row, 0).data(THING) for row in rows]

    def _add(self, line: CommandLine) -> None:
        item = QStandardItem(line.title)
        item.setData(line, THING)
        item.setToolTip(line.python)
        self.model.insertRow(0, item)
        self._show()

    def _show(self) -> None:
        lines = self.chosen
        self.details.setPlainText("\n".join(line.python for line in lines) or "Nothing was done yet.")
        self.python.setEnabled(bool(lines))
        self.shell.setEnabled(any(line.shell for line in lines))


class MessageList(QWidget):
    """The messages, newest first, with their details."""

    def __init__(self, area: NotificationArea) -> None:
        super().__init__()
        self.model = QStandardItemModel(self)
        self.list = _list(self.model, "Messages of this session")
        self.details = Details(height=140)
        copy = QPushButton("Copy")
        copy.setToolTip("Copy the message with its details")
        copy.clicked.connect(lambda: copy_text(self.details.toPlainText()))
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 12, 8, 8)
        column.addWidget(hint("What the program said in this session, the newest first."))
        column.addWidget(self.list, 1)
        column.addWidget(self.details)
        column.addWidget(copy, alignment=Qt.AlignmentFlag.AlignLeft)
        for note in area.history:
            self._add(note)
        area.noted.connect(self._add)
        selection = self.list.selectionModel()
        if selection is not None:
            selection.currentChanged.connect(lambda current, _: self._show(current))
        self._show(self.model.index(0, 0))

    def _add(self, note: Note) -> None:
        for row in range(self.model.rowCount()):
            if self.model.index(row, 0).data(THING) is note:  # it came before, and is counted
                self.model.removeRow(row)
                break
        theme = current_theme()
        kind = note.notification.kind
        colours = {"warning": theme.warning, "error": theme.error}
        when = time.strftime("%H:%M:%S", time.localtime(note.when))
        item = QStandardItem(icon(SIGNS[kind], colours.get(kind, theme.accent)), f"{when}  {note.text}")
        item.setData(note, THING)
        item.setToolTip(note.text)
        self.model.insertRow(0, item)

    def _show(self, index: QModelIndex) -> None:
        note: Note | None = index.data(THING) if index.isValid() else None
        parts = [note.text, note.notification.details] if note is not None else []
        self.details.setPlainText("\n\n".join(filter(None, parts)))


def as_python(lines: list[CommandLine]) -> str:
    """Return commands as Python, to be run where ``session`` is an `ais_app.state.session.Session`."""
    return "\n".join([PYTHON_START, *(line.python for line in lines)]) + "\n" if lines else ""


def as_shell(lines: list[CommandLine]) -> str:
    """Return commands as lines for a terminal; what has none is left as a comment."""
    return "".join(f"{line.shell or f'# {line.title}'}\n" for line in lines)


def _list(model: QStandardItemModel, name: str) -> QListView:
    view = QListView()
    view.setModel(model)
    view.setUniformItemSizes(True)
    view.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
    view.setAccessibleName(name)
    view.setToolTip(name)
    return view
