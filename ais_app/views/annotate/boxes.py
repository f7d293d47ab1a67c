"""The box tool: training boxes are placed, moved, resized and removed; and their clicks in every other tool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import Qt

from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import AisAppError
from ais_app.core.tomogram import ZYX
from ais_app.state.commands import annotate, boxes
from ais_app.state.resolve import ACROSS_UP
from ais_app.views.annotate.hand import Hand
from ais_app.views.slices.pointer import PointerEvent, Tool

GRAB = 7.0  # screen pixels from an edge that still take hold of it
ON_SLICE = 0.5  # slices from its own at which a box can be taken hold of
INSIDE = "all"


@dataclass(frozen=True)
class _Held:
    """What the pointer took hold of: a box, where it was then, and its edges across and up (-1, 0, 1 of each)."""

    box: Box
    size: int
    start: ZYX
    edges: tuple[int, int]


class BoxTool:
    """Left places, moves and resizes; right removes; Delete removes what is selected.

    Parameters
    ----------
    hand
        What tools share.

    Attributes
    ----------
    selected
        Number of the box that was clicked last; ``None`` for none.
    """

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self.selected: int | None = None
        self._held: _Held | None = None
        self._moved: tuple[ZYX, int] | None = None
        for signal in (hand.session.view.events.tomogram, hand.session.events.opened):
            signal.connect(self._select_none, check_nargs=False)

    @property
    def is_wanted(self) -> bool:
        """Whether boxes are placed now: on the Annotate tab."""
        return self._hand.session.view.tab == "annotate"

    def press(self, event: PointerEvent) -> bool:
        """Take hold of the box that is here, or place one."""
        if event.button not in ("left", "right") or event.control:
            return False
        if event.button == "right":
            self.remove_at(event)
            return True
        self._held, self._moved = self._hit(event), None
        if self._held is None:
            self.place(event)
        else:
            self.select(self._held.box.id)
        return True

    def drag(self, event: PointerEvent) -> None:
        """Move or resize the box, on screen."""
        if self._held is None:
            return
        self._moved = self._changed(self._held, event)
        centre, size = self._moved
        pane = self._hand.pane(event)
        across, up = pane.on_plane(centre)
        half, flat = size / 2, 0.0 if event.axis != "z" else size / 2
        wide, high = (half, half) if event.axis == "z" else (half, flat) if event.axis == "y" else (flat, half)
        corners = [(-wide, -high), (wide, -high), (wide, high), (-wide, high)]
        pane.draft.set_path(np.array([(across + dx, up + dy) for dx, dy in corners]), self._hand.colour, closed=True)
        pane.canvas.update()

    def release(self, event: PointerEvent) -> None:
        """Save where the box is now."""
        held, moved, session = self._held, self._moved, self._hand.session
        self.cancel()
        if held is None or moved is None or held.box.id is None:
            return
        (centre, size), id = moved, held.box.id
        if size != held.size:
            self._hand.attempt(lambda: boxes.resize(session, id, size, centre))
        elif centre != held.box.centre_zyx:
            self._hand.attempt(lambda: boxes.move(session, id, centre))

    def hover(self, event: PointerEvent) -> None:
        """Show what a press here would do."""
        self._hand.hide_ring()
        held = self._hit(event)
        shapes = Qt.CursorShape
        if held is None:
            shape = shapes.CrossCursor
        elif held.edges == (0, 0):
            shape = shapes.SizeAllCursor
        elif 0 in held.edges:
            shape = shapes.SizeHorCursor if held.edges[1] == 0 else shapes.SizeVerCursor
        else:
            shape = shapes.SizeBDiagCursor if held.edges[0] == held.edges[1] else shapes.SizeFDiagCursor
        self._hand.pane(event).native.setCursor(shape)

    def cancel(self) -> None:
        """Leave the box where it is."""
        self._held, self._moved = None, None
        for pane in self._hand.area.panes.values():
            pane.draft.clear()
            pane.native.unsetCursor()
            pane.canvas.update()

    def place(self, event: PointerEvent) -> None:
        """Place a box of the chosen feature."""
        session = self._hand.session
        try:
            annotate.target_feature(session)
        except AisAppError as error:
            self._hand.refuse(error)
            return
        z, y, x = (float(round(value)) for value in event.position_zyx)

        def place() -> None:
            self.select(boxes.place(session, (z, y, x)).id)

        self._hand.attempt(place)

    def remove_at(self, event: PointerEvent) -> None:
        """Remove the box under the pointer."""
        held = self._hit(event)
        if held is not None and held.box.id is not None:
            self._remove(held.box.id)

    def remove_selected(self) -> None:
        """Remove the box that is selected."""
        known = {box.id for box, _ in boxes.boxes_in_view(self._hand.session)}
        if self.selected is not None and self.selected in known:
            self._remove(self.selected)

    def select(self, box: int | None) -> None:
        """Select a box."""
        self.selected = box
        self._hand.area.select_boxes(frozenset() if box is None else frozenset({box}))

    def _select_none(self, *_: object) -> None:
        """Select nothing where the number means another box, or none: another tomogram or project is in view."""
        self.select(None)

    def _remove(self, box: int) -> None:
        if self._hand.attempt(lambda: boxes.remove(self._hand.session, [box])):
            self.select(None)

    def _hit(self, event: PointerEvent) -> _Held | None:
        """Return the box under the pointer, of several the one whose centre is nearest; the chosen feature's first."""
        session = self._hand.session
        if not session.has_project or session.tomogram is None or not session.view.boxes_on:
            return None
        sizes = {feature.id: feature.box_size for feature in session.project.features}
        reach = GRAB / self._hand.pane(event).camera.scale
        found = []
        for box, feature in boxes.boxes_in_view(session):
            size = box.size or sizes[feature]
            away = [at - centre for at, centre in zip(event.position_zyx, box.centre_zyx, strict=True)]
            edges = _edges(away, size, event.axis, reach)
            if edges is not None:
                far = sum(value * value for value in away)
                found.append(((feature != session.view.feature, far), _Held(box, size, event.position_zyx, edges)))
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def _changed(self, held: _Held, event: PointerEvent) -> tuple[ZYX, int]:
        """Return centre and size of the held box for this place of the pointer."""
        z, y, x = held.box.centre_zyx
        dz, dy, dx = (round(now - was) for now, was in zip(event.position_zyx, held.start, strict=True))
        if held.edges == (0, 0):
            return self._inside((z + dz, y + dy, x + dx)), held.size
        across, up = held.edges
        # a box is a square: the edge that moved farther says how large it is, and the edge across stays
        grown = max((dx * across, dy * up), key=abs) if across and up else dx * across + dy * up
        size = max(held.size + grown, boxes.SMALLEST)
        moved = (size - held.size) / 2
        return self._inside((z, y + up * moved, x + across * moved)), size

    def _inside(self, centre: ZYX) -> ZYX:
        entry = self._hand.session.tomogram
        shape = entry.shape if entry is not None else (1, 1, 1)
        z, y, x = (min(max(value, 0.0), n - 1.0) for value, n in zip(centre, shape, strict=True))
        return z, y, x


class WithBoxes:
    """A tool that also places a box at Shift and a click, and removes the one under the pointer at Shift and right.

    Boxes are placed on the Annotate tab alone; elsewhere, and with Control, the tool hears everything.

    Parameters
    ----------
    tool
        What hears everything else.
    box_tool
        What places and removes.
    """

    def __init__(self, tool: Tool, box_tool: BoxTool) -> None:
        self._tool, self._boxes = tool, box_tool
        self._mine = False

    def press(self, event: PointerEvent) -> bool:
        """Place or remove a box, or hand on."""
        clicked = event.shift and not event.control and event.button in ("left", "right")
        self._mine = clicked and self._boxes.is_wanted
        if not self._mine:
            return self._tool.press(event)
        (self._boxes.place if event.button == "left" else self._boxes.remove_at)(event)
        return True

    def drag(self, event: PointerEvent) -> None:  # noqa: D102 - as `Tool`
        if not self._mine:
            self._tool.drag(event)

    def release(self, event: PointerEvent) -> None:  # noqa: D102
        if not self._mine:
            self._tool.release(event)

    def hover(self, event: PointerEvent) -> None:  # noqa: D102
        self._tool.hover(event)

    def cancel(self) -> None:  # noqa: D102
        self._tool.cancel()


def _edges(away: list[float], size: int, axis: str, reach: float) -> tuple[int, int] | None:
    """Return which edges of a box (across, up) are at a distance z, y, x from its centre; ``None`` beside the box."""
    distance = dict(zip("zyx", away, strict=True))
    across, up = ACROSS_UP[axis]
    if axis != "z":  # seen from the side it is a line, which can be moved
        flat = distance["z"]
        other = distance[up if across == "z" else across]
        inside = abs(flat) <= max(reach, ON_SLICE) and abs(other) <= size / 2 + reach
        return (0, 0) if inside and abs(distance[axis]) <= size / 2 else None
    if abs(distance["z"]) > ON_SLICE or max(abs(distance[across]), abs(distance[up])) > size / 2 + reach:
        return None
    near = min(reach, size / 4)  # of a small box the middle stays free to move it
    sides = [
        (value > 0) - (value < 0) if abs(value) >= size / 2 - near else 0 for value in (distance[across], distance[up])
    ]
    return sides[0], sides[1]
