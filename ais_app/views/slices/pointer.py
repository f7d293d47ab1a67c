"""What a tool hears from the slice view: where the pointer is in the tomogram, which button, which keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ais_app.core.tomogram import ZYX


@dataclass(frozen=True)
class PointerEvent:
    """The pointer over a pane.

    Parameters
    ----------
    axis
        The axis the pane's plane is perpendicular to: ``"z"`` for XY.
    position_zyx
        Voxel indices, fractional within the plane; may lie outside the tomogram.
    button
        ``"left"``, ``"right"``, ``"middle"`` or ``""``.
    shift, control, alt
        Keys that are held.
    clicks
        2 for a double click.
    """

    axis: str
    position_zyx: ZYX
    button: str = ""
    shift: bool = False
    control: bool = False
    alt: bool = False
    clicks: int = 1


class Tool(Protocol):
    """Something in the hand: a brush, a lasso. Events come in the order press, drag …, release."""

    def press(self, event: PointerEvent) -> bool:
        """Begin a gesture; return whether the tool takes it (otherwise the pane may pan)."""

    def drag(self, event: PointerEvent) -> None:
        """Go on with the gesture, the button held."""

    def release(self, event: PointerEvent) -> None:
        """End the gesture."""

    def hover(self, event: PointerEvent) -> None:
        """Follow the pointer while no button is held."""

    def cancel(self) -> None:
        """Give up what was begun (Escape, another tool, another slice)."""
