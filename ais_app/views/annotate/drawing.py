"""What lasso and live-wire share: a line that is drawn over several clicks and closed at the end."""

from __future__ import annotations

import numpy as np

from ais_app.core.tomogram import ZYX
from ais_app.state.commands.annotate import Target
from ais_app.views.annotate.hand import Hand
from ais_app.views.slices.pane import SlicePane
from ais_app.views.slices.pointer import PointerEvent

ERASER = "#ff5c5c"


class Drawing:
    """A line within one pane, from the first click to Enter, a double click or Escape.

    Parameters
    ----------
    hand
        What tools share.
    """

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self.on: Target | None = None
        self.axis, self.label, self._button = "z", 1, ""

    @property
    def is_begun(self) -> bool:
        """Whether there is a line."""
        return self.on is not None

    def begin(self, event: PointerEvent) -> bool:
        """Begin a line here; return whether that may be."""
        self.on = self._hand.target()
        if self.on is None:
            return False
        self.axis, self.label, self._button = event.axis, self._hand.label(event.button), event.button
        self._hand.set_drawing(True)
        return True

    def belongs(self, event: PointerEvent) -> bool:
        """Whether an event is in the pane of the line."""
        return self.is_begun and event.axis == self.axis

    def end(self) -> None:
        """Forget the line."""
        if self.on is not None:
            self.on = None
            self.pane.draft.clear()
            self.pane.canvas.update()
            self._hand.set_drawing(False)

    @property
    def pane(self) -> SlicePane:
        """Where the line is."""
        return self._hand.area.panes[self.axis]

    def show(self, points_zyx: list[ZYX], corners: list[ZYX], closed: bool = False) -> None:
        """Show the line as it is now."""
        colour = ERASER if self.label == 0 else self._hand.colour
        self.pane.draft.set_path(self._on_plane(points_zyx), colour, closed)
        self.pane.draft.set_corners(self._on_plane(corners), colour)
        self.pane.canvas.update()

    def _on_plane(self, points_zyx: list[ZYX]) -> np.ndarray:
        return np.array([self.pane.on_plane(point) for point in points_zyx], dtype=float).reshape(-1, 2)
