"""One pane of the slice view: a plane of the tomogram, what lies over it, and the pointer.

Mouse events are taken from Qt itself: vispy drops moves that follow each other within 10 ms, and a brush needs all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent, QWheelEvent
from PyQt6.QtWidgets import QVBoxLayout, QWidget
from vispy import scene

from ais_app.core.tomogram import ZYX
from ais_app.views.slices.camera import ZOOM_STEP, Camera
from ais_app.views.slices.pointer import PointerEvent, Tool
from ais_app.views.theme import current_theme

# which axis of the tomogram runs to the right, and which upwards, in the plane perpendicular to each
ACROSS_UP = {"z": ("x", "y"), "y": ("x", "z"), "x": ("z", "y")}
NAMES = {"z": "XY", "y": "XZ", "x": "YZ"}
BUTTONS = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.RightButton: "right",
    Qt.MouseButton.MiddleButton: "middle",
}


class SlicePane(QWidget):
    """A canvas that shows one plane.

    Parameters
    ----------
    axis
        The axis its plane is perpendicular to.

    Attributes
    ----------
    scene
        The parent of every visual; positions are voxels (across, up), a voxel's centre at its integer index.
    tool
        What hears the left and right button; ``None`` for none.
    """

    pointed = pyqtSignal(object)  # ZYX under the pointer, or None when it has left
    wheeled = pyqtSignal(int, object)  # steps, Qt modifiers; Ctrl has zoomed already
    moved_camera = pyqtSignal()
    pressed = pyqtSignal(object)  # PointerEvent, before the tool hears it

    def __init__(self, axis: str) -> None:
        super().__init__()
        self.axis = axis
        self.setAccessibleName(f"{NAMES[axis]} slice")
        self.setObjectName(f"pane_{axis}")
        self.canvas = scene.SceneCanvas(keys=None, show=False, bgcolor=current_theme().canvas)
        self._box = self.canvas.central_widget.add_view()
        self._box.camera = scene.PanZoomCamera(aspect=1, interactive=False)
        self.scene = self._box.scene
        self.camera = Camera()
        self.tool: Tool | None = None
        self.index = 0
        self._size = (1, 1)  # voxels across and up
        self._panning: QPointF | None = None
        self._space = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.native)
        self.native.setMouseTracking(True)
        self.native.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.native.installEventFilter(self)

    @property
    def native(self) -> QWidget:
        """The Qt widget that is drawn on."""
        widget: QWidget = self.canvas.native
        return widget

    @property
    def pane_size(self) -> tuple[int, int]:
        """Width and height, in logical pixels."""
        return max(self.native.width(), 1), max(self.native.height(), 1)

    def set_plane_size(self, across: int, up: int) -> None:
        """Say how many voxels the plane has; a new size is fitted into the pane."""
        if (across, up) != self._size:
            self._size = (across, up)
            self.fit()

    def fit(self) -> None:
        """Show the whole plane."""
        self.look(self.camera.fitted(*self._size, self.pane_size))

    def look(self, camera: Camera) -> None:
        """Look at another place."""
        self.camera = camera
        width, height = self.pane_size
        w, h = width / camera.scale, height / camera.scale
        self._box.camera.flip = (False, camera.flipped, False)
        self._box.camera.rect = (camera.across - w / 2, camera.up - h / 2, w, h)
        self.moved_camera.emit()
        self.canvas.update()

    def flip(self, flipped: bool) -> None:
        """Let the vertical axis grow downwards, or upwards."""
        self.look(replace(self.camera, flipped=flipped))

    def zoom(self, steps: float, at: QPointF | None = None) -> None:
        """Zoom in by steps of 15 %, at a point of the pane or at its middle."""
        width, height = self.pane_size
        point = at if at is not None else QPointF(width / 2, height / 2)
        where = self.camera.to_voxel(point.x(), point.y(), self.pane_size)
        self.look(self.camera.zoomed(ZOOM_STEP**steps, where))

    def to_voxel(self, point: QPointF) -> ZYX:
        """Return the voxel indices under a point of the pane."""
        across, up = self.camera.to_voxel(point.x(), point.y(), self.pane_size)
        at = dict(zip(ACROSS_UP[self.axis], (across, up), strict=True))
        at[self.axis] = float(self.index)
        return at["z"], at["y"], at["x"]

    def to_point(self, position_zyx: ZYX) -> QPointF:
        """Return the point of the pane where a voxel is: the inverse of `to_voxel`."""
        at = dict(zip("zyx", position_zyx, strict=True))
        across, up = ACROSS_UP[self.axis]
        return QPointF(*self.camera.to_pixel(at[across], at[up], self.pane_size))

    def apply_theme(self) -> None:
        """Take on the colour behind the data."""
        self.canvas.bgcolor = current_theme().canvas

    def picture(self) -> np.ndarray:
        """Return what the pane shows, (h, w, 4) uint8."""
        picture: np.ndarray = self.canvas.render()
        return picture

    # the pointer

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take mouse events of the canvas."""
        if event is None or watched is not self.native:
            return False
        handlers: dict[QEvent.Type, Callable[[Any], bool]] = {
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseButtonDblClick: self._press,
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonRelease: self._release,
            QEvent.Type.Wheel: self._wheel,
            QEvent.Type.Leave: self._leave,
            QEvent.Type.Resize: self._resize,
        }
        handler = handlers.get(event.type())
        return handler(event) if handler is not None else False

    def hold_space(self, held: bool) -> None:
        """While space is held the left button pans."""
        self._space = held

    def _event(self, event: QMouseEvent, button: str) -> PointerEvent:
        held = event.modifiers()
        double = event.type() == QEvent.Type.MouseButtonDblClick
        return PointerEvent(
            self.axis,
            self.to_voxel(event.position()),
            button,
            shift=bool(held & Qt.KeyboardModifier.ShiftModifier),
            control=bool(held & Qt.KeyboardModifier.ControlModifier),
            alt=bool(held & Qt.KeyboardModifier.AltModifier),
            clicks=2 if double else 1,
        )

    def _press(self, event: QMouseEvent) -> bool:
        self.native.setFocus()
        button = BUTTONS.get(event.button(), "")
        pointed = self._event(event, button)
        if button == "middle" or self._space:
            self._panning = event.position()
            return True
        self.pressed.emit(pointed)
        if self.tool is None or not self.tool.press(pointed):
            self._panning = event.position() if button == "left" else None
        return True

    def _move(self, event: QMouseEvent) -> bool:
        point = event.position()
        if self._panning is not None:
            shift = point - self._panning
            self._panning = point
            self.look(self.camera.moved(shift.x(), shift.y()))
        held = next((name for button, name in BUTTONS.items() if event.buttons() & button), "")
        pointed = self._event(event, held)
        if self._panning is None and self.tool is not None:
            (self.tool.drag if held else self.tool.hover)(pointed)
        self.pointed.emit(pointed.position_zyx)
        return True

    def _release(self, event: QMouseEvent) -> bool:
        if self._panning is not None:
            self._panning = None
        elif self.tool is not None:
            self.tool.release(self._event(event, BUTTONS.get(event.button(), "")))
        return True

    def _wheel(self, event: QWheelEvent) -> bool:
        angle = event.angleDelta()
        steps = (angle.y() or angle.x()) / 120  # Shift or Alt turn the wheel sideways on some systems
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(steps, event.position())
        elif steps:
            self.wheeled.emit(int(steps) or (1 if steps > 0 else -1), event.modifiers())
        return True

    def _leave(self, _: QEvent) -> bool:
        self.pointed.emit(None)
        return False

    def _resize(self, _: QEvent) -> bool:
        self.look(self.camera)
        return False
