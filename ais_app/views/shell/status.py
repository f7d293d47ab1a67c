"""The status line: the jobs that run on the left, the voxel under the pointer on the right."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QStatusBar

from ais_app.core.tomogram import ZYX
from ais_app.views.shell.job_line import JobLine
from ais_app.views.shell.pointer_line import PointerLine
from ais_app.views.slices.area import SliceArea
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.workbench import Workbench


class StatusLine(QStatusBar):
    """Jobs, pointer, and the bell that shows earlier messages."""

    asked_for_jobs = pyqtSignal()
    asked_for_messages = pyqtSignal()

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__()
        self.workbench, self._slices = workbench, slices
        self.setSizeGripEnabled(False)
        self.jobs, self.pointer = JobLine(workbench.jobs), PointerLine()
        self.bell = IconButton("mdi6.bell-outline", "", "Messages")
        self.bell.clicked.connect(self.asked_for_messages)
        self.jobs.clicked.connect(self.asked_for_jobs)
        self.addWidget(self.jobs, 1)
        self.addPermanentWidget(self.pointer)
        self.addPermanentWidget(self.bell)
        slices.pointed.connect(self._point)
        view, events = workbench.session.view, workbench.session.events
        view.events.tomogram.connect(self._show_size)
        events.tomograms.connect(self._show_size)
        events.opened.connect(self._show_size)
        self.set_unread(0)
        self._show_size()

    def set_unread(self, count: int) -> None:
        """Show how many messages came since the list was opened last."""
        self.bell.set_icon("mdi6.bell-badge-outline" if count else "mdi6.bell-outline")
        self.bell.setToolTip(f"Messages ({count} new)" if count else "Messages and commands of this session")

    def _show_size(self, *_: object) -> None:
        self.pointer.show_size(self.workbench.session.tomogram)

    def _point(self, position_zyx: ZYX | None) -> None:
        entry = self.workbench.session.tomogram
        value = self._slices.value_at(position_zyx) if position_zyx is not None else None
        self.pointer.show_point(position_zyx, entry, value)
