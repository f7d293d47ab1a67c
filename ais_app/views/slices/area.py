"""The slice area: XY, and XZ with YZ on request, of the tomogram in view.

A change of the view makes a request; the image is read off the main thread and shown if nothing newer was asked:

    view (z, slab, filters …) ─► SliceRequest ─► Latest ─► read_slice ─► image of the pane
"""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QWidget

from ais_app.state.commands import tomograms
from ais_app.views.slices.pane import SlicePane
from ais_app.views.slices.pointer import Tool
from ais_app.views.widgets.application import use_vispy
from ais_app.views.workbench import Workbench


class SliceArea(QWidget):
    """The panes and what they share.

    Attributes
    ----------
    panes
        Axis to pane: ``"z"`` is the main one.
    """

    pointed = pyqtSignal(object)  # ZYX under the pointer in any pane, or None

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        use_vispy()
        self.workbench = workbench
        self.panes = {axis: SlicePane(axis) for axis in "zyx"}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(1)
        grid.addWidget(self.panes["z"], 0, 0)
        grid.addWidget(self.panes["x"], 0, 1)
        grid.addWidget(self.panes["y"], 1, 0)
        for pane in self.panes.values():
            pane.pointed.connect(self.pointed)
            pane.wheeled.connect(self._wheel)

    def set_tool(self, tool: Tool | None) -> None:
        """Put a tool in the hand in every pane."""
        for pane in self.panes.values():
            if pane.tool is not None and pane.tool is not tool:
                pane.tool.cancel()
            pane.tool = tool

    def apply_theme(self) -> None:
        """Take on the theme."""
        for pane in self.panes.values():
            pane.apply_theme()

    def close_down(self) -> None:
        """Stop the threads."""

    def _wheel(self, steps: int, modifiers: Qt.KeyboardModifier) -> None:
        tomograms.step(self.workbench.session, steps)
