"""Actions of the Annotate tab: tools and features."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from ais_app.state.commands import features, view
from ais_app.views.actions.action import SEPARATOR, Action

if TYPE_CHECKING:
    from ais_app.views.annotate.doing import Doing
    from ais_app.views.annotate.panel import AnnotatePanel
    from ais_app.views.main_window import MainWindow


def _panel(window: MainWindow) -> AnnotatePanel:
    return cast("AnnotatePanel", next(tab.panel for tab in window.tabs if tab.name == "annotate"))


def _do(
    id: str, text: str, act: Callable[[Doing], object], icon: str, tip: str, key: str = "", repeats: bool = False
) -> Action:
    """Return the action that does something with the chosen feature on the tomogram in view."""
    return Action(
        f"annotate.{id}", text, lambda window: act(_panel(window).doing), icon, key, tip, enabled=_can_annotate,
        repeats=repeats,
    )  # fmt: skip


def _can_annotate(window: MainWindow) -> bool:
    state = window.workbench.session.view
    return _shows_slices(window) and state.tomogram is not None and state.feature is not None


def _has_tomogram(window: MainWindow) -> bool:
    return _shows_slices(window) and window.workbench.session.view.tomogram is not None


def _shows_slices(window: MainWindow) -> bool:
    return any(tab.data is window.slices for tab in window.tabs if tab.name == window.workbench.session.view.tab)


def _switch(id: str, text: str, field: str, icon: str, key: str, tip: str) -> Action:
    return Action(
        f"annotate.{id}", text, lambda window: view.toggle(window.workbench.session, field), icon, key, tip,
        checked=lambda window: bool(getattr(window.workbench.session.view, field)), enabled=_shows_slices,
    )  # fmt: skip


def _resize(step: int) -> Callable[[MainWindow], object]:
    return lambda window: _panel(window).hand.resize(step)


def _is_drawing(window: MainWindow) -> bool:
    return _panel(window).hand.is_drawing


def _tool(name: str, text: str, icon: str, key: str, tip: str) -> Action:
    def run(window: MainWindow) -> None:
        window.workbench.session.view.tool = name

    return Action(
        f"tool.{name}", text, run, icon, key, tip, checked=lambda window: window.workbench.session.view.tool == name,
        enabled=_shows_slices,
    )  # fmt: skip


def _choose(number: int) -> Action:
    return Action(
        f"feature.{number}", f"Feature {number}",
        lambda window: features.choose_number(window.workbench.session, number), key=str(number),
        tip=f"Annotate the feature at place {number} of the list",
    )  # fmt: skip


TOOLS = (
    _tool("brush", "&Brush", "mdi6.brush", "B", "Paint: left button; erase: right button"),
    _tool("eraser", "&Eraser", "mdi6.eraser", "E", "Erase with the left button"),
    _tool("flood", "&Flood brush", "mdi6.auto-fix", "F", "Paint over similar grey values within the brush"),
    _tool("lasso", "&Lasso", "mdi6.lasso", "L", "Draw around what is to be filled; click for corners"),
    _tool("fill", "F&ill an outline", "mdi6.format-color-fill", "G", "Click inside a closed outline that was painted"),
    _tool("livewire", "Live &wire", "mdi6.vector-curve", "W", "Click along a membrane; the line follows it"),
    _tool("box", "Bo&x tool", "mdi6.vector-square-plus", "X", "Place, move, resize and remove training boxes"),
)
CHOICES = tuple(_choose(number) for number in range(1, 10))
SWITCHES = (
    _switch("ball", "Brush in &3D", "brush_3d", "mdi6.sphere", "D", "The brush is a ball instead of a disk"),
    _switch("ignore", "Paint “i&gnore”", "ignoring", "mdi6.cancel", "N",
            "Mark what is painted as ignore: it is left out of training"),
    _switch("over_background", "&Background only", "over_background", "mdi6.shield-outline", "U",
            "Leave alone what is painted already, of any feature"),
    _switch("dark", "&Dark ridges", "follow_dark", "mdi6.theme-light-dark", "",
            "The live wire follows what is darker than its surroundings; bright ridges when this is off"),
)  # fmt: skip
SLICES = (
    _do("mark", "&Mark as annotated", lambda doing: doing.mark(), "mdi6.check-circle-outline",
        "Say that this slice is done, or take that back: what is not painted on it is background", "M"),
    _do("clear", "&Clear slice", lambda doing: doing.clear(), "mdi6.eraser-variant",
        "Remove the labels of the chosen feature from this slice", "Ctrl+Delete"),
    _do("copy_next", "Copy to &next", lambda doing: doing.copy(1), "mdi6.arrow-right-bold-box-outline",
        "Copy the labels of this slice to the next one and go there", "Ctrl+Right", repeats=True),
    _do("copy_previous", "Copy to &previous", lambda doing: doing.copy(-1), "mdi6.arrow-left-bold-box-outline",
        "Copy the labels of this slice to the previous one and go there", "Ctrl+Left", repeats=True),
    _do("interpolate", "&Interpolate", lambda doing: doing.interpolate(), "mdi6.layers-triple-outline",
        "Fill the slices between those that are annotated, from their shapes", "Ctrl+I"),
)  # fmt: skip
PREDICTIONS = (
    _do("take_slice", "Prediction of the slice to labels", lambda doing: doing.take_slice(), "mdi6.arrow-collapse-down",
        "Take the prediction of this slice as labels, to be corrected", "Shift+P"),
    _do("take_region", "Prediction of the region to labels", lambda doing: doing.take_region(), "mdi6.crop",
        "Take the prediction of the region that is drawn (C), on all its slices, as labels"),
    _do("take_volume", "Prediction of the volume to labels", lambda doing: doing.take_volume(), "mdi6.cube-outline",
        "Take the prediction of the whole volume as labels"),
)  # fmt: skip
FILES = (
    _do("import_labels", "Import &labels…", lambda doing: doing.import_labels(), "mdi6.import",
        "Take a segmentation volume as labels of the chosen feature"),
    _do("export_labels", "&Export labels…", lambda doing: doing.export_labels(), "mdi6.export",
        "Write the labels of the chosen feature as a volume that overlays the tomogram"),
    _do("import_boxes", "Import bo&xes…", lambda doing: doing.import_boxes(), "mdi6.import",
        "Place boxes at the particles of a coordinate file"),
    _do("export_boxes", "Export boxe&s…", lambda doing: doing.export_boxes(), "mdi6.export",
        "Write the boxes of the chosen feature as coordinates"),
)  # fmt: skip
DRAWING = (
    Action("annotate.finish", "Close the outline", lambda window: _panel(window).finish(), key="Return; Enter",
           tip="Close the lasso, or paint the live wire, that is being drawn", enabled=_is_drawing),
    Action("annotate.step_back", "Take the last corner back", lambda window: _panel(window).step_back(),
           key="Backspace", tip="Take back the last corner of the lasso or click of the live wire", enabled=_is_drawing,
           repeats=True),
    Action("annotate.remove_box", "Remove the box", lambda window: _panel(window).box_tool.remove_selected(),
           key="Delete", tip="Remove the box that is selected", enabled=_has_tomogram),
    Action("annotate.larger", "Larger brush", _resize(1), key="]", tip="Make the brush larger (Shift and wheel)",
           enabled=_can_annotate, repeats=True),
    Action("annotate.smaller", "Smaller brush", _resize(-1), key="[", tip="Make the brush smaller (Shift and wheel)",
           enabled=_can_annotate, repeats=True),
)  # fmt: skip
ACTIONS = (
    *TOOLS,
    *SWITCHES,
    *SLICES,
    *PREDICTIONS,
    *FILES,
    *DRAWING,
    *CHOICES,
    Action("feature.next", "Next feature", lambda w: features.choose_neighbour(w.workbench.session, 1), key="Alt+Down",
           tip="Annotate the next feature"),
    Action("feature.previous", "Previous feature", lambda w: features.choose_neighbour(w.workbench.session, -1),
           key="Alt+Up", tip="Annotate the previous feature"),
)  # fmt: skip
MENU = (
    *(tool.id for tool in TOOLS), SEPARATOR, *(switch.id for switch in SWITCHES), "annotate.larger",
    "annotate.smaller", SEPARATOR, *(action.id for action in SLICES), SEPARATOR, *(action.id for action in PREDICTIONS),
    SEPARATOR, *(action.id for action in FILES), SEPARATOR, "feature.next", "feature.previous",
)  # fmt: skip
