"""The brush: paints a disk or a ball along the path of the pointer, seen at once and saved when it ends."""

from __future__ import annotations

from typing import Any

from ais_app.core.annotation.stroke import Stroke
from ais_app.core.errors import AisAppError
from ais_app.core.tomogram import ZYX
from ais_app.state.commands import annotate
from ais_app.state.commands.annotate import Target
from ais_app.views.annotate.hand import Hand
from ais_app.views.slices.pointer import PointerEvent


class BrushTool:
    """Left paints, right erases; one step of undo for each stroke.

    Parameters
    ----------
    hand
        What tools share.
    """

    command = "paint"

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._on: Target | None = None
        self._stroke: Stroke | None = None
        self._points: list[ZYX] = []
        self._shape = "disk"

    def press(self, event: PointerEvent) -> bool:
        """Begin a stroke."""
        if event.button not in ("left", "right") or event.control:
            return False
        self.cancel()
        on = self._hand.target()
        if on is not None and self._hand.attempt(lambda: self._begin(on, event)):
            self._go_on(event)
        return True

    def drag(self, event: PointerEvent) -> None:
        """Go on to here."""
        if self._stroke is not None:
            self._go_on(event)

    def release(self, event: PointerEvent) -> None:
        """Save the stroke."""
        if self._stroke is None:
            return
        if event.position_zyx != self._points[-1]:
            self._go_on(event)
        stroke, on, points = self._stroke, self._on, self._points
        self._stroke, self._on = None, None
        if stroke is None or on is None:
            return
        edit = stroke.edit()
        line = annotate.call(self.command, points, **self.options(stroke))
        saved = self._hand.attempt(lambda: annotate.commit(self._hand.session, on.labels, edit, line))
        if not (saved and edit.changed.any()):
            self._hand.clear_patch(on)

    def hover(self, event: PointerEvent) -> None:
        """Show how large the brush is."""
        self._hand.show_ring(event)

    def cancel(self) -> None:
        """Give the stroke up."""
        if self._stroke is not None and self._on is not None:
            self._hand.clear_patch(self._on)
        self._stroke, self._on = None, None

    def label(self, event: PointerEvent) -> int:
        """Return what the button that was pressed paints."""
        return self._hand.label(event.button)

    def make_stroke(self, on: Target, event: PointerEvent) -> Stroke:
        """Return the stroke that begins here."""
        label = self.label(event)
        self._shape = "ball" if self._hand.session.view.brush_3d else "disk"
        return Stroke(
            on.labels, on.radius, shape=self._shape, label=label, axis=event.axis,
            voxel_size_zyx=on.voxel_size_zyx, allowed=annotate.allowed(self._hand.session, on, label),
        )  # fmt: skip

    def options(self, stroke: Stroke) -> dict[str, Any]:
        """Return what the command is called with besides the path."""
        return {"axis": stroke.axis, "label": stroke.label, "shape": self._shape}

    def _begin(self, on: Target, event: PointerEvent) -> None:
        self._stroke = self.make_stroke(on, event)
        self._on, self._points = on, []

    def _go_on(self, event: PointerEvent) -> None:
        assert self._stroke is not None and self._on is not None  # within a stroke
        try:
            region, labels = self._stroke.to(event.position_zyx)
        except AisAppError as error:
            self.cancel()
            self._hand.refuse(error)
            return
        self._points.append(event.position_zyx)
        self._hand.show_patch(self._on, region, labels)
        self._hand.show_ring(event)
