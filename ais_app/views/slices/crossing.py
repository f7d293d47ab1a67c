"""Brings the voxel where the three planes cross into view, after a person asked to go there from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from ais_app.state.session import Session
from ais_app.views.slices.pane import SlicePane
from ais_app.views.slices.presenter import Presenter


class Crossing:
    """Moves the cameras of panes.

    Parameters
    ----------
    session
        Whose view.
    panes
        Axis to pane.
    presenter
        Says when a pane shows another tomogram, which has a camera of its own.
    """

    def __init__(self, session: Session, panes: Mapping[str, SlicePane], presenter: Presenter) -> None:
        self._session, self._panes = session, panes
        self._waiting: set[str] = set()  # axes of panes that do not show the tomogram in view yet
        presenter.shown.connect(self._reveal)
        for signal in (session.view.events.tomogram, session.events.opened):
            signal.connect(self._waiting.clear, check_nargs=False, max_args=0)

    def reveal(self) -> None:
        """Show the cross, and bring it into view in every pane; where its slice is yet to be read, then."""
        self._session.view.cross = True  # or nothing would say which of many rings is meant
        self._waiting.update({"z"} if self._session.view.planes == "xy" else self._panes)
        for axis in sorted(self._waiting, reverse=True):
            self._reveal(axis)

    def _reveal(self, axis: str) -> None:
        view, pane = self._session.view, self._panes[axis]
        if axis in self._waiting and pane.view.tomogram == view.tomogram:
            self._waiting.discard(axis)
            pane.reveal((view.z, view.y, view.x))
