"""The main window: tomograms on the left, data in the middle, the panel of the tab on the right, jobs below.

    +-----------+------------------------------------+-----------+
    | tomograms | tabs                               | panel of  |
    | contrast  | slice area (Annotate Train Export) | the tab   |
    | filters   | or space (Render)                  |           |
    +-----------+------------------------------------+-----------+

Canvases live as long as the window: a tab changes what is in front, it builds nothing.
"""

from __future__ import annotations

import logging
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QMainWindow, QMenu, QMessageBox, QSplitter, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from ais_app.core.errors import AisAppError
from ais_app.state.view_state import TABS
from ais_app.views.actions.bound import BoundActions
from ais_app.views.actions.menus import fill_menu, fill_menus, fill_tool_bar
from ais_app.views.actions.particles import GALLERY_MENU
from ais_app.views.actions.table import all_actions
from ais_app.views.actions.tomogram import LIST_MENU
from ais_app.views.dialogs.crash_report import LogTail
from ais_app.views.shell import layout
from ais_app.views.shell.console import ConsoleDock
from ais_app.views.shell.jobs_panel import JobsPanel
from ais_app.views.shell.key_guard import KeyGuard
from ais_app.views.shell.notifications import NotificationArea
from ais_app.views.shell.opening import Opener
from ais_app.views.shell.status import StatusLine
from ais_app.views.shell.welcome import Welcome
from ais_app.views.slices.area import SliceArea
from ais_app.views.tabs import make_tabs
from ais_app.views.theme import apply_theme, theme_of
from ais_app.views.tomograms.side_panel import SidePanel
from ais_app.views.widgets.application import application
from ais_app.views.widgets.soon import Soon
from ais_app.views.workbench import Workbench
from ais_app.workers.job_runner import JobHandle

SMALLEST = (1000, 640)  # px


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
        self._closed = False
        self.setObjectName("MainWindow")
        self.setAcceptDrops(True)
        self.setMinimumSize(*SMALLEST)
        self.apply_theme()
        self.slices = SliceArea(workbench)
        self.tabs = make_tabs(workbench, self.slices)
        self.side = SidePanel(workbench, self.slices)
        self._build()
        self._surround()
        self.actions_by_id = BoundActions(all_actions(), self)
        fill_menus(self)
        fill_tool_bar(self)
        self._refresh_soon = Soon(self, self._refresh)
        self._subscribe()
        layout.restore(self, self._splitter, self.side.splitter, workbench.settings.window)
        self._show_console()
        self._refresh()

    def _build(self) -> None:
        self._bar = QTabBar()
        self._bar.setExpanding(False)
        self._bar.setDrawBase(False)
        self._bar.setAccessibleName("Tabs")
        self._data, self._panels, self._drawers = QStackedWidget(), QStackedWidget(), QStackedWidget()
        for tab in self.tabs:
            self._bar.addTab(tab.title)
            self._bar.setTabToolTip(self._bar.count() - 1, tab.tip)
            if self._data.indexOf(tab.data) < 0:
                self._data.addWidget(tab.data)
            self._panels.addWidget(tab.panel)
            if tab.drawer is not None:
                self._drawers.addWidget(tab.drawer)
        self._bar.currentChanged.connect(lambda index: setattr(self.workbench.session.view, "tab", TABS[index]))
        self._centre = QWidget()
        column = QVBoxLayout(self._centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        self._centre.setMinimumWidth(self._bar.sizeHint().width())
        above = QSplitter(Qt.Orientation.Vertical)
        above.setChildrenCollapsible(False)
        above.addWidget(self._data)
        above.addWidget(self._drawers)
        above.setStretchFactor(0, 1)
        above.setSizes([600, 200])
        column.addWidget(above, 1)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setChildrenCollapsible(False)
        for widget in (self.side, self._centre, self._panels):
            self._splitter.addWidget(widget)
        self._splitter.setStretchFactor(1, 1)
        self.setCentralWidget(self._splitter)

    def _surround(self) -> None:
        """Put in place what lies around and over the data."""
        workbench = self.workbench
        self.log_tail = LogTail()
        logging.getLogger().addHandler(self.log_tail)
        self.opener = Opener(self)
        self._key_guard = KeyGuard(application(), self)
        self.welcome = Welcome(self._data)
        self.notifications = NotificationArea(workbench, self._centre)
        self.jobs_panel: JobsPanel = JobsPanel(workbench.jobs, self)
        self.status = StatusLine(workbench, self.slices)
        self.setStatusBar(self.status)
        self.unread = 0
        self.console: ConsoleDock | None = None

    def _subscribe(self) -> None:
        session, settings = self.workbench.session, self.workbench.settings
        session.view.events.connect(self._later)
        for signal in (session.events.opened, session.events.moved, session.events.history, session.events.features):
            signal.connect(self._later)
        session.events.tomograms.connect(self._later)
        for signal in (session.gallery.changed, session.gallery.selection):
            signal.connect(self._later)
        settings.events.theme.connect(self.apply_theme)
        settings.events.console.connect(self._show_console)
        self.workbench.jobs.changed.connect(self._later)
        self.workbench.jobs.ended.connect(self._say_failure)
        self.status.asked_for_jobs.connect(self.jobs_panel.toggle)
        self.status.asked_for_messages.connect(lambda: self.actions_by_id.trigger("help.history"))
        self.notifications.noted.connect(lambda _: self.set_unread(self.unread + 1))
        asking = (self.welcome.asked, self.side.asked, self.slices.asked, *(tab.panel.asked for tab in self.tabs))
        for asked in asking:
            asked.connect(lambda id: self.actions_by_id.trigger(id))
        self.side.asked_for_menu.connect(lambda menu: self._fill_menu(menu, LIST_MENU))
        particles = self.tabs[TABS.index("particles")].panel
        particles.asked_for_menu.connect(lambda menu: self._fill_menu(menu, GALLERY_MENU))

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
        self._drawers.setVisible(tab.drawer is not None)
        if tab.drawer is not None:
            self._drawers.setCurrentWidget(tab.drawer)
        self.welcome.setVisible(session.view.tomogram is None and not (tab.name == "particles" and session.has_project))
        self.welcome.raise_()  # the stack has just put its page in front
        self.setWindowTitle(self._title())
        self.actions_by_id.refresh()

    def _title(self) -> str:
        session = self.workbench.session
        if not session.has_project:
            return "ais-app"
        state = " (draft)" if session.project.is_draft else " (read-only)" if session.project.read_only else ""
        return f"{session.title}{state} – ais-app"

    def _show_console(self) -> None:
        """Show the Python console, or hide it; made when it is first wanted."""
        wanted = self.workbench.settings.console
        if wanted and self.console is None:
            self.console = ConsoleDock(self)
            self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.console)
            self.console.closed.connect(lambda: setattr(self.workbench.settings, "console", False))
        if self.console is not None:
            self.console.setVisible(wanted)

    def set_unread(self, count: int) -> None:
        """Note how many messages came since the list of them was shown."""
        self.unread = count
        self.status.set_unread(count)

    def _say_failure(self, job: JobHandle) -> None:
        """Say why a job failed, unless whoever started it does."""
        if job.state == "failed" and job.receivers(job.failed) == 0:
            foreseen = isinstance(job.error, AisAppError)
            self.workbench.notify(f"{job.title} failed: {job.error}", "error", "" if foreseen else job.details)

    def _fill_menu(self, menu: QMenu, names: tuple[str, ...]) -> None:
        self.actions_by_id.refresh()
        fill_menu(menu, names, self)

    def apply_theme(self, *_: object) -> None:
        """Put the theme of the settings on."""
        apply_theme(application(), theme_of(self.workbench.settings.theme))
        if hasattr(self, "actions_by_id"):
            self.actions_by_id.apply_icons()
            self.slices.apply_theme()
            self.side.apply_theme()
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
        self.opener.open(paths)

    # leaving

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask once when jobs run; then stop them, save the layout and close the project."""
        if event is None:
            return
        if not self._closed and self.workbench.jobs.active and not self._sure():
            event.ignore()
            return
        self.shut_down()
        event.accept()

    def shut_down(self) -> None:
        """Stop what runs and save what is to be kept; the window can then go. Once is enough."""
        if self._closed:
            return
        self._closed = True
        self.hide()  # threads may take seconds to end; nobody should have to watch
        self.workbench.settings.window = layout.saved(self, self._splitter, self.side.splitter)
        self.opener.stop()
        self._key_guard.close_down()
        logging.getLogger().removeHandler(self.log_tail)
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
