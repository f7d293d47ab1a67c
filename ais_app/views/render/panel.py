"""The panel of the Render tab."""

from __future__ import annotations

from ais_app.views.render.space import Space
from ais_app.views.widgets.panel import Panel, heading
from ais_app.views.workbench import Workbench


class RenderPanel(Panel):
    """Surfaces, volumes, picks and pictures."""

    def __init__(self, workbench: Workbench, space: Space) -> None:
        super().__init__(workbench)
        self.space = space
        self.layout_.addWidget(heading("Surfaces"))
        self.layout_.addStretch(1)
