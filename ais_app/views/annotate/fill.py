"""Fill: a click inside a closed outline that was painted before."""

from __future__ import annotations

from ais_app.state.commands import annotate
from ais_app.views.annotate.hand import ERASE, Hand
from ais_app.views.slices.pointer import PointerEvent


class FillTool:
    """Fills with the left button.

    Parameters
    ----------
    hand
        What tools share.
    """

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def press(self, event: PointerEvent) -> bool:
        """Fill what is around this place."""
        if event.button != "left" or event.control:
            return False
        session, label = self._hand.session, self._hand.label(event.button)
        assert label != ERASE  # the right button erases, and it is not taken
        if self._hand.target() is not None:
            point = [event.position_zyx]
            self._hand.attempt(lambda: annotate.fill_inside(session, point, axis=event.axis, label=label))
        return True

    def drag(self, event: PointerEvent) -> None:  # noqa: D102 - as `Tool`
        pass

    def release(self, event: PointerEvent) -> None:  # noqa: D102
        pass

    def hover(self, event: PointerEvent) -> None:
        """Show no ring: the brush has no part in it."""
        self._hand.hide_ring()

    def cancel(self) -> None:  # noqa: D102
        pass
