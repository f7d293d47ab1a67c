"""Actions about the tomogram in view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ais_app.state.commands import tomograms
from ais_app.views.actions.action import SEPARATOR, Action

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


def _has_tomogram(window: MainWindow) -> bool:
    return window.workbench.session.view.tomogram is not None


def _step(id: str, text: str, slices: int, key: str) -> Action:
    words = "next" if slices > 0 else "previous"
    tip = f"Show the {words} slice" if abs(slices) == 1 else f"Go {abs(slices)} slices {'on' if slices > 0 else 'back'}"
    return Action(
        id, text, lambda window: tomograms.step(window.workbench.session, slices), key=key, tip=tip,
        enabled=_has_tomogram, repeats=True,
    )  # fmt: skip


def _neighbour(step: int):  # type: ignore[no-untyped-def]
    return lambda window: tomograms.show_neighbour(window.workbench.session, step)


def _close(window: MainWindow) -> None:
    session = window.workbench.session
    if session.view.tomogram is not None:
        tomograms.close(session, [session.view.tomogram])


ACTIONS = (
    _step("slice.next", "Next slice", 1, "Right; PgUp"),
    _step("slice.previous", "Previous slice", -1, "Left; PgDown"),
    _step("slice.next_5", "Five slices on", 5, "Shift+Right; Shift+PgUp"),
    _step("slice.previous_5", "Five slices back", -5, "Shift+Left; Shift+PgDown"),
    Action("tomogram.next", "Next tomogram", _neighbour(1), key="Down", tip="Show the next tomogram of the list",
           enabled=_has_tomogram, repeats=True),
    Action("tomogram.previous", "Previous tomogram", _neighbour(-1), key="Up", enabled=_has_tomogram, repeats=True,
           tip="Show the previous tomogram of the list"),
    Action("tomogram.close", "&Close tomogram", _close, enabled=_has_tomogram,
           tip="Take it and its annotations out of the project; can be undone"),
)  # fmt: skip
MENU = (
    "slice.next", "slice.previous", "slice.next_5", "slice.previous_5", SEPARATOR, "tomogram.next",
    "tomogram.previous", SEPARATOR, "tomogram.close",
)  # fmt: skip
