"""The panel of the Train tab."""

from __future__ import annotations

from ais_app.views.slices.area import SliceArea
from ais_app.views.widgets.panel import Panel, heading
from ais_app.views.workbench import Workbench


class TrainPanel(Panel):
    """What the Train tab asks."""

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__(workbench)
        self.slices = slices
        self.layout_.addWidget(heading("Train"))
        self.layout_.addStretch(1)
