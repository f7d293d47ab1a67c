"""The list of tomograms: filter, several at once, chips that jump, a menu for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PyQt6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QSortFilterProxyModel,
    Qt,
    pyqtSignal,
)
from PyQt6.QtGui import QContextMenuEvent, QHelpEvent, QMouseEvent
from PyQt6.QtWidgets import QAbstractItemView, QListView, QToolTip, QWidget

from ais_app.state.commands import tomograms
from ais_app.state.session import Session
from ais_app.views.tomograms.list_delegate import TomogramDelegate, chip_rects
from ais_app.views.tomograms.list_model import ID, ROW, Chip, Row, TomogramModel
from ais_app.views.tomograms.survey import Survey


class TomogramList(QListView):
    """A view of the tomograms; the current one is in view, the chosen ones are what menus act on.

    Parameters
    ----------
    session
        Whose tomograms.
    survey
        What is known about them.
    """

    asked_for_menu = pyqtSignal(QPoint)  # on screen
    current_changed = pyqtSignal()

    def __init__(self, session: Session, survey: Survey, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._echo = False
        self.setAccessibleName("Tomograms")
        self.setObjectName("TomogramList")
        self.rows = TomogramModel(session, survey, self)
        self.proxy = QSortFilterProxyModel(self)
        self.proxy.setSourceModel(self.rows)
        self.proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setModel(self.proxy)
        self.setItemDelegate(TomogramDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.modelReset.connect(self._follow)
        session.view.events.tomogram.connect(self._follow)
        self._follow()

    @property
    def chosen(self) -> list[int]:
        """Ids of the chosen tomograms in the order of the list; the one in view where none is chosen."""
        ids = [index.data(ID) for index in sorted(self.selectedIndexes(), key=lambda index: index.row())]
        current = self._session.view.tomogram
        return ids or ([] if current is None else [current])

    @property
    def row(self) -> Row | None:
        """The row of the tomogram in view, even where the filter hides it."""
        entry = self._session.tomogram
        return None if entry is None else self.rows.row(entry)

    def choose(self, ids: Sequence[int]) -> None:
        """Choose tomograms."""
        selection = QItemSelection()
        for index in map(self.index_of, ids):
            selection.select(index, index)
        model = self.selectionModel()
        if model is not None:
            model.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def index_of(self, tomogram: int | None) -> QModelIndex:
        """Return where a tomogram is; an invalid index where the filter hides it."""
        for row in range(self.proxy.rowCount()):
            index = self.proxy.index(row, 0)
            if index.data(ID) == tomogram:
                return index
        return QModelIndex()

    def set_filter(self, text: str) -> None:
        """Show only tomograms whose name holds a text."""
        self._echo = True  # what is hidden stays in view
        self.proxy.setFilterFixedString(text)
        self._echo = False
        self._follow()

    def chip_at(self, point: QPoint) -> tuple[int, Chip] | None:
        """Return tomogram and chip under a point of the view."""
        index = self.indexAt(point)
        row: Row | None = index.data(ROW) if index.isValid() else None
        if row is not None:
            for chip, place in chip_rects(self.visualRect(index), row.chips, self.font()):
                if place.contains(point):
                    return row.entry.id, chip
        return None

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:  # noqa: N802 - Qt's name
        """Bring the current tomogram into view."""
        super().currentChanged(current, previous)
        if not self._echo and current.isValid():
            tomograms.show(self._session, current.data(ID))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Jump where a chip was clicked."""
        if event is None:
            return
        hit = self.chip_at(event.position().toPoint()) if event.button() == Qt.MouseButton.LeftButton else None
        super().mousePressEvent(event)
        if hit is not None:
            tomograms.show_feature(self._session, hit[0], hit[1].feature)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Point at what can be clicked."""
        if event is None:
            return
        over_chip = self.chip_at(event.position().toPoint()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if over_chip else Qt.CursorShape.ArrowCursor)
        super().mouseMoveEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for the menu of what is chosen."""
        if event is not None and self.chosen:
            self.asked_for_menu.emit(event.globalPos())

    def viewportEvent(self, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Explain a chip."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            hit = self.chip_at(event.pos())
            if hit is not None:
                chip = hit[1]
                text = f"{chip.name}: {chip.planes} slices, {chip.boxes} boxes\nClick to go to the first"
                QToolTip.showText(event.globalPos(), text, self)
                return True
        return super().viewportEvent(event)

    def _follow(self, *_: Any) -> None:
        """Make the tomogram in view the current one."""
        index = self.index_of(self._session.view.tomogram)
        if index == self.currentIndex() and self.selectedIndexes():
            self.current_changed.emit()
            return
        self._echo = True
        self.setCurrentIndex(index)
        self._echo = False
        if index.isValid():
            self.scrollTo(index)
        self.current_changed.emit()
