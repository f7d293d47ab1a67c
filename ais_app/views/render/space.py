"""The space of the Render tab: a canvas with surfaces, volumes, slices and picks.

    session (scene of the tomogram in view) ─► refresh ─► layers ◄─ surfaces and picks, made on threads
                                                 ▲
    mouse ─► look(camera) ─► coarse levels while it moves ─► at rest: full detail, and the camera is kept

Everything is in Å, x y z, in the frame of the tomogram's header; y is up at first, as on a slice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PyQt6.QtCore import QTimer, pyqtSignal
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QStackedLayout, QWidget
from vispy import scene as vispy_scene

from ais_app.core.errors import AisAppError
from ais_app.core.scene.camera import Camera
from ais_app.core.scene.scene import ClipPlane, Scene
from ais_app.state import scene_store as store
from ais_app.state.commands import render
from ais_app.views.render.canvas import ScalingCanvas
from ais_app.views.render.content import Content
from ais_app.views.render.furniture import BoundingBox, Overlays
from ais_app.views.render.mouse import Mouse
from ais_app.views.render.shading import depth_can_be_cleared, straight
from ais_app.views.theme import current_theme
from ais_app.views.widgets.application import use_vispy
from ais_app.views.widgets.soon import Soon
from ais_app.views.workbench import Workbench

REST_MS = 300  # after the last move of the camera full detail is drawn
MOVING = {True: 60_000, False: 3_000_000}  # triangles while the camera moves: without and with a graphics card
RESTING = {True: 1_200_000, False: 40_000_000}
RENDERER = 0x1F01  # GL_RENDERER
PAPER = "#ffffff"


class Space(QWidget):
    """The canvas in three dimensions.

    Attributes
    ----------
    scene
        What is shown.
    camera
        Where it is seen from now.
    content
        Surfaces, picks, slice and volume.
    """

    clicked = pyqtSignal(object, bool, bool)  # QPointF, Shift, Control
    slice_wheeled = pyqtSignal(int)
    key_pressed = pyqtSignal(object)  # Qt.Key
    refreshed = pyqtSignal()  # the scene is another one
    moved = pyqtSignal()  # the camera

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        use_vispy()
        self.workbench = workbench
        self.scene = Scene(camera=store.START)
        self.camera = self.scene.camera
        self.canvas: Any = ScalingCanvas(keys=None, show=False, bgcolor=current_theme().canvas)
        self.view = self.canvas.central_widget.add_view()
        self.view.camera = vispy_scene.TurntableCamera(fov=0, scale_factor=1000.0, interactive=False)
        self.box, self.overlays = BoundingBox(self.view.scene), Overlays(self.canvas.scene)
        self._said, self._moving, self._turning = "", False, False
        self._software: bool | None = None  # not known before the first picture
        self._projects = 0  # opened so far
        self._in_view: tuple[int, int | None] = (0, None)  # which of them, and the tomogram
        self.content = Content(self)
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(0, 0, 0, 0)
        self._pages.addWidget(self.canvas.native)
        self._pages.addWidget(QWidget())  # the window's welcome shows through while there is nothing
        self.canvas.native.setAccessibleName("Space")
        self.canvas.events.draw.connect(depth_can_be_cleared, position="first")
        self.canvas.events.draw.connect(self._fit_pane, position="first")
        self.mouse = Mouse(self)
        self._rest, self._soon = QTimer(self), Soon(self, self.refresh)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._come_to_rest)
        self._rest.setInterval(REST_MS)
        self._connect()

    def _connect(self) -> None:
        session = self.workbench.session
        looks, events = session.view.events, session.events
        for signal in (looks.tomogram, looks.tab, events.opened, events.tomograms, events.picks, events.features):
            signal.connect(self._list_later, check_nargs=False)
        events.opened.connect(self._opened)
        events.display.connect(self._display)
        self.workbench.exports.changed.connect(self._list_later)
        self.slice_wheeled.connect(lambda steps: self.workbench.attempt(lambda: render.move_slice(session, steps)))

    # what is shown

    @property
    def is_in_front(self) -> bool:
        """Whether the Render tab is in view; nothing is made otherwise."""
        return self.workbench.session.view.tab == "render"

    @property
    def busy(self) -> bool:
        """Whether something is still to come."""
        return self._soon.waits or self.content.busy

    def refresh(self) -> None:
        """Show the scene of the tomogram in view as it is now."""
        if not self.is_in_front:
            return
        session = self.workbench.session
        try:
            self.scene = store.scene_of(session)
        except AisAppError as error:
            self._complain(str(error))
            self.scene = Scene(camera=store.START)
        in_view = (self._projects, session.view.tomogram)
        if in_view != self._in_view:
            self._in_view = in_view
            self._turning = False
            self.content.forget()
        if not self._turning:
            self.camera = self.scene.camera
        self._pages.setCurrentIndex(0 if session.view.tomogram is not None else 1)
        self.canvas.bgcolor = self.scene.background
        self.content.refresh(self.scene)
        self._apply_camera()
        self.refreshed.emit()
        self.canvas.update()

    def _opened(self) -> None:
        """Show nothing of the project before: its tomograms have the same ids."""
        self._projects += 1
        self._turning = False  # nor is the camera kept in the other one

    def _list_later(self, *_: object) -> None:
        """List what is there now, once what is going on has been done."""
        if self.is_in_front and self.workbench.session.has_project:
            try:
                render.refresh(self.workbench.session)
            except AisAppError as error:
                self._complain(str(error))
        self._soon.start()

    def _display(self, name: str) -> None:
        if store.is_scene(self.workbench.session, name):
            self._soon.start()

    def _complain(self, words: str) -> None:
        if words != self._said:  # once, not at every change
            self._said = words
            self.workbench.notify(words, "error")

    # the camera

    @property
    def pane_size(self) -> tuple[int, int]:
        """Width and height in pixels of the screen."""
        return max(self.canvas.native.width(), 1), max(self.canvas.native.height(), 1)

    @property
    def clip_plane(self) -> ClipPlane | None:
        """The plane that hides one side."""
        return next((plane for plane in self.scene.clip_planes if plane.enabled), None)

    @property
    def is_moving(self) -> bool:
        """Whether the camera moves, so that less is drawn."""
        return self._moving

    def look(self, camera: Camera) -> None:
        """Look from elsewhere; full detail comes back when it rests."""
        self.camera = camera
        self._turning = True
        self.stir()
        self._apply_camera()
        self.moved.emit()

    def stir(self) -> None:
        """Draw what moves or changes coarsely, until nothing has happened for a moment."""
        self._set_moving(True)
        self._rest.start()

    def to_pixel(self, positions_xyz: np.ndarray) -> np.ndarray:
        """Return where positions, (n, 3) Å, are on the canvas, (n, 2) pixels."""
        from ais_app.views.render.navigation import to_pixel

        return to_pixel(self.camera, positions_xyz, self.pane_size)

    def resized(self) -> None:
        """Fit the picture into another size of the pane."""
        QTimer.singleShot(0, self._apply_camera)

    def _fit_pane(self, _: object) -> None:
        """Before it is drawn: a tab that comes to the front may be laid out twice, and drawn in between."""
        if self.overlays.pane != self.pane_size:
            self._apply_camera()

    def _apply_camera(
        self, size: tuple[int, int] | None = None, ratio: float | None = None, background: str | None = None
    ) -> None:
        width, height = size or self.pane_size
        eye, camera = self.view.camera, self.camera
        # vispy's field of view is that of the height, ours that of the shorter side
        tangent = np.tan(np.deg2rad(camera.field_of_view / 2)) * max(1.0, height / width)
        eye.fov = 0 if camera.field_of_view <= 0 else float(np.rad2deg(2 * np.arctan(tangent)))
        eye.depth_value = self._depth()
        eye.center, eye.scale_factor = camera.centre_xyz, camera.extent
        eye.azimuth, eye.elevation = camera.azimuth, camera.elevation
        self.content.light(camera, self.scene.lights, self.clip_plane)
        marked = self.scene if background is None else replace(self.scene, background=background)
        self.box.show(marked)
        self.overlays.show(marked, camera, (width, height), ratio or self.canvas.native.devicePixelRatioF())
        self.canvas.update()

    def _depth(self) -> float:
        """Return what vispy calls depth: as little as holds the scene, since some depth buffers have 16 bits only."""
        box = store.box_of(self.scene)
        corners = np.zeros((1, 3)) if box is None else np.array(box)
        radius = 1000 + 1.5 * float(np.abs(corners - self.camera.centre_xyz).max() * np.sqrt(3))
        if self.camera.field_of_view <= 0:
            return radius
        return max(4.0, 1.1 * (self.camera.distance + radius) / self.camera.distance) ** 2

    def _come_to_rest(self) -> None:
        self._set_moving(False)
        session, turned = self.workbench.session, self._turning
        self._turning = False
        if turned and session.tomogram is not None and self.camera != self.scene.camera:
            self.scene = replace(self.scene, camera=self.camera)
            self.workbench.attempt(lambda: render.look(session, self.camera))

    def _set_moving(self, moving: bool) -> None:
        if moving != self._moving:
            self._moving = moving
            self.content.set_moving(moving)
            self.canvas.update()

    def most_triangles(self, moving: bool) -> int:
        """Return how many triangles this machine draws while the camera moves, or at rest."""
        if self._software is None:
            return MOVING[True]
        return (MOVING if moving else RESTING)[self._software]

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Find out what draws, once there is a context."""
        super().showEvent(event)
        if self._software is None:
            self.canvas.events.draw.connect(self._find_renderer, position="last")

    def _find_renderer(self, _: object) -> None:
        from vispy.gloo import gl

        self.canvas.events.draw.disconnect(self._find_renderer)
        name = str(gl.glGetParameter(RENDERER)).lower()
        self._software = any(word in name for word in ("llvmpipe", "softpipe", "software", "swr"))
        self.content.set_moving(self._moving)

    # pictures

    def picture(self, width: int, height: int, transparent: bool = False, camera: Camera | None = None) -> np.ndarray:
        """Return the scene as an image.

        Parameters
        ----------
        width, height
            Pixels.
        transparent
            Without background.
        camera
            Where it is seen from; from here when ``None``.

        Returns
        -------
        ndarray
            (height, width, 4) uint8; colours are not multiplied with alpha.
        """
        kept, self.camera = self.camera, camera or self.camera
        # lettering keeps its share of the picture
        ratio = max(height / self.pane_size[1], 1e-3)
        size = (max(round(width / ratio), 1), max(round(height / ratio), 1))
        background = (0.0, 0.0, 0.0, 0.0) if transparent else None
        try:
            self.content.set_moving(False)
            self.canvas.central_widget.size = size
            # lettering that can be read on paper, where there is no background
            self._apply_camera(size, ratio, PAPER if transparent else None)
            self.canvas.set_current()
            depth_can_be_cleared()
            image = self.canvas.render(region=(0, 0, *size), size=(width, height), bgcolor=background)
        finally:
            self.camera = kept
            self.canvas.central_widget.size = self.canvas.size
            self.content.set_moving(self._moving)
            self._apply_camera()
        return straight(image) if transparent else image

    def close_down(self) -> None:
        """Stop the threads."""
        self._rest.stop()
        self._soon.stop()
        self.content.close_down()
