"""The panel of the Annotate tab."""

from __future__ import annotations

from ais_app.views.slices.area import SliceArea
from ais_app.views.widgets.panel import Panel, heading
from ais_app.views.workbench import Workbench


class AnnotatePanel(Panel):
    """Features, tools and boxes."""

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__(workbench)
        self.slices = slices
        self.layout_.addWidget(heading("Features"))
        self.layout_.addStretch(1)
