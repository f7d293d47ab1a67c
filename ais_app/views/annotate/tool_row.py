"""Buttons of the panel: the tools, what they may paint, and what is done with whole slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ais_app.state.session import Session
from ais_app.views.widgets.panel import hint

if TYPE_CHECKING:
    from ais_app.views.actions.bound import BoundActions

TOOLS = ("brush", "eraser", "flood", "lasso", "fill", "livewire", "box")
SWITCHES = ("annotate.ball", "annotate.ignore", "annotate.over_background", "annotate.dark")
HINTS = {
    "brush": "Left paints, right erases. Shift and wheel: size.",
    "eraser": "Drag to erase. Shift and wheel: size.",
    "flood": "Paints similar grey values within the brush; right erases.",
    "lasso": "Drag around, or click corners and close with a double click or Enter. Right erases the inside.",
    "fill": "Click inside a closed outline that was painted.",
    "livewire": "Click along a ridge; double click or Enter paints it. Backspace takes a click back.",
    "box": "Click places, drag moves, edges resize, right or Delete removes.",
}
NO_HINT = "Shift and click places a training box with any tool, Shift and right click removes it."


class ToolRow(QWidget):
    """The tools side by side, the switches below, and what the tool in the hand does."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.buttons = {name: QToolButton() for name in TOOLS}
        self.switches = ButtonGrid(SWITCHES)
        self.words = hint("")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(2)
        for button in self.buttons.values():
            button.setIconSize(QSize(20, 20))
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.words)
        column.addWidget(self.switches)
        session.view.events.tool.connect(self._show)
        self._show()

    def bind(self, actions: BoundActions) -> None:
        """Give the buttons their actions."""
        for name, button in self.buttons.items():
            action = actions[f"tool.{name}"]
            button.setDefaultAction(action)
            button.setAccessibleName(action.text().replace("&", ""))
        self.switches.bind(actions)

    def _show(self, *_: object) -> None:
        words = HINTS.get(self._session.view.tool, NO_HINT)
        self.words.setText(words)
        # the longest of them takes two lines: nothing below moves when another tool is taken
        self.words.setFixedHeight(2 * self.words.fontMetrics().lineSpacing() + 4)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)


class ButtonGrid(QWidget):
    """Buttons with icon and text for actions.

    Parameters
    ----------
    names
        Ids of the actions.
    columns
        How many stand side by side.
    texts
        What stands on the buttons where the heading above says the rest.
    """

    def __init__(self, names: Sequence[str], columns: int = 2, texts: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._texts = dict(texts or {})
        self.buttons = {name: QToolButton() for name in names}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for place, button in enumerate(self.buttons.values()):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setMinimumWidth(40)
            grid.addWidget(button, place // columns, place % columns)
        for column in range(columns):
            grid.setColumnStretch(column, 1)

    def bind(self, actions: BoundActions) -> None:
        """Give the buttons their actions."""
        for name, button in self.buttons.items():
            if name in self._texts:
                actions[name].setIconText(self._texts[name])
            button.setDefaultAction(actions[name])
            button.setAccessibleName(actions[name].text().replace("&", "").rstrip("…"))
