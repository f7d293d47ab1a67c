"""What is drawn of a scene: surfaces and picks at several levels of detail, sent to the graphics card in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PyQt6.QtCore import QObject, QTimer
from vispy.scene.node import Node

from ais_app.core.scene.camera import Camera
from ais_app.core.scene.scene import ClipPlane, Lights
from ais_app.core.scene.surface import Detail, SurfaceLevels, SurfaceSettings
from ais_app.views.render.shading import Lit, MeshBuffers
from ais_app.views.render.sorting import nearest_of


class Sender(QObject):
    """Sends buffers to the graphics card, a piece between two events."""

    def __init__(self, canvas: Any, parent: QObject) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._waiting: list[tuple[MeshBuffers, Callable[[], None]]] = []
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._step)

    @property
    def busy(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._waiting)

    def send(self, buffers: MeshBuffers, done: Callable[[], None]) -> None:
        """Send buffers, then call ``done``."""
        if all(known is not buffers for known, _ in self._waiting):
            self._waiting.append((buffers, done))
            self._timer.start()

    def send_now(self, buffers: MeshBuffers) -> None:
        """Send all of a small mesh at once."""
        while not buffers.send(self._canvas):
            pass

    def forget(self, buffers: Sequence[MeshBuffers | None]) -> None:
        """Send these no more."""
        gone = {id(each) for each in buffers}
        self._waiting = [entry for entry in self._waiting if id(entry[0]) not in gone]

    def stop(self) -> None:
        """Send nothing more."""
        self._timer.stop()
        self._waiting.clear()

    def _step(self) -> None:
        if not self._waiting:
            self._timer.stop()
            return
        buffers, done = self._waiting[0]
        if buffers.send(self._canvas):
            self._waiting.pop(0)
            done()


class SurfaceLayer:
    """One surface.

    Attributes
    ----------
    levels
        What it is; ``None`` before it was made.
    shown_faces
        How many triangles are drawn now.
    dust
        Å³; smaller pieces are hidden.
    """

    def __init__(self, parent: Node, sender: Sender) -> None:
        self.node = Lit(parent=parent)
        self.levels: SurfaceLevels | None = None
        self.shown_faces = 0
        self._sender = sender
        self._buffers: list[MeshBuffers | None] = []
        self._most: int | None = None
        self._opacity = 1.0
        self.dust = 0.0

    @property
    def is_clear(self) -> bool:
        """Whether what lies behind it shows through."""
        return self._opacity < 1 and bool(self.node.visible)

    def nearest(self, toward_eye_xyz: np.ndarray) -> float:
        """Return how far toward the eye, (3,) float32, its nearest point lies, Å; by the coarsest level of detail."""
        if self.levels is None:
            return -np.inf
        return nearest_of(self.levels.details[-1].first(self.levels.kept(self.dust))[0], toward_eye_xyz)

    def set_levels(self, levels: SurfaceLevels) -> None:
        """Show another surface: its coarsest level at once, the others when they are there."""
        self._sender.forget(self._buffers)
        self.levels = levels
        self._buffers = [None] * len(levels.details)
        coarsest = levels.details[-1]
        if len(coarsest.faces):
            self._buffers[-1] = buffers = _buffers_of(coarsest)
            self._sender.send_now(buffers)
        self._show()

    def set_style(self, settings: SurfaceSettings) -> None:
        """Take on colour, opacity, dust and whether it is seen."""
        self.node.visible = settings.visible
        self._opacity = settings.opacity
        self.node.set_colour(settings.colour, settings.opacity)
        self.dust = settings.dust
        self._show()

    def set_most(self, most: int | None) -> None:
        """Draw at most so many triangles."""
        if most != self._most:
            self._most = most
            self._show()

    def remove(self) -> None:
        """Take it out of the scene."""
        self._sender.forget(self._buffers)
        self.node.parent = None

    def _show(self) -> None:
        if self.levels is None:
            return
        wanted = self.levels.detail_for(self.dust, self._most)
        place = self._ready(wanted)
        if place is None:
            self.node.set_buffers(None, 0)
            self.shown_faces = 0
            return
        detail, count = self.levels.details[place], self.levels.kept(self.dust)
        self.shown_faces = int(detail.face_ends[count - 1]) if count else 0
        self.node.set_buffers(self._buffers[place], 3 * self.shown_faces)

    def _ready(self, wanted: int) -> int | None:
        """Return the level that can be drawn now; what is wanted is sent for."""
        assert self.levels is not None
        if not len(self.levels.details[wanted].faces):
            return None
        buffers = self._buffers[wanted]
        if buffers is None:
            self._buffers[wanted] = buffers = _buffers_of(self.levels.details[wanted])
        if buffers.ready:
            return wanted
        self._sender.send(buffers, self._show)
        there = [place for place, each in enumerate(self._buffers) if each is not None and each.ready]
        return there[0] if there else None


class PickLayer:
    """One set of picks, the selected ones in another colour; at rest, and coarser while the camera moves."""

    def __init__(self, parent: Node, sender: Sender) -> None:
        self.node, self.selected = Lit(parent=parent), Lit(parent=parent)
        self._sender = sender
        self._buffers: list[MeshBuffers | None] = [None, None]
        self._moving = False
        self._opacity, self._points = 1.0, np.empty((0, 3), dtype=np.float32)
        self.selected.visible = False

    @property
    def is_clear(self) -> bool:
        """Whether what lies behind them shows through."""
        return self._opacity < 1 and bool(self.node.visible)

    def nearest(self, toward_eye_xyz: np.ndarray) -> float:
        """Return how far toward the eye, (3,) float32, their nearest point lies, Å."""
        return nearest_of(self._points, toward_eye_xyz)

    def set_meshes(self, meshes: Sequence[Any]) -> None:
        """Show picks as `instances.Merged`: at rest, and while the camera moves."""
        self._buffers = [self._sent(mesh) for mesh in meshes]
        self._points = meshes[-1].vertices_xyz
        self._show()

    def set_selected(self, mesh: Any | None, colour: str) -> None:
        """Show the selected picks over the others; ``None``: none is."""
        buffers = None if mesh is None else self._sent(mesh)
        self.selected.set_buffers(buffers, 0 if buffers is None else buffers.count)
        self.selected.set_colour(colour, 1.0)
        self.selected.visible = buffers is not None and self.node.visible

    def set_style(self, colour: str, opacity: float, visible: bool) -> None:
        """Take on colour, opacity and whether they are seen."""
        self.node.visible = visible
        self._opacity = opacity
        self.node.set_colour(colour, opacity)

    def set_moving(self, moving: bool) -> None:
        """Draw fewer triangles while the camera moves."""
        if moving != self._moving:
            self._moving = moving
            self._show()

    def remove(self) -> None:
        """Take them out of the scene."""
        self.node.parent = self.selected.parent = None

    def _sent(self, mesh: Any) -> MeshBuffers | None:
        if not len(mesh.faces):
            return None
        buffers = MeshBuffers(mesh.vertices_xyz, mesh.normals_xyz, mesh.faces)
        self._sender.send_now(buffers)
        return buffers

    def _show(self) -> None:
        buffers = self._buffers[-1 if self._moving else 0]
        self.node.set_buffers(buffers, 0 if buffers is None else buffers.count)


def apply_look(nodes: Sequence[Any], camera: Camera, lights: Lights, plane: ClipPlane | None) -> None:
    """Give lit nodes the light, the eye and the clipping plane of a scene."""
    toward_eye: np.ndarray = camera.toward_eye_xyz
    for node in nodes:
        node.set_eye(toward_eye)
        node.set_lights(lights)
        node.set_clip(plane)


def _buffers_of(detail: Detail) -> MeshBuffers:
    return MeshBuffers(detail.vertices_xyz, detail.normals_xyz, detail.faces)
