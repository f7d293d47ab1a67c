"""The two tools that belong to the view itself: the cross, and the region that prediction and export keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt

from ais_app.state.commands import tomograms, view
from ais_app.state.session import Session
from ais_app.views.slices.pointer import PointerEvent

if TYPE_CHECKING:
    from ais_app.views.slices.area import SliceArea

GRAB = 9.0  # screen pixels from an edge that still take hold of it


class CrossTool:
    """Moves the crossing of the three planes with the left button."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def press(self, event: PointerEvent) -> bool:  # noqa: D102 - as `Tool`
        if event.button != "left":
            return False
        self.drag(event)
        return True

    def drag(self, event: PointerEvent) -> None:  # noqa: D102
        move_cross(self._session, event.axis, event.position_zyx)

    def release(self, event: PointerEvent) -> None:  # noqa: D102
        self.drag(event)

    def hover(self, event: PointerEvent) -> None:  # noqa: D102
        pass

    def cancel(self) -> None:  # noqa: D102
        pass


def move_cross(session: Session, axis: str, position_zyx: tuple[float, float, float]) -> None:
    """Move the crossing to a position within the plane perpendicular to `axis`, and show the cross."""
    session.view.cross = True
    at = {name: round(value) for name, value in zip("zyx", position_zyx, strict=True) if name != axis}
    tomograms.go_to(session, **at)


class CropTool:
    """Draws, moves and resizes the crop region on XY slices.

    Parameters
    ----------
    area
        Whose panes say how large a screen pixel is.
    """

    def __init__(self, area: SliceArea) -> None:
        self._area, self._session = area, area.workbench.session
        self._held: tuple[str, str] | None = None  # which edge across and up; "" none, "all" moves the whole
        self._start = (0.0, 0.0)
        self._tomogram: int | None = None  # on which the gesture began
        self._before: tuple[int, int, int, int] | None = None  # what Escape goes back to
        self._edges = (0.0, 0.0, 0.0, 0.0)  # y0, y1, x0, x1 that the gesture begins with

    def press(self, event: PointerEvent) -> bool:  # noqa: D102 - as `Tool`
        if event.axis != "z" or event.button != "left" or self._session.tomogram is None:
            return False
        _, y, x = event.position_zyx
        self._before, self._start = self._session.view.crop, (y, x)
        self._tomogram = self._session.view.tomogram
        hit = self._hit(y, x)
        self._held = hit or ("right", "high")
        # outside a new region begins
        self._edges = (y, y, x, x) if hit is None or self._before is None else self._before
        return True

    def drag(self, event: PointerEvent) -> None:  # noqa: D102
        if self._held is not None:
            self._session.view.crop = view.fitted_crop(self._session, self._moved(event))

    def release(self, event: PointerEvent) -> None:  # noqa: D102
        if self._held is not None and event.position_zyx[1:] != self._start:
            view.set_crop(self._session, view.fitted_crop(self._session, self._moved(event)))
        self._held = None

    def hover(self, event: PointerEvent) -> None:
        """Show which edge would be moved."""
        shapes = Qt.CursorShape
        cursors = {
            ("all", "all"): shapes.SizeAllCursor, ("left", ""): shapes.SizeHorCursor,
            ("right", ""): shapes.SizeHorCursor, ("", "low"): shapes.SizeVerCursor, ("", "high"): shapes.SizeVerCursor,
        }  # fmt: skip
        if event.axis == "z":
            hit = self._hit(*event.position_zyx[1:])
            corner = shapes.SizeAllCursor if hit is not None else shapes.CrossCursor
            self._area.panes["z"].native.setCursor(cursors.get(hit or ("?", "?"), corner))

    def cancel(self) -> None:
        """Go back to the region before the gesture."""
        if self._held is not None:
            self._held = None
            if self._tomogram == self._session.view.tomogram:
                self._session.view.crop = self._before
        self._area.panes["z"].native.unsetCursor()

    def _moved(self, event: PointerEvent) -> tuple[float, float, float, float]:
        assert self._held is not None  # within a gesture
        y0, y1, x0, x1 = self._edges
        _, y, x = event.position_zyx
        dy, dx = y - self._start[0], x - self._start[1]
        across, up = self._held
        if across == "all":
            # the whole keeps its size: it stops at the edge of the slice
            _, height, width = self._session.tomogram.shape if self._session.tomogram is not None else (0, 0, 0)
            dy, dx = min(max(dy, -y0), height - y1), min(max(dx, -x0), width - x1)
            return y0 + dy, y1 + dy, x0 + dx, x1 + dx
        x0, x1 = (x0 + dx, x1) if across == "left" else (x0, x1 + dx) if across == "right" else (x0, x1)
        y0, y1 = (y0 + dy, y1) if up == "low" else (y0, y1 + dy) if up == "high" else (y0, y1)
        return y0, y1, x0, x1

    def _hit(self, y: float, x: float) -> tuple[str, str] | None:
        """Return which edges are at a position, or ``("all", "all")`` inside; ``None`` outside."""
        crop = self._session.view.crop
        if crop is None:
            return None
        reach = GRAB / self._area.panes["z"].camera.scale
        y0, y1, x0, x1 = (value - 0.5 for value in crop)
        if not (x0 - reach <= x <= x1 + reach and y0 - reach <= y <= y1 + reach):
            return None
        across = "left" if abs(x - x0) <= reach else "right" if abs(x - x1) <= reach else ""
        up = "low" if abs(y - y0) <= reach else "high" if abs(y - y1) <= reach else ""
        return (across, up) if across or up else ("all", "all")
