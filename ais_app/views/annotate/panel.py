"""The panel of the Annotate tab: features, tools, settings of the chosen feature, its slices, help by networks."""

from __future__ import annotations

from PyQt6.QtGui import QShowEvent

from ais_app.views.annotate.boxes import BoxTool, WithBoxes
from ais_app.views.annotate.brush import BrushTool
from ais_app.views.annotate.doing import Doing
from ais_app.views.annotate.eraser import EraserTool
from ais_app.views.annotate.feature_list import FeatureList
from ais_app.views.annotate.fill import FillTool
from ais_app.views.annotate.flood import FloodTool
from ais_app.views.annotate.hand import Hand
from ais_app.views.annotate.lasso import LassoTool
from ais_app.views.annotate.livewire import LiveWireTool
from ais_app.views.annotate.settings import FeatureSettings
from ais_app.views.annotate.slice_list import SliceList
from ais_app.views.annotate.tool_row import ButtonGrid, ToolRow
from ais_app.views.slices.area import SLICE_TABS, SliceArea
from ais_app.views.slices.pointer import Tool
from ais_app.views.widgets.panel import Panel, heading
from ais_app.views.workbench import Workbench

SLICE_ACTIONS = ("annotate.mark", "annotate.interpolate", "annotate.copy_next", "annotate.copy_previous")
PREDICTION_ACTIONS = {
    "annotate.take_slice": "Slice", "annotate.take_region": "Region", "annotate.take_volume": "Volume",
}  # fmt: skip
FILE_ACTIONS = ("annotate.import_labels", "annotate.export_labels", "annotate.import_boxes", "annotate.export_boxes")


class AnnotatePanel(Panel):
    """Features, tools and boxes.

    Attributes
    ----------
    hand
        What tools share.
    box_tool, lasso, livewire
        Tools that keys speak to.
    doing
        What is done with whole slices and volumes.
    """

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__(workbench)
        self.slices = slices
        self.hand: Hand = Hand(workbench, slices)
        self.box_tool: BoxTool = BoxTool(self.hand)
        self.lasso: LassoTool = LassoTool(self.hand)
        self.livewire: LiveWireTool = LiveWireTool(self.hand)
        self.doing: Doing = Doing(self.hand)
        tools: dict[str, Tool] = {
            "brush": BrushTool(self.hand), "eraser": EraserTool(self.hand), "flood": FloodTool(self.hand),
            "lasso": self.lasso, "fill": FillTool(self.hand), "livewire": self.livewire,
        }  # fmt: skip
        for name, tool in tools.items():
            slices.register_tool(name, WithBoxes(tool, self.box_tool))
        slices.register_tool("box", WithBoxes(self.box_tool, self.box_tool))
        for name, tool in (("cross", slices.cross_tool), ("crop", slices.crop_tool)):
            slices.register_tool(name, WithBoxes(tool, self.box_tool), SLICE_TABS)
        self.features = FeatureList(workbench)
        self.tools = ToolRow(workbench.session)
        self.settings = FeatureSettings(workbench)
        self.slice_list = SliceList(workbench)
        self.slice_actions = ButtonGrid(SLICE_ACTIONS, texts={"annotate.mark": "Mark slice"})
        self.prediction_actions = ButtonGrid(tuple(PREDICTION_ACTIONS), 3, PREDICTION_ACTIONS)
        self.file_actions = ButtonGrid(FILE_ACTIONS)
        self._is_bound = False
        self._build()

    def _build(self) -> None:
        for title, *widgets in (
            ("Features", self.features, self.settings),
            ("Tools", self.tools),
            ("Annotated slices", self.slice_list, self.slice_actions),
            ("Labels from the prediction", self.prediction_actions),
            ("Files", self.file_actions),
        ):
            self.layout_.addWidget(heading(title))
            for widget in widgets:
                self.layout_.addWidget(widget)
        self.layout_.addStretch(1)

    def finish(self) -> None:
        """Close the outline, or paint the path, that is being drawn."""
        self.lasso.finish()
        self.livewire.finish()

    def step_back(self) -> None:
        """Take the last corner of the outline or path back."""
        self.lasso.step_back()
        self.livewire.step_back()

    def apply_theme(self) -> None:
        """Draw the icons in the colours of the theme."""
        self.features.apply_theme()

    def close_down(self) -> None:
        """End the thread of the live-wire."""
        self.livewire.close()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Give the buttons their actions; the window makes these after its panels."""
        super().showEvent(event)
        actions = getattr(self.window(), "actions_by_id", None)
        if actions is not None and not self._is_bound:
            self._is_bound = True
            for group in (self.tools, self.slice_actions, self.prediction_actions, self.file_actions):
                group.bind(actions)
            self.hand.changed.connect(actions.refresh)
