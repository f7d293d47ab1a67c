"""Scale bar and axes marker in the corners of a pane, painted by Qt and laid over the scene."""

from __future__ import annotations

import math

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QImage, QPainter, QPainterPath, QPen
from vispy.scene.node import Node
from vispy.visuals.transforms import STTransform

from ais_app.state.resolve import ACROSS_UP
from ais_app.views.slices.quads import ColourQuad

MARGIN = 14  # px from the edge of the pane
WISHED = 110.0  # px, about as long as a bar should be
AXIS_COLOURS = {"x": "#ff7a66", "y": "#7ddc7a", "z": "#6fb1ff"}


def nice_length(most: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above `most`.

    >>> nice_length(730.0), nice_length(99.0), nice_length(2.0)
    (500.0, 50.0, 2.0)
    """
    power = 10.0 ** math.floor(math.log10(most) + 1e-12)
    return max(digit * power for digit in (1.0, 2.0, 5.0) if digit * power <= most * (1 + 1e-12))


def length_text(angstrom: float) -> str:
    """Return a length as people say it.

    >>> length_text(5.0), length_text(500.0), length_text(20000.0)
    ('5 Å', '50 nm', '2 µm')
    """
    for unit, size in (("µm", 1e4), ("nm", 10.0)):
        if angstrom >= size * (1 - 1e-12):
            return f"{angstrom / size:g} {unit}"
    return f"{angstrom:g} Å"


class Picture:
    """A small picture at a place of the pane that does not move with the image."""

    def __init__(self, parent: Node, order: float) -> None:
        self._quad = ColourQuad(parent=parent)
        self._quad.order = order
        self._quad.visible = False

    def show(self, image: QImage, left: float, top: float, ratio: float) -> None:
        """Show an image made for `ratio` device pixels per pixel, with its corner at (left, top)."""
        self._quad.set_plane(_pixels(image))
        # whole device pixels, or nearest-neighbour sampling would repeat some of them
        left, top = round(left * ratio) / ratio, round(top * ratio) / ratio
        shift = 0.5 / ratio
        self._quad.transform = STTransform(scale=(1 / ratio, 1 / ratio, 1), translate=(left + shift, top + shift, 0))
        self._quad.visible = True

    def hide(self) -> None:
        """Take it away."""
        self._quad.visible = False


class ScaleBar:
    """A bar of a round length, at the lower right."""

    def __init__(self, parent: Node, order: float) -> None:
        self._picture = Picture(parent, order)
        self._before: tuple[object, ...] = ()
        self.text, self.length = "", 0.0

    def show(self, voxel_size: float | None, scale: float, pane: tuple[int, int], ratio: float) -> None:
        """Show it for a voxel size in Å (``None``: not known, then the bar counts voxels) and pixels per voxel."""
        if (voxel_size, scale, pane, ratio) == self._before:
            return
        self._before = (voxel_size, scale, pane, ratio)
        unit = voxel_size or 1.0
        length = nice_length(max(WISHED / scale * unit, 1e-3))
        self.length = length / unit * scale
        self.text = length_text(length) if voxel_size is not None else f"{length:g} voxels"
        image = _image(int(self.length) + 60, 34, ratio)
        painter = _painter(image)
        width = image.width() / ratio
        bar = QRectF(width - self.length - 3, 24, self.length, 4)
        painter.setPen(QPen(QColor(0, 0, 0, 160), 2))
        painter.setBrush(QColor("#ffffff"))
        painter.drawRect(bar)
        painter.fillRect(bar, QColor("#ffffff"))
        centre = min(bar.center().x(), width - painter.fontMetrics().horizontalAdvance(self.text) / 2 - 4)
        _text(painter, self.text, QPointF(centre, 12))
        painter.end()
        self._picture.show(image, pane[0] - MARGIN - width + 3, pane[1] - MARGIN - 28, ratio)

    def hide(self) -> None:
        """Take it away."""
        self._before = ()
        self.text = ""
        self._picture.hide()


class AxesMarker:
    """Two arrows at the lower left that say which way the axes run, and a dot for the one towards the viewer."""

    SIZE, ARROW = 62, 32

    def __init__(self, parent: Node, axis: str, order: float) -> None:
        self._axis = axis
        self._picture = Picture(parent, order)
        self._before: tuple[object, ...] = ()

    def show(self, flipped: bool, pane: tuple[int, int], ratio: float) -> None:
        """Show it; `flipped`: the vertical axis runs downwards."""
        if (flipped, pane, ratio) == self._before:
            return
        self._before = (flipped, pane, ratio)
        image = _image(self.SIZE, self.SIZE, ratio)
        painter = _painter(image)
        across, up = ACROSS_UP[self._axis]
        start = QPointF(14, 14 if flipped else self.SIZE - 14)
        down = 1 if flipped else -1
        _arrow(painter, start, QPointF(self.ARROW, 0), across)
        _arrow(painter, start, QPointF(0, down * self.ARROW), up)
        painter.end()
        self._picture.show(image, MARGIN - 6, pane[1] - MARGIN + 6 - self.SIZE, ratio)

    def hide(self) -> None:
        """Take it away."""
        self._before = ()
        self._picture.hide()


def _image(width: int, height: int, ratio: float) -> QImage:
    image = QImage(math.ceil(width * ratio), math.ceil(height * ratio), QImage.Format.Format_RGBA8888)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    return image


def _painter(image: QImage) -> QPainter:
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    font = QFont()
    font.setPixelSize(12)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    return painter


def _text(painter: QPainter, text: str, centre: QPointF, colour: str = "#ffffff") -> None:
    """Write text with a dark rim, so that it can be read on any image."""
    metrics = painter.fontMetrics()
    path = QPainterPath()
    at = QPointF(centre.x() - metrics.horizontalAdvance(text) / 2, centre.y() + metrics.ascent() / 2 - 1)
    path.addText(at, painter.font(), text)
    painter.strokePath(path, QPen(QColor(0, 0, 0, 190), 3))
    painter.fillPath(path, QColor(colour))


def _arrow(painter: QPainter, start: QPointF, along: QPointF, name: str) -> None:
    length = math.hypot(along.x(), along.y())
    unit = QPointF(along.x() / length, along.y() / length)
    side = QPointF(-unit.y(), unit.x())
    tip = start + along
    path = QPainterPath(start)
    path.lineTo(tip)
    path.moveTo(tip - unit * 6 + side * 4)
    path.lineTo(tip)
    path.lineTo(tip - unit * 6 - side * 4)
    painter.strokePath(path, QPen(QColor(0, 0, 0, 190), 4))
    painter.strokePath(path, QPen(QColor(AXIS_COLOURS[name]), 1.6))
    _text(painter, name, tip + unit * 9, AXIS_COLOURS[name])


def _pixels(image: QImage) -> np.ndarray:
    """Return an image as (h, w, 4) uint8, a copy: Qt's memory goes with the image."""
    bits = image.constBits()
    assert bits is not None  # it was just painted
    rows = np.frombuffer(bits.asstring(image.sizeInBytes()), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 4].reshape(image.height(), image.width(), 4).copy()
