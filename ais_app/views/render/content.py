"""What a scene holds, kept in step with it: surfaces, picks, the slice, the volume.

A change that makes another mesh goes to a thread; one that only looks different is drawn at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.core.errors import AisAppError
from ais_app.core.scene.camera import Camera
from ais_app.core.scene.scene import ClipPlane, Lights, Scene, ScenePicks, SceneSurface
from ais_app.core.scene.surface import SurfaceLevels
from ais_app.core.tomogram import Tomogram
from ais_app.state import particle_classes
from ais_app.state import scene_store as store
from ais_app.views.render.layers import PickLayer, Sender, SurfaceLayer, apply_look
from ais_app.views.render.pick_shapes import ShownPicks, pick_work
from ais_app.views.render.sorting import sort_back_to_front
from ais_app.views.render.volumes import SliceLayer, VolumeLayer, slice_work, volume_work
from ais_app.workers.rendering import NewestOf, Volumes, VolumeSource, surface_work

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles
    from ais_app.views.render.space import Space

LIVE = "\x00live"  # picks that follow sliders; no set can be called so


class Content(QObject):
    """The layers of a space.

    Attributes
    ----------
    surfaces, picks
        Name to layer.
    is_making
        ``is_making(name)``: whether a surface is being made.
    shown_picks
        Name of a set to `ShownPicks`.
    problems
        Name of a surface to what is wrong with it.
    predictions
        Name of a surface to a predicted volume that is in memory only.
    """

    surface_changed = pyqtSignal(str)  # a surface was made, failed, or is being made
    picks_changed = pyqtSignal(str)

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._space = space
        self._parent = space.view.scene
        self.surfaces: dict[str, SurfaceLayer] = {}
        self.picks: dict[str, PickLayer] = {}
        self.shown_picks: dict[str, ShownPicks] = {}
        self.problems: dict[str, str] = {}
        self.predictions: dict[str, Tomogram] = {}
        self.volumes = Volumes()
        self.uploads = Sender(space.canvas, self)
        self.slice, self.volume = SliceLayer(self._parent), VolumeLayer(self._parent)
        self._asked: dict[str, object] = {}
        self._scene = space.scene
        self._orders: tuple[float, ...] = ()
        self._stale = True  # the picks have to be read again
        events = space.workbench.session.events
        for signal in (events.picks, events.opened, events.tomograms, events.document):
            signal.connect(self._read_again, check_nargs=False)
        self._meshes, self._others = NewestOf("surfaces", self), NewestOf("scene", self)
        self.is_making = self._meshes.is_busy
        self._meshes.made.connect(self._take_surface)
        self._meshes.failed.connect(self._surface_failed)
        self._meshes.busy_changed.connect(lambda name, _: self.surface_changed.emit(name))
        self._others.made.connect(self._take_other)
        self._others.failed.connect(self._other_failed)

    @property
    def busy(self) -> bool:
        """Whether something is still to come."""
        return self._meshes.busy or self._others.busy or self.uploads.busy

    def refresh(self, scene: Scene) -> None:
        """Bring everything in step with a scene."""
        self._scene = scene
        for gone in set(self.surfaces) - {surface.name for surface in scene.surfaces}:
            self._meshes.drop(gone)
            self.surfaces.pop(gone).remove()
            self._asked.pop(f"surface:{gone}", None)
            self.problems.pop(gone, None)
        for surface in scene.surfaces:
            self._refresh_surface(surface)
        self._refresh_picks(scene)
        self._refresh_tomogram(scene)
        self._share_triangles()

    def forget(self) -> None:
        """Show nothing of the tomogram before."""
        for name in [*self.surfaces]:
            self._meshes.drop(name)
            self.surfaces.pop(name).remove()
        for name in [*self.picks]:
            self._others.drop(f"picks:{name}")
            self._others.drop(f"selected:{name}")
            self.picks.pop(name).remove()
        for name in ("slice", "volume"):
            self._others.drop(name)
        self._asked.clear()
        self.problems.clear()
        self.predictions.clear()
        self.shown_picks.clear()
        self.slice.shown = None
        self.volume.forget()

    def source_of(self, surface: SceneSurface) -> VolumeSource:
        """Return where the volume of a surface is.

        Raises
        ------
        KeyError
            It was predicted in another session, and is no more.
        """
        if surface.source:
            return VolumeSource(store.resolved(self._space.workbench.session, surface.source), surface.voxel_size)
        return VolumeSource(volume=self.predictions[surface.name])

    def show_live(self, particles: Particles | None, style: ScenePicks) -> None:
        """Show picks that are not in the project; ``None`` for none."""
        if particles is None:
            self._drop_picks(LIVE)
            return
        self.shown_picks[LIVE] = ShownPicks(np.empty(0, dtype=np.int64), particles)
        self._show_picks(LIVE, particles, style)

    def set_selected(self, name: str, rows: np.ndarray, colour: str) -> None:
        """Draw these picks of a set in another colour, a little larger."""
        layer, shown = self.picks.get(name), self.shown_picks.get(name)
        if layer is None or shown is None:
            return
        style = self.style_of(name)
        if not len(rows) or style is None:
            layer.set_selected(None, colour)
            return
        work = pick_work(shown.particles[rows], style, self._scene.first_voxel_zyx, 1.12)
        self._others.request(f"selected:{name}", lambda *_: (work(), colour))

    def style_of(self, name: str) -> ScenePicks | None:
        """Return how a set of picks is drawn."""
        return next((picks for picks in self._scene.picks if picks.name == name), None)

    def set_moving(self, moving: bool) -> None:
        """Draw less while the camera moves."""
        self._share_triangles(moving)
        for layer in self.picks.values():
            layer.set_moving(moving)

    def light(self, camera: Camera, lights: Lights, plane: ClipPlane | None) -> None:
        """Give everything that is lit the light, the eye and the clipping plane; order what can be looked through."""
        sort_back_to_front([*self.surfaces.values(), *self.picks.values()], camera.toward_eye_xyz)
        orders = tuple(node.order for node in self._parent.children)
        if orders != self._orders:
            self._orders = orders
            self._space.canvas.scene.events.children_change()  # vispy draws in the old order until then
        nodes: list[Any] = [layer.node for layer in self.surfaces.values()]
        nodes += [node for layer in self.picks.values() for node in (layer.node, layer.selected)]
        apply_look(nodes, camera, lights, plane)

    def close_down(self) -> None:
        """Stop the threads."""
        self.uploads.stop()
        self._meshes.close()
        self._others.close()

    # surfaces

    def _refresh_surface(self, surface: SceneSurface) -> None:
        name, settings = surface.name, surface.settings
        if name not in self.surfaces:
            self.surfaces[name] = SurfaceLayer(self._parent, self.uploads)
        self.surfaces[name].set_style(settings)
        if not settings.visible:
            return
        try:
            source = self.source_of(surface)
        except KeyError:
            self._surface_failed(name, AisAppError(name, "this prediction was not written to a file", "predict again"))
            return
        key = (source.stamp, settings.level, settings.smoothing, settings.binning)
        if self._asked.get(f"surface:{name}") != key:
            self._asked[f"surface:{name}"] = key
            self.problems.pop(name, None)
            self._meshes.request(name, surface_work(self.volumes, source, settings))
            self._space.stir()

    def _take_surface(self, name: str, levels: SurfaceLevels, _: bool) -> None:
        if name in self.surfaces:
            self.surfaces[name].set_levels(levels)
            self._space.stir()  # while its slider is dragged the coarse level is enough
            self._share_triangles()
            self.light(self._space.camera, self._scene.lights, self._space.clip_plane)
            self._space.canvas.update()
            self.surface_changed.emit(name)

    def _surface_failed(self, name: str, error: Exception) -> None:
        if not isinstance(error, AisAppError):
            raise error
        said = self.problems.get(name)
        self.problems[name] = str(error)
        if said != str(error):
            self._space.workbench.notify(str(error), "error")
        self.surface_changed.emit(name)

    def _share_triangles(self, moving: bool | None = None) -> None:
        moving = self._space.is_moving if moving is None else moving
        seen = [layer for layer in self.surfaces.values() if layer.node.visible]
        for layer in seen:
            layer.set_most(self._space.most_triangles(moving) // len(seen))

    # picks

    def _refresh_picks(self, scene: Scene) -> None:
        session = self._space.workbench.session
        entry = session.tomogram
        sets = {} if entry is None else {each.name: each for each in session.project.picks(entry)}
        known = particle_classes.classes(session.project) if session.has_project else {}
        wanted = {LIVE}
        for style in scene.picks:
            if style.name not in sets or entry is None:
                continue
            if self._stale or style.name not in self.shown_picks:
                picks = session.project.pick_store(sets[style.name]).read()
                colours = particle_classes.colours_of(picks, known, "")
                self.shown_picks[style.name] = ShownPicks(picks.ids, picks.particles(entry), colours)
            for name, part, colour in self.shown_picks[style.name].by_colour(style.name):
                wanted.add(name)
                self._show_picks(name, part, replace(style, colour=colour) if colour else style)
        for gone in set(self.picks) - wanted:
            self._drop_picks(gone)
        self._stale = False

    def _read_again(self, *_: object) -> None:
        self._stale = True

    def _show_picks(self, name: str, particles: Particles, style: ScenePicks) -> None:
        if name not in self.picks:
            self.picks[name] = PickLayer(self._parent, self.uploads)
        self.picks[name].set_style(style.colour, style.opacity, style.visible)
        first = self._scene.first_voxel_zyx
        turned = b"" if particles.rotations is None else particles.rotations.tobytes()
        key = (style.style, style.size, style.template, style.template_level, first,
               hash(particles.positions_zyx.tobytes()), hash(turned))  # fmt: skip
        if self._asked.get(f"picks:{name}") != key:
            self._asked[f"picks:{name}"] = key
            work = pick_work(particles, style, first)
            self._others.request(f"picks:{name}", lambda *_: work())
        else:
            self.picks_changed.emit(name)

    def _drop_picks(self, name: str) -> None:
        self._others.drop(f"picks:{name}")
        self._asked.pop(f"picks:{name}", None)
        self.shown_picks.pop(name, None)
        if name in self.picks:
            self.picks.pop(name).remove()
            self.picks_changed.emit(name)
            self._space.canvas.update()

    # the tomogram itself

    def _refresh_tomogram(self, scene: Scene) -> None:
        session = self._space.workbench.session
        wanted = scene.slices[0] if scene.slices else None
        style = scene.volumes[0] if scene.volumes else None
        plane = self._space.clip_plane
        self.slice.set_style(wanted)
        self.volume.set_style(style, plane)
        seen = [each for each in (wanted, style) if each is not None and each.visible]
        if not seen or session.view.tomogram is None:
            return
        try:
            tomogram = session.volume(session.view.tomogram)
        except AisAppError as error:
            self._other_failed("tomogram", error)
            return
        which = session.view.tomogram, tomogram.voxel_size_zyx, scene.first_voxel_zyx
        if wanted is not None and wanted.visible:
            key = (*which, wanted.axis, wanted.index, wanted.low, wanted.high)
            self._ask("slice", key, slice_work(tomogram, wanted))
        if style is not None and style.visible:
            self._ask("volume", which, volume_work(tomogram, scene.first_voxel_zyx))

    def _ask(self, name: str, key: object, work: Any) -> None:
        if self._asked.get(name) != key:
            self._asked[name] = key
            self._others.request(name, work)

    def _take_other(self, name: str, value: Any, _: bool) -> None:
        kind, _colon, which = name.partition(":")
        if kind == "picks" and which in self.picks:
            self.picks[which].set_meshes(value)
            self.light(self._space.camera, self._scene.lights, self._space.clip_plane)
            self.picks_changed.emit(which)
        elif kind == "selected" and which in self.picks:
            self.picks[which].set_selected(value[0][0], value[1])
        elif kind == "slice":
            self.slice.set_image(value, self._scene)
            self.slice.set_style(self._scene.slices[0] if self._scene.slices else None)
        elif kind == "volume":
            self.volume.set_image(value)
            self.volume.set_style(self._scene.volumes[0] if self._scene.volumes else None, self._space.clip_plane)
        self._space.canvas.update()

    def _other_failed(self, name: str, error: Exception) -> None:
        if not isinstance(error, AisAppError):
            raise error
        if self.problems.get(name) != str(error):
            self.problems[name] = str(error)
            self._space.workbench.notify(str(error), "error")
