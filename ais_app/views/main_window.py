"""The main window: tomograms on the left, data in the middle, the panel of the tab on the right, jobs below.

    +-----------+------------------------------------+-----------+
    | tomograms | tabs                               | panel of  |
    | contrast  | slice area (Annotate Train Export) | the tab   |
    | filters   | or space (Render)                  |           |
    +-----------+------------------------------------+-----------+

Canvases live as long as the window: a tab changes what is in front, it builds nothing.
"""

from __future__ import annotations

import base64
from pathlib import Path

from PyQt6.QtCore import QByteArray, Qt, QTimer
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QMainWindow, QMessageBox, QSplitter, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from ais_app.state.view_state import TABS
from ais_app.views.actions.bound import BoundActions
from ais_app.views.actions.menus import fill_menus, fill_tool_bar
from ais_app.views.actions.table import all_actions
from ais_app.views.shell.notifications import NotificationArea
from ais_app.views.shell.status import StatusLine
from ais_app.views.slices.area import SliceArea
from ais_app.views.tabs import make_tabs
from ais_app.views.theme import apply_theme, theme_of
from ais_app.views.tomograms.side_panel import SidePanel
from ais_app.views.widgets.application import application
from ais_app.views.workbench import Workbench

LEFT, RIGHT = 272, 336  # px
SMALLEST = (1000, 640)
LAYOUT_VERSION = 1


class MainWindow(QMainWindow):
    """The window of one workbench.

    Parameters
    ----------
    workbench
        What it shows; closed with the window.
    """

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench: Workbench = workbench
        self.setObjectName("MainWindow")
        self.setAcceptDrops(True)
        self.setMinimumSize(*SMALLEST)
        self.apply_theme()
        self.slices = SliceArea(workbench)
        self.tabs = make_tabs(workbench, self.slices)
        self.side = SidePanel(workbench)
        self._build()
        self.notifications = NotificationArea(workbench, self._centre)
        self.status = StatusLine(workbench, self.slices)
        self.setStatusBar(self.status)
        self.actions_by_id = BoundActions(all_actions(), self)
        fill_menus(self)
        fill_tool_bar(self)
        self._refresh_soon = QTimer(self)
        self._refresh_soon.setSingleShot(True)
        self._refresh_soon.timeout.connect(self._refresh)
        self._subscribe()
        self._restore_layout()
        self._refresh()

    def _build(self) -> None:
        self._bar = QTabBar()
        self._bar.setExpanding(False)
        self._bar.setDrawBase(False)
        self._bar.setAccessibleName("Tabs")
        self._data, self._panels = QStackedWidget(), QStackedWidget()
        for tab in self.tabs:
            self._bar.addTab(tab.title)
            self._bar.setTabToolTip(self._bar.count() - 1, tab.tip)
            if self._data.indexOf(tab.data) < 0:
                self._data.addWidget(tab.data)
            self._panels.addWidget(tab.panel)
        self._bar.currentChanged.connect(lambda index: setattr(self.workbench.session.view, "tab", TABS[index]))
        self._centre = QWidget()
        column = QVBoxLayout(self._centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        column.addWidget(self._data, 1)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setChildrenCollapsible(False)
        for widget in (self.side, self._centre, self._panels):
            self._splitter.addWidget(widget)
        self._splitter.setStretchFactor(1, 1)
        self.setCentralWidget(self._splitter)

    def _subscribe(self) -> None:
        session, settings = self.workbench.session, self.workbench.settings
        session.view.events.connect(self._later)
        for signal in (session.events.opened, session.events.history, session.events.features):
            signal.connect(self._later)
        session.events.tomograms.connect(self._later)
        settings.events.theme.connect(self.apply_theme)
        self.workbench.jobs.changed.connect(self._later)

    def _later(self, *_: object) -> None:
        self._refresh_soon.start()

    def _refresh(self) -> None:
        session = self.workbench.session
        index = TABS.index(session.view.tab)
        if self._bar.currentIndex() != index:
            self._bar.setCurrentIndex(index)
        tab = self.tabs[index]
        self._data.setCurrentWidget(tab.data)
        self._panels.setCurrentWidget(tab.panel)
        self.setWindowTitle(f"{session.title} – ais-app" if session.title else "ais-app")
        self.actions_by_id.refresh()

    def apply_theme(self, *_: object) -> None:
        """Put the theme of the settings on."""
        apply_theme(application(), theme_of(self.workbench.settings.theme))
        if hasattr(self, "actions_by_id"):
            self.actions_by_id.apply_icons()
            self.slices.apply_theme()
            for tab in self.tabs:
                tab.apply_theme()

    # opening by dropping

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take files."""
        if event is not None and (data := event.mimeData()) is not None and data.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        """Open the files that were dropped."""
        if event is None or (data := event.mimeData()) is None:
            return
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self.open_files(paths)

    def open_files(self, paths: list[Path]) -> None:
        """Open projects, volumes, sessions of Ais, networks, segmentations or coordinates, each where it belongs."""
        rest = [path for path in paths if not any(tab.take_file(path) for tab in self.tabs)]
        if rest:
            self.workbench.open_files(rest)

    # leaving

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask once when jobs run; then stop them, save the layout and close the project."""
        if event is None:
            return
        if self.workbench.jobs.active and not self._sure():
            event.ignore()
            return
        self.shut_down()
        event.accept()

    def shut_down(self) -> None:
        """Stop what runs and save what is to be kept; the window can then go."""
        self._save_layout()
        for tab in self.tabs:
            tab.close_down()
        self.side.close_down()
        self.slices.close_down()
        self.workbench.close()

    def _sure(self) -> bool:
        names = "\n".join(handle.title for handle in self.workbench.jobs.active)
        text = "Jobs are running. They stop now; queued exports and trainings go on when the project is opened again."
        box = QMessageBox(QMessageBox.Icon.Question, "Close ais-app?", text, parent=self)
        box.setInformativeText(names)
        close = box.addButton("Stop and close", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Keep working", QMessageBox.ButtonRole.RejectRole)
        box.exec()
        return box.clickedButton() is close

    def _save_layout(self) -> None:
        self.workbench.settings.window = {
            "version": LAYOUT_VERSION,
            "geometry": _text(self.saveGeometry()),
            "splitter": _text(self._splitter.saveState()),
        }

    def _restore_layout(self) -> None:
        layout = self.workbench.settings.window
        if layout.get("version") == LAYOUT_VERSION:
            self.restoreGeometry(_bytes(layout.get("geometry", "")))
            self._splitter.restoreState(_bytes(layout.get("splitter", "")))
        else:
            self.resize(1280, 800)
            self._splitter.setSizes([LEFT, 1280 - LEFT - RIGHT, RIGHT])


def _text(state: QByteArray) -> str:
    return base64.b64encode(state.data()).decode("ascii")


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii"))
