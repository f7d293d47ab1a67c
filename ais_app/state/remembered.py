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
Region = tuple[tuple[int, int, int, int] | None, tuple[int, int] | None]  # y0 y1 x0 x1, and slices
REGIONS = "regions"  # display setting: what prediction and export are restricted to, by the id of the tomogram


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
        spans = {"crop": view.crop, "z_range": view.z_range}
        region = {name: list(span) for name, span in spans.items() if span is not None}
        regions = {**project.display(REGIONS, {}), str(self._tomogram): region}
        project.set_display(REGIONS, {known: part for known, part in regions.items() if part} or None)
        position = [view.z, view.y, view.x]
        if position != self._came:  # going through many tomograms must not write something for each
            project.set_display(f"position/{self._tomogram}", position)
            self._came = position

    def region(self, tomogram: int) -> Region:
        """Return the (y0, y1, x0, x1) and the slices that were drawn on a tomogram; ``None`` for all of it."""
        view = self._session.view
        if tomogram == self._tomogram:
            return view.crop, view.z_range
        return _region(self._session.project, tomogram)

    @property
    def has_regions(self) -> bool:
        """Whether something smaller than a whole tomogram is drawn on any of them."""
        view, session = self._session.view, self._session
        here = view.crop is not None or view.z_range is not None
        return here or session.has_project and bool(session.project.display(REGIONS))

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
        view.crop, view.z_range = _region(project, tomogram)
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


def _region(project: Project, tomogram: int) -> Region:
    stored = project.display(REGIONS, {}).get(str(tomogram), {})
    crop, z_range = stored.get("crop"), stored.get("z_range")
    return (tuple(crop) if crop else None), (tuple(z_range) if z_range else None)


def _has(project: Project, tomogram: int) -> bool:
    try:
        project.tomogram(tomogram)
    except ProjectProblem:
        return False
    return True


def _pairs(stored: dict[str, list[float]]) -> dict[str, Limits | None]:
    return {kind: (float(low), float(high)) for kind, (low, high) in stored.items() if kind in ("plain", "filtered")}
