"""A map of particles in two dimensions: a lasso around points selects them in the gallery, and back."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QBrush, QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PyQt6.QtWidgets import QWidget

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.views.theme import current_theme

HEIGHT = 220  # px
POINT = 5  # px
STAMP = 14  # px, the square that a point with its ring is drawn in
MARGIN = 12  # px
MOST_CLEAR = 200  # rings that are drawn in full
NEAR = 8  # px from a point, to be meant by a click
ADD = Qt.KeyboardModifier.ControlModifier


class Embedding(QWidget):
    """Points, coloured by cluster; those selected are ringed."""

    lassoed = pyqtSignal(object, bool)  # rows (k,), whether they come in addition

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Map of the particles")
        self.setToolTip("Each point is a particle; draw around some to select them (Ctrl: in addition)")
        self._rows, self._places = np.zeros(0, dtype=np.int64), np.zeros((0, 2))
        self._clusters = np.zeros(0, dtype=np.int64)
        self._selected = np.zeros(0, dtype=bool)
        self._outline: list[QPointF] = []
        self._dots: QImage | None = None
        self._rings: QImage | None = None

    def show_points(self, embedding: np.ndarray, clusters: np.ndarray) -> None:
        """Show places (n, 2), NaN for none, of clusters (n,)."""
        self._rows = np.flatnonzero(np.isfinite(embedding).all(axis=1))
        self._places, self._clusters = embedding[self._rows], clusters[self._rows]
        self._selected = np.zeros(len(self._rows), dtype=bool)
        self._forget()

    def show_selection(self, selected: np.ndarray) -> None:
        """Ring the rows that are selected, (n,) bool."""
        is_known = len(self._rows) > 0 and len(selected) > self._rows.max()
        self._selected = selected[self._rows] if is_known else np.zeros(len(self._rows), dtype=bool)
        self._rings = None
        self.update()

    def point_of(self, row: int) -> QPointF:
        """Return where the point of a row is, in pixels of the map."""
        x, y = self._pixels()[int(np.flatnonzero(self._rows == row)[0])]
        return QPointF(x, y)

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        self._forget()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the points over the rings, and the lasso over both."""
        theme = current_theme()
        if self._dots is None:
            stamps = [self._stamp(Qt.PenStyle.NoPen, QColor(colour)) for colour in FEATURE_COLOURS]
            self._dots = self._picture(
                self._pixels(), [stamps[number % len(stamps)] for number in self._clusters.tolist()]
            )
        if self._rings is None:
            chosen = self._pixels()[self._selected]
            colour = QColor(theme.text)
            colour.setAlpha(255 if len(chosen) <= MOST_CLEAR else 90)  # that the colours of many can be seen through
            self._rings = self._picture(chosen, [self._stamp(QPen(colour, 1.5), None)] * len(chosen))
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.field))
        for picture in (self._rings, self._dots):
            painter.drawImage(0, 0, picture)
        if self._outline:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.accent), 1.5))
            painter.drawPolygon(QPolygonF(self._outline))
        painter.end()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw them anew."""
        self._forget()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Begin a lasso."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._outline = [event.position()]

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw it on."""
        if event is not None and self._outline:
            self._outline.append(event.position())
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Select what lies within; a click selects the point that is meant."""
        if event is None or event.button() != Qt.MouseButton.LeftButton or not self._outline:
            return
        outline, self._outline = [*self._outline, event.position()], []
        self.update()
        is_click = max((point - outline[0]).manhattanLength() for point in outline) < 3
        rows = self._rows[self._nearest(outline[-1]) if is_click else self._within(outline)]
        self.lassoed.emit(rows, bool(event.modifiers() & ADD))

    def _forget(self) -> None:
        self._dots = self._rings = None
        self.update()

    def _stamp(self, pen: QPen | Qt.PenStyle, fill: QColor | None) -> QImage:
        """Return the picture of one point: thousands of pictures are drawn quickly, thousands of discs are not."""
        image = self._empty(STAMP, STAMP)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        painter.setBrush(QBrush() if fill is None else QBrush(fill))
        radius = POINT / 2 if fill is not None else POINT / 2 + 2
        painter.drawEllipse(QPointF(STAMP / 2, STAMP / 2), radius, radius)
        painter.end()
        return image

    def _picture(self, pixels: np.ndarray, stamps: list[QImage]) -> QImage:
        """Return a picture of the size of the map with a stamp at each place."""
        picture = self._empty(self.width(), self.height())
        painter = QPainter(picture)
        for (x, y), stamp in zip((pixels - STAMP / 2).tolist(), stamps, strict=True):
            painter.drawImage(QPointF(x, y), stamp)
        painter.end()
        return picture

    def _empty(self, width: int, height: int) -> QImage:
        ratio = self.devicePixelRatioF()
        image = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        image.fill(0)
        return image

    def _pixels(self) -> np.ndarray:
        """Return where the points are, (k, 2) x and y, y downwards; each direction fills the map."""
        if not len(self._places):
            return np.zeros((0, 2))
        low = self._places.min(axis=0)
        span = np.maximum(self._places.max(axis=0) - low, 1e-12)
        room = np.array([self.width(), self.height()]) - 2 * MARGIN
        share = (self._places - low) / span
        share[:, 1] = 1 - share[:, 1]
        return np.asarray(MARGIN + share * room)

    def _within(self, outline: list[QPointF]) -> np.ndarray:
        """Return which points lie within a closed line."""
        line, rule, pixels = QPolygonF(outline), Qt.FillRule.OddEvenFill, self._pixels()
        box = line.boundingRect()
        x, y = pixels.T
        near = np.flatnonzero((x >= box.left()) & (x <= box.right()) & (y >= box.top()) & (y <= box.bottom()))
        inside = [line.containsPoint(QPointF(x, y), rule) for x, y in pixels[near].tolist()]
        return near[np.array(inside, dtype=bool)]

    def _nearest(self, place: QPointF) -> np.ndarray:
        """Return the point that was clicked; none where no point is near."""
        away = np.hypot(*(self._pixels() - [place.x(), place.y()]).T)
        order = np.argsort(away)[:1]
        return order[away[order] <= NEAR]
