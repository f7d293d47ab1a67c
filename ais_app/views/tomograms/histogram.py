"""The histogram of the slice in view, with the two grey values that become black and white as handles."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QWidget

from ais_app.core.display.contrast import Histogram
from ais_app.state.resolve import Limits
from ais_app.views.theme import current_theme

HEIGHT, RAMP = 84, 8  # px of the widget, and of the grey ramp below the counts
GRAB = 9.0  # px from a handle that still take hold of it
SIDE = 5.0  # px left and right of the range, so that a handle at the end can be seen
LEAST = 1 / 500  # of the range: the handles come no closer


class HistogramView(QWidget):
    """Counts on a logarithmic axis; drag a handle, or between the handles to move both."""

    changed = pyqtSignal(float, float)  # low, high while a person drags
    released = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Histogram of grey values")
        self.setToolTip("How often grey values occur in this slice (logarithmic); drag the ends to set black and white")
        self.histogram: Histogram | None = None
        self.limits: Limits | None = None
        self._invert = False
        self._held: str = ""
        self._start: tuple[float, Limits] = (0.0, (0.0, 1.0))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a low, wide size."""
        return QSize(180, HEIGHT)

    def show_histogram(self, histogram: Histogram | None) -> None:
        """Show other counts."""
        self.histogram = histogram
        self.update()

    def show_limits(self, limits: Limits | None, invert: bool) -> None:
        """Show other limits; does not emit."""
        if (limits, invert) != (self.limits, self._invert):
            self.limits, self._invert = limits, invert
            self.update()

    @property
    def span(self) -> Limits:
        """Grey values at the left and right end: those of the histogram, and the limits with some room."""
        low, high = (0.0, 1.0) if self.histogram is None else (self.histogram.low, self.histogram.high)
        if self._held:
            return self._span_at_start
        if self.limits is not None:
            low, high = min(low, self.limits[0]), max(high, self.limits[1])
        return low, high

    def place(self, value: float) -> float:
        """Return where a grey value is, px from the left."""
        low, high = self.span
        return SIDE + (value - low) / (high - low) * (self.width() - 2 * SIDE)

    def value(self, x: float) -> float:
        """Return the grey value at a place: the inverse of `place`."""
        low, high = self.span
        return low + (x - SIDE) / (self.width() - 2 * SIDE) * (high - low)

    # painting

    def paintEvent(self, _: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Paint counts, what is cut off, the ramp and the handles."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bottom = self.height() - RAMP - 3.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.field))
        painter.drawRoundedRect(QRectF(0, 0, self.width(), bottom), 4, 4)
        if self.histogram is not None:
            dimmed, accent = QColor(theme.dimmed), QColor(theme.text)
            dimmed.setAlpha(90)
            accent.setAlpha(170)
            outline = self._outline(bottom)
            painter.setBrush(dimmed)
            painter.drawPolygon(outline)
            if self.limits is not None:
                left, right = (self.place(value) for value in self.limits)
                painter.save()
                painter.setClipRect(QRectF(left, 0, right - left, bottom))
                painter.setBrush(accent)
                painter.drawPolygon(outline)
                painter.restore()
        if self.limits is not None and self.isEnabled():
            self._paint_ramp(painter)
            for value in self.limits:
                painter.setPen(QPen(QColor(theme.accent), 2))
                painter.drawLine(QPointF(self.place(value), 0), QPointF(self.place(value), bottom))
        painter.end()

    def _outline(self, bottom: float) -> QPolygonF:
        assert self.histogram is not None  # asked when there is one
        counts, edges = self.histogram.log_counts, self.histogram.edges
        tall = max(float(counts.max()), 1.0)
        points = [QPointF(self.place(float(edges[0])), bottom)]
        for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
            y = bottom - (bottom - 4) * float(count) / tall
            points += [QPointF(self.place(float(left)), y), QPointF(self.place(float(right)), y)]
        return QPolygonF([*points, QPointF(self.place(float(edges[-1])), bottom)])

    def _paint_ramp(self, painter: QPainter) -> None:
        assert self.limits is not None  # asked when there are some
        left, right = (self.place(value) for value in self.limits)
        dark, bright = (Qt.GlobalColor.white, Qt.GlobalColor.black) if self._invert else (
            Qt.GlobalColor.black, Qt.GlobalColor.white)  # fmt: skip
        ramp = QLinearGradient(left, 0, max(right, left + 1), 0)
        ramp.setColorAt(0, QColor(dark))
        ramp.setColorAt(1, QColor(bright))
        painter.setPen(QPen(QColor(current_theme().line), 1))
        painter.setBrush(ramp)
        painter.drawRoundedRect(QRectF(0.5, self.height() - RAMP - 0.5, self.width() - 1, RAMP), 2, 2)

    # dragging

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take hold of a handle, or of both."""
        if event is None or self.limits is None or event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        self._span_at_start = self.span
        self._start = (self.value(x), self.limits)
        self._held = self._hit(x)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Move what is held."""
        if event is None or self.limits is None:
            return
        x = event.position().x()
        if not self._held:
            over = self._hit(x)
            shape = Qt.CursorShape.SizeHorCursor if over in ("low", "high") else Qt.CursorShape.OpenHandCursor
            self.setCursor(shape)
            return
        low, high = self._moved(self.value(x) - self._start[0])
        self.limits = (low, high)
        self.update()
        self.changed.emit(low, high)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        if self._held:
            self._held = ""
            self.update()
            self.released.emit()

    def _moved(self, by: float) -> Limits:
        (low, high), (first, last) = self._start[1], self._span_at_start
        least = LEAST * (last - first)
        if self._held == "low":
            return float(np.clip(low + by, first, high - least)), high
        if self._held == "high":
            return low, float(np.clip(high + by, low + least, last))
        by = float(np.clip(by, first - low, last - high))
        return low + by, high + by

    def _hit(self, x: float) -> str:
        assert self.limits is not None  # asked when there are some
        left, right = (self.place(value) for value in self.limits)
        if min(abs(x - left), abs(x - right)) <= GRAB:
            return "low" if abs(x - left) <= abs(x - right) else "high"
        # outside the range the nearer end comes to the pointer's side
        return "low" if x < left else "high" if x > right else "both"
