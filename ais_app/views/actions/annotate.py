"""Actions of the Annotate tab: tools and features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ais_app.state.commands import features
from ais_app.views.actions.action import SEPARATOR, Action

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


def _tool(name: str, text: str, icon: str, key: str, tip: str) -> Action:
    def run(window: MainWindow) -> None:
        window.workbench.session.view.tool = name

    return Action(
        f"tool.{name}", text, run, icon, key, tip, checked=lambda window: window.workbench.session.view.tool == name
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
    _tool("livewire", "Live &wire", "mdi6.vector-curve", "W", "Click along a membrane; the line follows it"),
    _tool("box", "Bo&x tool", "mdi6.vector-square-plus", "X", "Place, move, resize and remove training boxes"),
)
CHOICES = tuple(_choose(number) for number in range(1, 10))
ACTIONS = (
    *TOOLS,
    *CHOICES,
    Action("feature.next", "Next feature", lambda w: features.choose_neighbour(w.workbench.session, 1), key="Alt+Down",
           tip="Annotate the next feature"),
    Action("feature.previous", "Previous feature", lambda w: features.choose_neighbour(w.workbench.session, -1),
           key="Alt+Up", tip="Annotate the previous feature"),
)  # fmt: skip
MENU = (*(tool.id for tool in TOOLS), SEPARATOR, "feature.next", "feature.previous")
