"""The status line: the jobs that run on the left, the voxel under the pointer on the right."""

from __future__ import annotations

from PyQt6.QtWidgets import QLabel, QStatusBar

from ais_app.core.tomogram import ZYX
from ais_app.views.slices.area import SliceArea
from ais_app.views.workbench import Workbench


class StatusLine(QStatusBar):
    """Jobs and pointer."""

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__()
        self.workbench = workbench
        self._position = QLabel()
        self.addPermanentWidget(self._position)
        slices.pointed.connect(self._point)

    def _point(self, position: ZYX | None) -> None:
        self._position.setText("" if position is None else " ".join(f"{value:.0f}" for value in reversed(position)))
