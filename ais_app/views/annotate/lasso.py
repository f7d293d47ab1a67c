"""Lasso and polygon: a drag draws freely, clicks set corners; what is inside is painted, or erased."""

from __future__ import annotations

from ais_app.core.tomogram import ZYX
from ais_app.state.commands import annotate
from ais_app.views.annotate.drawing import Drawing
from ais_app.views.annotate.hand import Hand
from ais_app.views.slices.pointer import PointerEvent

CLICK = 4.0  # screen pixels that the pointer may move during a click


class LassoTool:
    """An outline. The button that begins it says whether its inside is painted (left) or erased (right).

    A drag from the first press is closed when the button is released. After a click, further clicks set corners and
    drags draw between them; a double click or Enter closes, Backspace takes the last corner back, Escape gives up.

    Parameters
    ----------
    hand
        What tools share.
    """

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._line = Drawing(hand)
        self._points: list[ZYX] = []
        self._corners: list[int] = []  # places of clicks among the points
        self._moved = False

    def press(self, event: PointerEvent) -> bool:
        """Begin an outline or set a corner."""
        if event.button not in ("left", "right") or event.control:
            return False
        if event.clicks == 2 and self._line.belongs(event):
            self.finish()
            return True
        if not self._line.is_begun:
            if not self._line.begin(event):
                return True
            self._points, self._corners = [], []
        if self._line.belongs(event):
            self._corners.append(len(self._points))
            self._points.append(event.position_zyx)
            self._moved = False
            self._show(event)
        return True

    def drag(self, event: PointerEvent) -> None:
        """Draw."""
        if self._line.belongs(event) and self._corners:
            self._moved = self._moved or self._is_far(event)
            if self._moved:
                self._points.append(event.position_zyx)
            self._show(event)

    def release(self, event: PointerEvent) -> None:
        """Close what was drawn in one go."""
        if self._line.belongs(event) and self._moved and len(self._corners) == 1:
            self.finish()

    def hover(self, event: PointerEvent) -> None:
        """Show the outline as a click here would make it."""
        self._hand.hide_ring()
        if self._line.belongs(event):
            self._show(event)

    def finish(self) -> None:
        """Close the outline and fill it."""
        points, line, session = self._points, self._line, self._hand.session
        axis, label, begun = line.axis, line.label, line.is_begun
        self.cancel()
        if begun:
            self._hand.attempt(lambda: annotate.fill_outline(session, points, axis=axis, label=label))

    def step_back(self) -> None:
        """Take the last corner back, with what was drawn from it on."""
        if self._corners:
            del self._points[self._corners.pop() :]
        if self._corners:
            self._show(None)
        else:
            self.cancel()

    def cancel(self) -> None:
        """Give the outline up."""
        self._line.end()
        self._points, self._corners = [], []

    def _is_far(self, event: PointerEvent) -> bool:
        pane = self._line.pane
        way = pane.to_point(event.position_zyx) - pane.to_point(self._points[self._corners[-1]])
        return way.manhattanLength() > CLICK

    def _show(self, event: PointerEvent | None) -> None:
        points = [*self._points, event.position_zyx] if event is not None else self._points
        several = len(self._corners) > 1 or not self._moved
        corners = [self._points[place] for place in self._corners] if several else []
        self._line.show(points, corners, closed=True)
