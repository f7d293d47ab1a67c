"""The list of trainings: settings and scores; compare two, go on with one, restore an earlier network."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QPoint, Qt, pyqtSignal
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableWidget, QTableWidgetItem

from ais_app.core.errors import AisAppError
from ais_app.state.commands import training
from ais_app.state.commands.training import TrainingRequest
from ais_app.state.records import Run
from ais_app.views.workbench import Workbench

COLUMNS = ("Run", "State", "Epochs", "Dice")
WORDS = {"training": "training", "finished": "finished", "stopped": "stopped", "failed": "failed",
         "interrupted": "interrupted"}  # fmt: skip
RESUMABLE = ("stopped", "interrupted", "failed")
ROWS_SEEN = 5


class RunList(QTableWidget):
    """The runs of the project, newest first; those that are selected are compared."""

    compared = pyqtSignal(list)  # ids of runs
    reuse = pyqtSignal(object)  # TrainingRequest: fill the form with it

    def __init__(self, workbench: Workbench) -> None:
        super().__init__(0, len(COLUMNS))
        self.workbench = workbench
        self.setAccessibleName("Trainings")
        self.setHorizontalHeaderLabels(COLUMNS)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows, header = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None and header is not None  # every table has its headers
        rows.hide()
        rows.setDefaultSectionSize(26)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setFixedHeight(26 * ROWS_SEEN + 34)
        self.itemSelectionChanged.connect(lambda: self.compared.emit(self.selected()))
        self.customContextMenuRequested.connect(self._menu)
        events = workbench.session.events
        events.opened.connect(self.refresh)
        events.runs.connect(self.refresh)
        workbench.trainings.changed.connect(self.refresh)
        self.refresh()

    def selected(self) -> list[int]:
        """Return the ids of the selected runs, from the top."""
        model = self.selectionModel()
        rows = sorted(index.row() for index in model.selectedRows()) if model is not None else []
        return [self._id(row) for row in rows]

    def select(self, run: int) -> None:
        """Select one run."""
        for row in range(self.rowCount()):
            if self._id(row) == run:
                self.selectRow(row)

    def refresh(self, *_: object) -> None:
        """List the runs again, and keep the selection."""
        session = self.workbench.session
        runs = list(reversed(session.project.runs)) if session.has_project else []
        kept = self.selected()
        self.blockSignals(True)
        self.setRowCount(len(runs))
        for row, run in enumerate(runs):
            for column, text in enumerate(_cells(run)):
                self.setItem(row, column, _item(text, column, run))
        self.clearSelection()
        self.blockSignals(False)
        for row, run in enumerate(runs):
            if run.id in kept and (model := self.selectionModel()) is not None:
                flags = model.SelectionFlag.Select | model.SelectionFlag.Rows
                model.select(self.model().index(row, 0), flags)  # type: ignore[union-attr]

    def _id(self, row: int) -> int:
        item = self.item(row, 0)
        assert item is not None  # every row has its cells
        return int(item.data(Qt.ItemDataRole.UserRole))

    def _menu(self, position: QPoint) -> None:
        item = self.itemAt(position)
        if item is None:
            return
        run = self.workbench.project.run(self._id(item.row()))
        menu = QMenu(self)
        under_way = self.workbench.trainings.of_run(run.id)
        entries = (
            ("Use its network", run.model is not None and under_way is None, lambda: self.use(run.id)),
            ("Go on with it", under_way is None and run.state in RESUMABLE, lambda: self.resume(run.id)),
            ("Use its settings", run.parameters is not None, lambda: self._reuse(run)),
            ("Remove from the list", under_way is None, lambda: self._remove(run)),
        )
        for text, possible, act in entries:
            action = menu.addAction(text)
            if action is not None:
                action.setEnabled(possible)
                action.triggered.connect(act)
        viewport = self.viewport()
        if viewport is not None:
            menu.popup(viewport.mapToGlobal(position))

    def use(self, run: int) -> None:
        """Show the network of a run instead of the others of its feature."""
        self.workbench.attempt(lambda: training.use(self.workbench.session, run))

    def resume(self, run: int) -> None:
        """Go on with a run from its last checkpoint."""
        trainings = self.workbench.trainings
        self.workbench.attempt(lambda: trainings.resume(run, lambda e: self.workbench.notify(str(e), "error")))

    def _reuse(self, run: Run) -> None:
        try:
            self.reuse.emit(TrainingRequest.from_dict(run.parameters))
        except AisAppError as error:
            self.workbench.notify(str(error), "error")

    def _remove(self, run: Run) -> None:
        self.workbench.project.remove_run(run)
        self.refresh()


def _cells(run: Run) -> tuple[str, ...]:
    history: list[dict[str, Any]] = run.scores.get("history", []) if isinstance(run.scores, dict) else []
    dice = [entry["dice"] for entry in history if entry.get("dice") is not None]
    return run.name, WORDS[run.state], str(len(history)), f"{max(dice):.3f}" if dice else "–"


def _item(text: str, column: int, run: Run) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setData(Qt.ItemDataRole.UserRole, run.id)
    if column >= 2:
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    tip = [run.message] if run.message else []
    if isinstance(run.parameters, dict):
        tip += [f"{name}: {value}" for name, value in run.parameters.get("params", {}).items()]
    item.setToolTip("\n".join(tip))
    return item
