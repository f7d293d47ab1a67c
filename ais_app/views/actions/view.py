"""Actions about what is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ais_app.state.commands import view as commands
from ais_app.state.view_state import TABS
from ais_app.views.actions.action import SEPARATOR, Action

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


def _toggle(id: str, text: str, field: str, icon: str, key: str, tip: str) -> Action:
    """Return the action that switches one field of the view on and off."""

    def run(window: MainWindow) -> None:
        commands.toggle(window.workbench.session, field)

    return Action(
        id, text, run, icon, key, tip, checked=lambda window: getattr(window.workbench.session.view, field)
    )  # fmt: skip


def _planes(window: MainWindow) -> None:
    session = window.workbench.session
    commands.set_planes(session, "xy" if session.view.planes == "xyz" else "xyz")


def _has_tomogram(window: MainWindow) -> bool:
    return window.workbench.session.view.tomogram is not None


def _fit(window: MainWindow) -> None:
    window.slices.fit()


def _zoom(steps: float):  # type: ignore[no-untyped-def]
    return lambda window: window.slices.panes["z"].zoom(steps)


def _annotated(step: int):  # type: ignore[no-untyped-def]
    return lambda window: commands.go_to_annotated(window.workbench.session, step)


def _no_crop(window: MainWindow) -> None:
    session = window.workbench.session
    commands.set_crop(session, None)
    if session.view.tool == "crop":
        commands.toggle_crop(session)


def _tab(number: int, name: str) -> Action:
    def run(window: MainWindow) -> None:
        window.workbench.session.view.tab = name

    return Action(
        f"tab.{name}", f"&{number} {name.capitalize()}", run, key=f"Ctrl+{number}", tip=f"Go to the {name} tab",
        checked=lambda window: window.workbench.session.view.tab == name,
    )  # fmt: skip


def _theme(name: str) -> Action:
    def run(window: MainWindow) -> None:
        window.workbench.settings.theme = name

    return Action(
        f"theme.{name}", f"{name.capitalize()} theme", run, tip=f"Use the {name} theme",
        checked=lambda window: window.workbench.settings.theme == name,
    )  # fmt: skip


def _auto_contrast(window: MainWindow) -> None:
    commands.auto_contrast(window.workbench.session)


TABS_ACTIONS = tuple(_tab(number, name) for number, name in enumerate(TABS, start=1))
ACTIONS = (
    *TABS_ACTIONS,
    Action("view.auto_contrast", "&Automatic contrast", _auto_contrast, "mdi6.contrast-circle", "A",
           "Choose black and white from the slice in view", enabled=_has_tomogram),
    _toggle("view.invert", "&Invert contrast", "invert", "mdi6.invert-colors", "I", "Swap black and white"),
    _toggle("view.linear", "S&mooth pixels", "linear", "mdi6.blur", "Shift+I", "Interpolate between voxels"),
    Action("view.planes", "&XZ and YZ", _planes, "mdi6.view-quilt-outline", "T", "Show XZ and YZ beside XY",
           checked=lambda window: window.workbench.session.view.planes == "xyz"),
    _toggle("view.labels", "&Labels", "labels_on", "mdi6.layers-outline", "O", "Show what was painted"),
    _toggle("view.predictions", "&Predictions", "predictions_on", "mdi6.creation-outline", "P",
            "Show what networks predict"),
    _toggle("view.boxes", "&Boxes", "boxes_on", "mdi6.vector-square", "", "Show training boxes"),
    _toggle("view.picks", "Pic&ks", "picks_on", "mdi6.circle-outline", "", "Show picked particles"),
    _toggle("view.filters", "&Filters", "filters_on", "mdi6.filter-outline", "Shift+F", "Apply the display filters"),
    _toggle("view.scale_bar", "&Scale bar", "scale_bar", "mdi6.ruler", "", "Show the scale bar"),
    _toggle("view.axes", "Ax&es", "axes_marker", "mdi6.axis-arrow", "", "Show which way the axes point"),
    _toggle("view.cross", "&Cross", "cross", "mdi6.crosshairs", "", "Show where the planes cross"),
    _toggle("view.y_up", "&Y up", "y_up", "mdi6.arrow-up", "", "y grows upwards, as in IMOD and ChimeraX"),
    Action("view.fit", "&Whole slice", _fit, "mdi6.fit-to-page-outline", "Home",
           "Zoom so that the whole slice is seen", enabled=_has_tomogram),
    Action("view.zoom_in", "Zoom in", _zoom(2), "mdi6.magnify-plus-outline", "Ctrl++; Ctrl+=",
           "Zoom in (Ctrl and wheel)", enabled=_has_tomogram, repeats=True),
    Action("view.zoom_out", "Zoom out", _zoom(-2), "mdi6.magnify-minus-outline", "Ctrl+-", "Zoom out (Ctrl and wheel)",
           enabled=_has_tomogram, repeats=True),
    Action("view.crop", "Crop &region", lambda window: commands.toggle_crop(window.workbench.session), "mdi6.crop", "C",
           "Draw the region that prediction and export are restricted to", enabled=_has_tomogram,
           checked=lambda window: window.workbench.session.view.tool == "crop"),
    Action("view.no_crop", "No crop region", _no_crop, "mdi6.crop-free", tip="Predict and export all of each slice",
           enabled=lambda window: window.workbench.session.view.crop is not None),
    Action("view.next_annotated", "Next annotated slice", _annotated(1), key="Alt+Right", enabled=_has_tomogram,
           tip="Go to the next slice on which the chosen feature is annotated", repeats=True),
    Action("view.previous_annotated", "Previous annotated slice", _annotated(-1), key="Alt+Left", enabled=_has_tomogram,
           tip="Go back to the last slice on which the chosen feature is annotated", repeats=True),
    _theme("system"),
    _theme("dark"),
    _theme("light"),
)  # fmt: skip
MENU = (
    *(action.id for action in TABS_ACTIONS), SEPARATOR, "view.auto_contrast", "view.invert", "view.linear",
    "view.filters", SEPARATOR, "view.fit", "view.zoom_in", "view.zoom_out", "view.next_annotated",
    "view.previous_annotated", SEPARATOR, "view.crop", "view.no_crop", SEPARATOR, "view.planes", "view.labels",
    "view.predictions", "view.boxes", "view.picks", SEPARATOR, "view.scale_bar", "view.axes", "view.cross",
    "view.y_up", SEPARATOR, "theme.system", "theme.dark", "theme.light",
)  # fmt: skip
