"""The flood brush: paints what looks like the place under the pointer, and stops at edges."""

from __future__ import annotations

from typing import Any

from ais_app.core.annotation.flood import FloodStroke
from ais_app.core.annotation.stroke import Stroke
from ais_app.state.commands import annotate
from ais_app.state.commands.annotate import Target
from ais_app.views.annotate.brush import BrushTool
from ais_app.views.slices.pointer import PointerEvent


class FloodTool(BrushTool):
    """A brush within one plane that follows the grey values of the image as it is in the file, without filters."""

    command = "flood"

    def make_stroke(self, on: Target, event: PointerEvent) -> Stroke:
        """Return the stroke that begins here."""
        label, session = self.label(event), self._hand.session
        return FloodStroke(
            on.labels, self._hand.image_plane(event.axis), on.radius, sensitivity=session.view.sensitivity,
            label=label, axis=event.axis, voxel_size_zyx=on.voxel_size_zyx,
            allowed=annotate.allowed(session, on, label),
        )  # fmt: skip

    def options(self, stroke: Stroke) -> dict[str, Any]:
        """Return what the command is called with besides the path."""
        return {"axis": stroke.axis, "label": stroke.label, "sensitivity": self._hand.session.view.sensitivity}
