"""The table of tomograms and outputs with the state of each, below the slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, QPoint, Qt
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from ais_app.views.theme import current_theme
from ais_app.views.widgets.panel import EmptyPanel
from ais_app.views.workbench import Workbench

if TYPE_CHECKING:
    from ais_app.batch.records import Item

WORDS = {"waiting": "to do", "running": "running", "done": "done", "failed": "failed", "cancelled": "cancelled",
         "skipped": "was there"}  # fmt: skip
ENDED = ("failed", "cancelled")


class QueueModel(QAbstractTableModel):
    """Tomograms down, outputs across."""

    def __init__(self) -> None:
        super().__init__()
        self._columns: list[str] = []
        self._rows: list[str] = []
        self._cells: dict[tuple[str, str], list[Item]] = {}

    def set_items(self, items: Sequence[Item]) -> None:
        """Show these items."""
        cells: dict[tuple[str, str], list[Item]] = {}
        for item in items:
            cells.setdefault((item.subject, output_of(item)), []).append(item)
        rows = list(dict.fromkeys(item.subject for item in items))
        columns = list(dict.fromkeys(output_of(item) for item in items))
        if (rows, columns) != (self._rows, self._columns):
            self.beginResetModel()
            self._rows, self._columns, self._cells = rows, columns, cells
            self.endResetModel()
        else:
            self._cells = cells
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(columns)))

    def items_at(self, index: QModelIndex) -> list[Item]:
        """Return the items of a cell; those of the whole row for its name."""
        subject = self._rows[index.row()]
        if index.column() == 0:
            return [item for (row, _), items in self._cells.items() if row == subject for item in items]
        return self._cells.get((subject, self._columns[index.column() - 1]), [])

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of tomograms."""
        return len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of outputs, and one for the name."""
        return len(self._columns) + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802 - Qt's name
        """Return the name of an output."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return "Tomogram" if section == 0 else self._columns[section - 1]
        return None

    def data(self, index: QModelIndex, role: int = 0) -> object:
        """Return what a cell shows."""
        if index.column() == 0:
            return self._rows[index.row()] if role == Qt.ItemDataRole.DisplayRole else None
        items = self.items_at(index)
        if not items:
            return None
        item = items[-1]
        if role == Qt.ItemDataRole.DisplayRole:
            return _words(item)
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(filter(None, (item.title, item.reason, item.remedy, item.message, item.doing)))
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(_colour(item.state))
        return None


class QueueTable(QWidget):
    """The queue: what is to do, what is done, what failed and why."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self.model = QueueModel()
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName("Export queue")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.setShowGrid(False)
        rows, header = self.table.verticalHeader(), self.table.horizontalHeader()
        assert rows is not None and header is not None  # every table has its headers
        rows.hide()
        rows.setDefaultSectionSize(26)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setDefaultSectionSize(160)
        self.summary = QLabel()
        self.start, self.cancel, self.retry, self.clear = (
            QPushButton(text) for text in ("Start", "Cancel", "Do again", "Clear finished")
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(EmptyPanel("Exports are listed here: tomograms down, outputs across, with their state."))
        self._stack.addWidget(self.table)
        self._build()
        self._connect()
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the queue as it is now."""
        exports = self.workbench.exports
        items = exports.items
        self.model.set_items(items)
        self._stack.setCurrentIndex(1 if items else 0)
        states = [item.state for item in items]
        told = [f"{states.count(state)} {words}" for state, words in WORDS.items() if state in states]
        self.summary.setText(" · ".join(told) or "Nothing in the queue")
        working = exports.running and exports.queue is not None and not exports.queue.paused
        self.start.setText("Pause" if working else "Start")
        self.start.setEnabled(working or exports.unfinished > 0)
        self.clear.setEnabled(any(state not in ("waiting", "running") for state in states))
        self._selected()

    def selected(self) -> list[Item]:
        """Return the items of the selected cells."""
        model = self.table.selectionModel()
        found = {item.id: item for i in (model.selectedIndexes() if model else []) for item in self.model.items_at(i)}
        return list(found.values())

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(6)
        bar = QHBoxLayout()
        bar.addWidget(self.summary, 1)
        for button, tip in (
            (self.start, "Work on the queue, or let it rest after the present step"),
            (self.cancel, "Take the selected cells out of the work"),
            (self.retry, "Do the selected cells again"),
            (self.clear, "Take what has ended off the list; the files stay"),
        ):
            button.setToolTip(tip)
            bar.addWidget(button)
        column.addLayout(bar)
        column.addWidget(self._stack, 1)
        self.setMinimumHeight(120)

    def _connect(self) -> None:
        exports = self.workbench.exports
        exports.changed.connect(self.refresh)
        exports.problem.connect(lambda text: self.workbench.notify(text, "error"))
        model = self.table.selectionModel()
        assert model is not None  # the table has a model
        model.selectionChanged.connect(self._selected)
        self.model.modelReset.connect(self._selected)
        self.start.clicked.connect(self._toggle)
        self.cancel.clicked.connect(lambda: self._do(exports.cancel, ("waiting", "running")))
        self.retry.clicked.connect(lambda: self._do(exports.retry, (*ENDED, "done", "skipped")))
        self.clear.clicked.connect(lambda: self.workbench.attempt(exports.clear))
        self.table.customContextMenuRequested.connect(self._menu)

    def _toggle(self) -> None:
        exports = self.workbench.exports
        pausing = self.start.text() == "Pause"
        self.workbench.attempt(exports.pause if pausing else exports.start)

    def _selected(self, *_: object) -> None:
        states = {item.state for item in self.selected()}
        self.cancel.setEnabled(bool(states & {"waiting", "running"}))
        self.retry.setEnabled(bool(states - {"waiting", "running"}))

    def _do(self, act: object, states: Sequence[str]) -> None:
        ids = [item.id for item in self.selected() if item.state in states]
        self.workbench.attempt(lambda: act(ids))  # type: ignore[operator]

    def _menu(self, position: QPoint) -> None:
        if not self.selected():
            return
        menu = QMenu(self)
        for text, button in (("Cancel", self.cancel), ("Do again", self.retry)):
            action = menu.addAction(text)
            if action is not None:
                action.setEnabled(button.isEnabled())
                action.triggered.connect(button.click)
        viewport = self.table.viewport()
        if viewport is not None:
            menu.popup(viewport.mapToGlobal(position))


def output_of(item: Item) -> str:
    """Return the column of an item: what it makes, whatever the tomogram."""
    title = item.title.removesuffix(f" in {item.subject}").removesuffix(f" of {item.subject}")
    return title.removesuffix(f" {item.subject}") or item.operation


def _words(item: Item) -> str:
    if item.state == "running":
        return "stopping" if item.cancelling else f"{100 * item.fraction:.0f} %"
    return item.message or WORDS[item.state] if item.state == "done" else WORDS[item.state]


def _colour(state: str) -> str:
    theme = current_theme()
    return {
        "running": theme.accent, "done": theme.good, "failed": theme.error, "cancelled": theme.warning,
    }.get(state, theme.dimmed)  # fmt: skip
