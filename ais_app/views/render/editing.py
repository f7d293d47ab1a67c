"""Picks in the hand: which set is edited, which of its picks are selected, and what clicks and keys do to them.

click             selects the pick under the pointer; with Ctrl one more; beside them none
Shift and click   adds a pick on the surface, or on the slice, under the pointer
Delete            removes the selected ones; Escape selects none
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, QPointF, Qt, pyqtSignal

from ais_app.state.commands import render
from ais_app.views.render.pick_shapes import ShownPicks

if TYPE_CHECKING:
    from ais_app.views.render.space import Space

SELECTED = "#ffffff"
NEAR = 6.0  # px that a click may be beside a pick


class PickEditor(QObject):
    """Edits one set of picks.

    Attributes
    ----------
    name
        The set that is edited; empty for none.
    selected
        Ids of the selected picks.
    """

    changed = pyqtSignal()  # another set, or another selection

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._space = space
        self.name = ""
        self.selected: frozenset[int] = frozenset()
        space.clicked.connect(self._click)
        space.key_pressed.connect(self._key)
        space.content.picks_changed.connect(self._picks_changed)
        session = space.workbench.session
        session.view.events.tomogram.connect(self._let_go, check_nargs=False)
        session.events.opened.connect(self._lay_down)

    def edit(self, name: str) -> None:
        """Edit a set of picks; an empty name for none."""
        if name != self.name:
            before, self.name = self.name, name
            self.selected = frozenset()
            self._show(before)
            self.changed.emit()

    def select(self, ids: frozenset[int]) -> None:
        """Select these picks of the set."""
        if ids != self.selected:
            self.selected = ids
            self._show(self.name)
            self.changed.emit()

    def remove_selected(self) -> None:
        """Remove the selected picks from the project, as one step of undo."""
        if self.name and self.selected:
            ids = sorted(self.selected)
            self.select(frozenset())
            workbench = self._space.workbench
            workbench.attempt(lambda: render.remove_picks(workbench.session, self.name, ids))

    def _let_go(self, *_: object) -> None:
        """Select nothing: the picks of another tomogram have the same ids."""
        self.select(frozenset())

    def _lay_down(self) -> None:
        self.edit("")

    def _key(self, key: Any) -> None:
        if key == Qt.Key.Key_Home:
            session = self._space.workbench.session
            self._space.workbench.attempt(lambda: render.look_at_everything(session))
        elif key == Qt.Key.Key_Escape:
            self.select(frozenset())
        else:
            self.remove_selected()

    def _click(self, point: QPointF, shift: bool, control: bool) -> None:
        shown = self._space.content.shown_picks.get(self.name)
        if not self.name or shown is None:
            return
        origin, direction = self._space.camera.ray(point.x(), point.y(), *self._space.pane_size)
        if shift:
            self._add(origin, direction)
            return
        row = self._under(shown, origin, direction)
        if row is None:
            self.select(self.selected if control else frozenset())
            return
        id = int(shown.ids[row])
        self.select(self.selected ^ {id} if control else frozenset({id}))

    def _under(self, shown: ShownPicks, origin: np.ndarray, direction: np.ndarray) -> int | None:
        from ais_app.core.scene.instances import instances
        from ais_app.core.scene.pick_editing import nearest_to_ray

        style = self._space.content.style_of(self.name)
        if style is None or not style.visible:
            return None
        camera, size = self._space.camera, self._space.pane_size
        pixel = camera.extent / min(size)  # Å
        widening = 0.0
        if camera.field_of_view > 0:
            widening, pixel = NEAR * pixel / camera.distance, 0.0
        positions = instances(shown.particles, self._space.scene.first_voxel_zyx).positions_xyz
        return nearest_to_ray(
            positions, origin, direction, radius=style.size / 2, tolerance=NEAR * pixel, widening=widening
        )

    def _add(self, origin: np.ndarray, direction: np.ndarray) -> None:
        place = self.place_under(origin, direction)
        workbench = self._space.workbench
        if place is None:
            workbench.notify("There is no surface and no slice under the pointer to place a pick on", "warning")
            return
        z, y, x = place[::-1] - np.array(self._space.scene.first_voxel_zyx)
        position = (float(z), float(y), float(x))

        def add() -> None:
            self.select(frozenset({render.add_pick(workbench.session, self.name, position)}))

        workbench.attempt(add)

    def place_under(self, origin: np.ndarray, direction: np.ndarray) -> np.ndarray | None:
        """Return where a ray first meets a surface or the slice, (3,) x y z in Å; ``None`` where it does not."""
        from ais_app.core.scene.pick_editing import ray_meets_surface

        places = []
        for layer in self._space.content.surfaces.values():
            if layer.levels is not None and layer.node.visible:
                vertices, _, faces = layer.levels.shown(layer.dust)
                hit = ray_meets_surface(origin, direction, vertices, faces)
                places.append(None if hit is None else hit.point_xyz)
        places.append(self._on_slice(origin, direction))
        met = [place for place in places if place is not None]
        return min(met, key=lambda place: float(np.linalg.norm(place - origin))) if met else None

    def _on_slice(self, origin: np.ndarray, direction: np.ndarray) -> np.ndarray | None:
        from ais_app.core.scene.pick_editing import ray_meets_plane
        from ais_app.state.scene_store import box_of

        scene = self._space.scene
        box = box_of(scene)
        if not scene.slices or not scene.slices[0].visible or box is None or scene.voxel_size_zyx is None:
            return None
        shown = scene.slices[0]
        along = "xyz".index(shown.axis)
        normal = np.eye(3)[along]
        index, size = shown.index, scene.voxel_size_zyx[::-1][along]
        point = normal * (scene.first_voxel_zyx[::-1][along] + index * size)
        place = ray_meets_plane(origin, direction, point, normal)
        inside = place is not None and bool(((place >= box[0]) & (place <= box[1])).all())
        return place if inside else None

    def _picks_changed(self, name: str) -> None:
        if name == self.name:
            shown = self._space.content.shown_picks.get(name)
            there = frozenset() if shown is None else frozenset(shown.ids.tolist())
            if not self.selected <= there:
                self.select(self.selected & there)
            self._show(name)
            self.changed.emit()

    def _show(self, name: str) -> None:
        shown = self._space.content.shown_picks.get(name)
        if shown is not None:
            chosen = self.selected if name == self.name else frozenset()
            rows = np.flatnonzero(np.isin(shown.ids, list(chosen)))
            self._space.content.set_selected(name, rows, SELECTED)
