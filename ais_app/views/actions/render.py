"""Actions of the Render tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ais_app.state.commands import render as commands
from ais_app.views.actions.action import SEPARATOR, Action

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow
    from ais_app.views.render.panel import RenderPanel


def _panel(window: MainWindow) -> RenderPanel:
    tab = next(tab for tab in window.tabs if tab.name == "render")
    return cast("RenderPanel", tab.panel)


def _in_front(window: MainWindow) -> bool:
    session = window.workbench.session
    return session.view.tab == "render" and session.view.tomogram is not None


def _has_surfaces(window: MainWindow) -> bool:
    return _in_front(window) and _panel(window).output.buttons["surfaces"].isEnabled()


def _has_picks(window: MainWindow) -> bool:
    return _in_front(window) and bool(_panel(window).space.scene.picks)


def _along(axis: str, key: str) -> Action:
    return Action(
        f"render.along_{axis}", f"Look along &{axis}",
        lambda window: commands.look_along(window.workbench.session, axis), f"mdi6.axis-{axis}-arrow", key,
        f"Look at the scene along the {axis} axis", enabled=_in_front,
    )  # fmt: skip


ACTIONS = (
    Action("render.add", "&Add a segmentation…", lambda window: _panel(window).ask_for_surface(), "mdi6.shape-plus", "",
           "Show a volume as a surface", enabled=_in_front),
    Action("render.everything", "&Whole scene", lambda window: _panel(window).show_everything(),
           "mdi6.fit-to-screen-outline", "Ctrl+Alt+Home", "Look at all of it (Home over the scene)", enabled=_in_front),
    _along("x", "Ctrl+Alt+X"),
    _along("y", "Ctrl+Alt+Y"),
    _along("z", "Ctrl+Alt+Z"),
    Action("render.picture", "Save a &picture…", lambda window: _panel(window).output.ask_picture(),
           "mdi6.image-outline", "Ctrl+Alt+P", "Save the scene as a PNG of any size", enabled=_in_front),
    Action("render.film", "Save a &film…", lambda window: _panel(window).output.ask_film(), "mdi6.movie-open-outline",
           "", "Save a film of the scene as it turns", enabled=_in_front),
    Action("render.surfaces", "Save &surfaces…", lambda window: _panel(window).output.ask_surfaces(),
           "mdi6.vector-triangle", "", "Save the surfaces that are shown as GLB, OBJ, PLY or STL, in Å",
           enabled=_has_surfaces),
    Action("render.chimerax", "Save a script for &ChimeraX…", lambda window: _panel(window).output.ask_chimerax(),
           "mdi6.script-text-outline", "", "Save a script that opens maps, surfaces and picks in place",
           enabled=_in_front),
    Action("render.coordinates", "Save c&oordinates…", lambda window: _panel(window).output.ask_coordinates(),
           "mdi6.map-marker-multiple-outline", "", "Save picks for RELION 5 and other programs", enabled=_has_picks),
)  # fmt: skip
MENU = (
    "render.add", SEPARATOR, "render.everything", "render.along_x", "render.along_y", "render.along_z", SEPARATOR,
    "render.picture", "render.film", "render.surfaces", "render.chimerax", "render.coordinates",
)  # fmt: skip
