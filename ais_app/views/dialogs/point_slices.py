"""Points on the three slices through a tomogram: XY, with YZ beside it and XZ below.

Painted plainly on a widget: a dialog has a dozen of them, and a canvas for each would cost more than it shows.
"""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from ais_app.state.backdrop import Backdrop
from ais_app.views.theme import current_theme

MOST_POINTS = 2000  # that are painted; the count in words is of all
NEAR = 0.06  # share of the tomogram's depth from a slice within which points are rings, the others are dots
BORDER = 0.07  # share of the tomogram around it, where points outside are seen
GAP = 4.0  # px between slices
RING = 4.5  # px
POINT = "#F0E442"


class PointSlices(QWidget):
    """Three slices with points on them.

    Parameters
    ----------
    size
        Smallest, px.
    ring
        Radius of a ring, px.
    """

    def __init__(self, size: QSize, ring: float = RING) -> None:
        super().__init__()
        self._least, self._ring = size, ring
        self._backdrop: Backdrop | None = None
        self._images: dict[str, QImage] = {}
        self._shape = (1, 1, 1)
        self.points = np.empty((0, 3))
        self.count_outside = 0
        self.message = ""
        self.setMinimumSize(size)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Points on three slices")
        self.setToolTip("XY, with YZ to the right and XZ below; rings lie near the slice, dots elsewhere, red outside")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the smallest size."""
        return self._least

    def show_backdrop(self, backdrop: Backdrop | None) -> None:
        """Show slices, or none while they are read."""
        self._backdrop, self._images = backdrop, {}
        if backdrop is not None:
            self._shape = backdrop.shape
            for axis, plane in backdrop.planes.items():
                seen = np.ascontiguousarray((plane.T if axis == "x" else plane)[::-1])
                height, width = seen.shape
                self._images[axis] = QImage(
                    seen.tobytes(), width, height, width, QImage.Format.Format_Grayscale8
                ).copy()  # fmt: skip
        self.update()

    def show_points(self, positions: np.ndarray, shape: tuple[int, int, int], message: str = "") -> None:
        """Show points, (n, 3) voxels z y x, of a tomogram; a message instead where there are none."""
        self._shape, self.message = shape, message
        beyond = ((positions < -0.5) | (positions > np.array(shape) - 0.5)).any(axis=1)
        self.count_outside = int(beyond.sum())
        step = max(1, -(-len(positions) // MOST_POINTS))
        self.points = positions[::step]
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Paint slices, then points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        theme = current_theme()
        painter.fillRect(self.rect(), QColor(theme.canvas))
        frames = self._frames()
        for axis, (frame, _) in frames.items():
            if axis in self._images:
                painter.drawImage(frame, self._images[axis])
            painter.setPen(QPen(QColor("#5a6068"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(frame)
        for axis, (frame, room) in frames.items():
            painter.setClipRect(room)
            self._paint_points(painter, axis, frame, room)
        painter.setClipping(False)
        if self.message:
            painter.setPen(QColor("#e6e7e9"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(8, 8, -8, -8), int(flags), self.message)
        painter.end()

    def _frames(self) -> dict[str, tuple[QRectF, QRectF]]:
        """Return for each axis where the slice is, and the room around it where points outside are seen."""
        depth, height, width = (float(size) for size in self._shape)
        around = BORDER * max(depth, height, width)
        across, down = width + depth + 4 * around, height + depth + 4 * around
        scale = min((self.width() - GAP) / across, (self.height() - GAP) / down)
        left = (self.width() - scale * across - GAP) / 2
        top = (self.height() - scale * down - GAP) / 2
        border = scale * around
        frames = {}
        for axis, column, row, w, h in (
            ("z", 0, 0, width, height),
            ("x", 1, 0, depth, height),
            ("y", 0, 1, width, depth),
        ):
            x = left + column * (scale * width + 2 * border + GAP)
            y = top + row * (scale * height + 2 * border + GAP)
            room = QRectF(x, y, scale * w + 2 * border, scale * h + 2 * border)
            frames[axis] = (room.adjusted(border, border, -border, -border), room)
        return frames

    def _paint_points(self, painter: QPainter, axis: str, frame: QRectF, room: QRectF) -> None:
        if not len(self.points):
            return
        along = "zyx".index(axis)
        across, up = {"z": (2, 1), "x": (0, 1), "y": (2, 0)}[axis]
        x = frame.left() + (self.points[:, across] + 0.5) / self._shape[across] * frame.width()
        y = frame.bottom() - (self.points[:, up] + 0.5) / self._shape[up] * frame.height()
        # what is far outside stands at the edge of the room, where it is seen
        x = np.clip(x, room.left() + 2, room.right() - 2)
        y = np.clip(y, room.top() + 2, room.bottom() - 2)
        outside = ((self.points < -0.5) | (self.points > np.array(self._shape) - 0.5)).any(axis=1)
        index = self._backdrop.index_zyx[along] if self._backdrop is not None else self._shape[along] // 2
        near = np.abs(self.points[:, along] - index) <= max(2.0, NEAR * self._shape[along])
        yellow, red = QColor(POINT), QColor("#ff5a4d")
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for chosen, colour, ring in (
            (~near & ~outside, yellow, False),
            (near & ~outside, yellow, True),
            (outside, red, False),
        ):
            dim = QColor(colour)
            dim.setAlpha(255 if ring or colour is red else 130)
            painter.setPen(QPen(dim, 1.4 if ring else 2.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            for px, py in zip(x[chosen].tolist(), y[chosen].tolist(), strict=True):
                if ring:
                    painter.drawEllipse(QPointF(px, py), self._ring, self._ring)
                else:
                    painter.drawPoint(QPointF(px, py))
