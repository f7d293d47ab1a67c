"""The eraser: a brush that erases with either button."""

from __future__ import annotations

from ais_app.views.annotate.brush import BrushTool
from ais_app.views.annotate.hand import ERASE
from ais_app.views.slices.pointer import PointerEvent


class EraserTool(BrushTool):
    """Erases with the left and with the right button."""

    def label(self, event: PointerEvent) -> int:
        """Return the background."""
        return ERASE
