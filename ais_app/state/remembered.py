"""Where a person was in each tomogram, and how it looked; kept in the project as display settings.

Grey values belong to a tomogram, and to whether filters act: a band-pass filter moves the mean to 0, so the limits for
the plain and for the filtered image are kept apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ais_app.core.errors import ProjectProblem
from ais_app.state.project import Project

if TYPE_CHECKING:
    from ais_app.state.session import Session

Limits = tuple[float, float]


class Remembered:
    """Writes down what is left and brings back what was left, when the tomogram in view changes.

    Parameters
    ----------
    session
        Whose view.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tomogram: int | None = None
        self._came: list[int] = []  # where the person was when the tomogram came into view
        self._limits: dict[str, Limits | None] = {"plain": None, "filtered": None}
        self._kind = "plain"
        view = session.view.events
        view.tomogram.connect(self._change)
        view.filters.connect(self._swap)
        view.filters_on.connect(self._swap)
        session.events.opened.connect(self._open)

    def keep(self) -> None:
        """Write down where the person is, and the filters."""
        session = self._session
        if self._tomogram is None or not session.has_project:
            return
        view, project = session.view, session.project
        self._limits[self._kind] = view.contrast
        project.set_display("filters", [dict(setting) for setting in view.filters] or None)
        if not _has(project, self._tomogram):
            return
        limits = {kind: list(pair) for kind, pair in self._limits.items() if pair is not None}
        project.set_display(f"contrast/{self._tomogram}", limits or None)
        position = [view.z, view.y, view.x]
        if position != self._came:  # going through many tomograms must not write something for each
            project.set_display(f"position/{self._tomogram}", position)
            self._came = position

    def _open(self) -> None:
        if self._session.has_project:
            stored = self._session.project.display("filters", [])
            self._session.view.filters = tuple(dict(setting) for setting in stored)

    def _change(self, tomogram: int | None) -> None:
        if tomogram == self._tomogram:
            return
        self.keep()
        self._tomogram = tomogram
        if tomogram is None or not self._session.has_project:
            return
        view, project = self._session.view, self._session.project
        shape = project.tomogram(tomogram).shape
        stored = project.display(f"position/{tomogram}", [length // 2 for length in shape])
        for name, value, length in zip("zyx", stored, shape, strict=True):
            setattr(view, name, min(max(int(value), 0), length - 1))
        self._came = [view.z, view.y, view.x]
        if view.contrast_locked:
            self._limits[self._kind] = view.contrast
        else:
            self._limits = {"plain": None, "filtered": None, **_pairs(project.display(f"contrast/{tomogram}", {}))}
            view.contrast = self._limits[self._kind]

    def _swap(self, *_: Any) -> None:
        """Bring the limits for filtered images when filters begin to act, and those for plain ones when they end."""
        view = self._session.view
        acting = view.filters_on and any(setting.get("enabled", True) for setting in view.filters)
        kind = "filtered" if acting else "plain"
        if kind != self._kind:
            self._limits[self._kind] = view.contrast
            self._kind = kind
            view.contrast = self._limits[kind]


def _has(project: Project, tomogram: int) -> bool:
    try:
        project.tomogram(tomogram)
    except ProjectProblem:
        return False
    return True


def _pairs(stored: dict[str, list[float]]) -> dict[str, Limits | None]:
    return {kind: (float(low), float(high)) for kind, (low, high) in stored.items() if kind in ("plain", "filtered")}
