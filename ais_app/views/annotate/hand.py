"""What all tools share: on what they paint, the ring around the pointer, strokes on screen before they are saved."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.core.errors import AisAppError
from ais_app.core.tomogram import Region
from ais_app.state.commands import annotate, features
from ais_app.state.commands.annotate import Target
from ais_app.state.planes import as_seen
from ais_app.state.records import Feature
from ais_app.state.session import Session
from ais_app.views.slices.area import SliceArea
from ais_app.views.slices.pane import SlicePane
from ais_app.views.slices.pointer import PointerEvent
from ais_app.views.workbench import Workbench

ERASE, IGNORE = 0, 2
WHITE = "#ffffff"


class Hand(QObject):
    """The hand of one window, in which a tool lies.

    Attributes
    ----------
    session
        Whose project is painted on.
    is_drawing
        An outline or a path is begun and not closed.
    """

    changed = pyqtSignal()  # is_drawing

    def __init__(self, workbench: Workbench, area: SliceArea) -> None:
        super().__init__(area)
        self.workbench, self.area = workbench, area
        self.session: Session = workbench.session
        self.is_drawing = False
        self._last: PointerEvent | None = None
        self._plane: tuple[Hashable, np.ndarray] | None = None
        area.sized.connect(self.resize)
        area.pointed.connect(self._leave)

    # on what

    def target(self) -> Target | None:
        """Return what is painted on; where nothing may be, say why and return ``None``."""
        try:
            return annotate.target(self.session)
        except AisAppError as error:
            self.refuse(error)
            return None

    def refuse(self, error: AisAppError) -> None:
        """Say why nothing can be painted, with the button that helps."""
        feature = self.session.feature
        button, fields = "", {}
        if feature is not None and not self.session.project.read_only:
            if feature.locked:
                button, fields = "Unlock", {"locked": False}
            elif not feature.visible:
                button, fields = "Show", {"visible": True}
        act = (lambda: features.change(self.session, feature.id, **fields)) if button and feature is not None else None
        self.workbench.notify(str(error), "warning", button=button, act=act)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do what may fail in a way a person can put right; say why if so."""
        return self.workbench.attempt(action)

    def label(self, button: str) -> int:
        """Return what a mouse button paints: 0, 1 or 2."""
        return ERASE if button == "right" else IGNORE if self.session.view.ignoring else 1

    def image_plane(self, axis: str) -> np.ndarray:
        """Return what a pane shows without filters, axes in the order z, y, x; read once for each slice."""
        pane, view = self.area.panes[axis], self.session.view
        if pane.image is not None and pane.view.request is not None and not pane.view.request.filters:
            return as_seen(axis, pane.image)
        key = (self.session.project.path, view.tomogram, axis, pane.index, view.slab)
        if self._plane is None or self._plane[0] != key:
            self._plane = key, annotate.image_plane(self.session, axis, pane.index)
        return self._plane[1]

    # on screen

    @property
    def colour(self) -> str:
        """The colour of the chosen feature."""
        feature = self._feature()
        return WHITE if feature is None else feature.colour

    def pane(self, event: PointerEvent) -> SlicePane:
        """Return where the pointer is."""
        return self.area.panes[event.axis]

    def show_ring(self, event: PointerEvent) -> None:
        """Show how large the brush is, around the pointer."""
        self._last = event
        feature, tomogram = self._feature(), self.session.view.tomogram
        if feature is None or tomogram is None:
            self.hide_ring()
            return
        entry = self.area.presenter.overlays.entry(tomogram)
        radius = feature.brush_radius / annotate.radius_per_voxel(entry)
        self.pane(event).show_cursor(event.position_zyx, radius, feature.colour if feature.visible else WHITE)

    def hide_ring(self) -> None:
        """Show no ring."""
        for pane in self.area.panes.values():
            pane.hide_cursor()

    def resize(self, steps: int) -> None:
        """Make the brush larger or smaller."""
        if self.session.has_project and self.session.feature is not None:
            annotate.change_radius(self.session, steps)
            if self._last is not None:
                self.show_ring(self._last)

    def show_patch(self, on: Target, region: Region, labels: np.ndarray) -> None:
        """Show part of a stroke, (dz, dy, dx), in every pane that it meets."""
        if not labels.size:
            return
        for axis, pane in self.area.panes.items():
            along = "zyx".index(axis)
            part, index = region[along], pane.shown_index
            if index is None or not part.start <= index < part.stop or not pane.isVisible():
                continue
            rows, columns = (other for place, other in enumerate(region) if place != along)
            pane.labels.show_patch(on.feature.id, (rows, columns), labels.take(index - part.start, axis=along))
            pane.canvas.update()

    def clear_patch(self, on: Target) -> None:
        """Show again what is in the project."""
        for pane in self.area.panes.values():
            pane.labels.clear_patch(on.feature.id)
            pane.canvas.update()

    def set_drawing(self, drawing: bool) -> None:
        """Note whether an outline is begun."""
        if drawing != self.is_drawing:
            self.is_drawing = drawing
            self.changed.emit()

    def _feature(self) -> Feature | None:
        """Return the chosen feature, from what is kept for drawing: this is asked at every movement."""
        if not self.session.has_project:
            return None
        known = self.area.presenter.overlays.features
        return next((feature for feature in known if feature.id == self.session.view.feature), None)

    def _leave(self, position: object) -> None:
        if position is None:
            self._last = None
