"""The left side of the window: the list of tomograms, contrast and display filters. The same in every tab.

What the buttons and the menu do are actions of the window; the panel asks for them by name.
"""

from __future__ import annotations

from PyQt6.QtCore import QPoint, Qt, pyqtSignal
from PyQt6.QtWidgets import QLabel, QLineEdit, QMenu, QScrollArea, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from ais_app.views.slices.area import SliceArea
from ais_app.views.tomograms.contrast import ContrastPanel
from ais_app.views.tomograms.details import DraftLine, EmptyList, TomogramDetails
from ais_app.views.tomograms.filters import FilterPanel
from ais_app.views.tomograms.list_view import TomogramList
from ais_app.views.tomograms.survey import Survey
from ais_app.views.widgets.panel import heading
from ais_app.views.workbench import Workbench

MARGIN = 8  # px
NARROWEST = 232


class SidePanel(QWidget):
    """Tomograms above, contrast and filters below.

    Parameters
    ----------
    workbench
        Whose tomograms.
    slices
        What contrast and filters act on.
    """

    asked = pyqtSignal(str)  # id of an action
    asked_for_menu = pyqtSignal(QMenu)  # to be filled and shown

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__()
        self.workbench, self.slices = workbench, slices
        self.setMinimumWidth(NARROWEST)
        self.survey = Survey(workbench.session, self)
        self.list = TomogramList(workbench.session, self.survey)
        self._asked_for_size: set[tuple[str, int]] = set()
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setObjectName("SideSplitter")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._upper())
        self.splitter.addWidget(self._lower())
        self.splitter.setStretchFactor(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.splitter)
        self.list.asked_for_menu.connect(self._menu)
        self.list.current_changed.connect(self._refresh)
        for model in (self.list.rows, self.list.proxy):
            model.modelReset.connect(self._refresh)
            model.dataChanged.connect(lambda *_: self._refresh())
        self.list.rows.modelReset.connect(self._ask_for_sizes)
        for signal in (workbench.session.events.opened, workbench.session.events.moved):
            signal.connect(self._refresh)
        self._refresh()

    @property
    def chosen(self) -> list[int]:
        """Ids of the chosen tomograms, which menus act on."""
        return self.list.chosen

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        self.list.viewport().update()  # type: ignore[union-attr]
        self.contrast.apply_theme()

    def close_down(self) -> None:
        """Stop the thread."""
        self.survey.close()

    def _upper(self) -> QWidget:
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(MARGIN, 0, MARGIN, 4)
        column.setSpacing(6)
        self.count = QLabel()
        self.count.setProperty("role", "hint")
        column.addWidget(heading("Tomograms", self.count))
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by name")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter tomograms by name")
        self.filter.setToolTip("Show only tomograms whose name holds this")
        self.filter.textChanged.connect(self.list.set_filter)
        self.filter.textChanged.connect(lambda _: self._refresh())
        column.addWidget(self.filter)
        self.empty = EmptyList(lambda: self.asked.emit("file.open"), lambda: self.asked.emit("help.demo"))
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self.list)
        column.addWidget(self.pages, 1)
        self.details = TomogramDetails(
            lambda: self.asked.emit("tomogram.relink"), lambda: self.asked.emit("tomogram.voxel_size")
        )
        column.addWidget(self.details)
        self.draft = DraftLine(lambda: self.asked.emit("file.save_as"))
        column.addWidget(self.draft)
        return upper

    def _lower(self) -> QWidget:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(MARGIN, 0, MARGIN, MARGIN)
        self.contrast = ContrastPanel(self.workbench, self.slices)
        self.filters = FilterPanel(self.workbench, self.slices)
        column.addWidget(self.contrast)
        column.addWidget(self.filters)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        return scroll

    def _menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.asked_for_menu.emit(menu)
        menu.popup(point)

    def _refresh(self) -> None:
        session = self.workbench.session
        total, shown = self.list.rows.rowCount(), self.list.proxy.rowCount()
        self.pages.setCurrentWidget(self.list if total else self.empty)
        self.filter.setVisible(total > 1)
        self.count.setText("" if not total else str(total) if shown == total else f"{shown} of {total}")
        self.details.setVisible(bool(total))
        self.details.show_row(self.list.row)
        self.draft.setVisible(session.has_project and session.project.is_draft)

    def _ask_for_sizes(self) -> None:
        """Ask once for voxel sizes that the files do not say."""
        session = self.workbench.session
        if not session.has_project:
            return
        unknown = [entry for entry in session.project.tomograms if entry.voxel_size_zyx is None]
        new = [entry for entry in unknown if (str(session.project.path), entry.id) not in self._asked_for_size]
        if not new:
            return
        self._asked_for_size.update((str(session.project.path), entry.id) for entry in new)
        ids = [entry.id for entry in new]
        who = new[0].name if len(new) == 1 else f"{len(new)} tomograms"
        words = f"{who}: the voxel size is not known; lengths, training and export need it"

        def act() -> None:
            self.list.choose(ids)
            self.asked.emit("tomogram.voxel_size")

        self.workbench.notify(words, "warning", button="Set voxel size…", act=act)
