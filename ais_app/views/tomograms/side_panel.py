"""The left side of the window: the list of tomograms, contrast and display filters. The same in every tab."""

from __future__ import annotations

from PyQt6.QtWidgets import QVBoxLayout, QWidget

from ais_app.views.widgets.panel import heading
from ais_app.views.workbench import Workbench


class SidePanel(QWidget):
    """Tomograms above, contrast and filters below."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        column = QVBoxLayout(self)
        column.addWidget(heading("Tomograms"))
        column.addStretch(1)

    def close_down(self) -> None:
        """Stop threads."""
