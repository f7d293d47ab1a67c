"""What lies around the data in space: the box of the tomogram, the scale bar, the three axes."""

from __future__ import annotations

import itertools
import math

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QImage, QPainter, QPen
from vispy.scene.node import Node
from vispy.scene.visuals import Line

from ais_app.core.scene.camera import Camera
from ais_app.core.scene.scene import Scene
from ais_app.state.scene_store import box_of
from ais_app.views.render.shading import OVER
from ais_app.views.slices.marks import AXIS_COLOURS, MARGIN, Picture, length_text, nice_length

WISHED = 130.0  # px, about as long as a bar should be
AXES, ARROW = 84, 30  # px
_EDGES = [(a, b) for a, b in itertools.combinations(range(8), 2) if (a ^ b) in (1, 2, 4)]


class BoundingBox:
    """The edges of the tomogram."""

    def __init__(self, parent: Node) -> None:
        self._line = Line(connect="segments", width=1, antialias=False, parent=parent)
        self._line.set_gl_state(depth_test=True, depth_mask=True, cull_face=False, blend=True, blend_func=OVER)
        self._line.order = 5
        self._line.visible = False

    def show(self, scene: Scene) -> None:
        """Show the box of a scene, where it has one and wants it."""
        box = box_of(scene)
        self._line.visible = scene.bounding_box and box is not None
        if box is not None:
            corners = np.array(list(itertools.product(*zip(*box, strict=True))))
            ink = QColor(ink_on(scene.background))
            colour = (ink.redF(), ink.greenF(), ink.blueF(), 0.45)
            self._line.set_data(corners[np.array(_EDGES).ravel()], color=colour)


class Overlays:
    """Scale bar and axes, at fixed places of the picture.

    Attributes
    ----------
    bar_text, bar_length
        What the scale bar says, and how long it is in pixels; empty and 0 where there is none.
    pane
        The size in pixels of the picture that they were put into.
    """

    def __init__(self, parent: Node) -> None:
        self._bar, self._axes = Picture(parent, 100), Picture(parent, 100)
        self.bar_text, self.bar_length = "", 0.0
        self.pane = (0, 0)

    def show(self, scene: Scene, camera: Camera, pane: tuple[int, int], ratio: float) -> None:
        """Show what the scene wants, for a picture of a size in pixels with `ratio` device pixels each."""
        ink = ink_on(scene.background)
        self.bar_text, self.bar_length, self.pane = "", 0.0, pane
        if scene.scale_bar and scene.voxel_size_zyx is not None:
            scale = min(pane) / camera.extent
            length = nice_length(WISHED / scale)
            self.bar_text, self.bar_length = length_text(length), length * scale
            image = _bar_image(self.bar_length, self.bar_text, ink, ratio)
            left = pane[0] - MARGIN - image.width() / ratio
            self._bar.show(image, left, pane[1] - MARGIN - image.height() / ratio, ratio)
        else:
            self._bar.hide()
        if scene.axes:
            self._axes.show(_axes_image(camera, ink, ratio), 6, pane[1] - AXES - 6, ratio)
        else:
            self._axes.hide()


def ink_on(background: str) -> str:
    """Return black or white, whichever is read better on a colour."""
    return "#101214" if QColor(background).lightnessF() > 0.55 else "#f2f4f5"


def _bar_image(length: float, text: str, ink: str, ratio: float) -> QImage:
    width = max(int(math.ceil(length)) + 4, 60)
    image, painter = _canvas(width, 28, ratio)
    painter.fillRect(QRectF(width - length - 2, 22, length, 4), QColor(ink))
    painter.setPen(QColor(ink))
    painter.drawText(QRectF(width - length - 2, 0, max(length, 56), 20), Qt.AlignmentFlag.AlignHCenter, text)
    painter.end()
    return image


def _axes_image(camera: Camera, ink: str, ratio: float) -> QImage:
    image, painter = _canvas(AXES, AXES, ratio)
    middle = QPointF(AXES / 2, AXES / 2)
    ends = []
    for axis, unit in zip("xyz", np.eye(3), strict=True):
        place = QPointF(float(unit @ camera.right_xyz), -float(unit @ camera.up_xyz))
        ends.append((float(unit @ camera.toward_eye_xyz), axis, place))
    for _, axis, place in sorted(ends, key=lambda entry: entry[0]):  # what is nearer is drawn over the others
        painter.setPen(QPen(QColor(AXIS_COLOURS[axis]), 2.5, cap=Qt.PenCapStyle.RoundCap))
        painter.drawLine(QLineF(middle, middle + place * ARROW))
        length = math.hypot(place.x(), place.y())
        beyond = place * (ARROW + 8) if length > 0.25 else QPointF(9, -9)
        where = middle + beyond
        painter.setPen(QColor(ink))
        painter.drawText(QRectF(where.x() - 8, where.y() - 9, 16, 18), Qt.AlignmentFlag.AlignCenter, axis)
    painter.end()
    return image


def _canvas(width: int, height: int, ratio: float) -> tuple[QImage, QPainter]:
    image = QImage(math.ceil(width * ratio), math.ceil(height * ratio), QImage.Format.Format_RGBA8888)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    font = QFont()
    font.setPixelSize(13)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    return image, painter
