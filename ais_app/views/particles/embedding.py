"""A map of particles in two dimensions: a lasso around points selects them in the gallery, and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PyQt6.QtCore import QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PyQt6.QtWidgets import QWidget

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.core.display.stamps import disc, ring, stamped
from ais_app.core.particles.lasso import within_outline
from ais_app.views.theme import current_theme

HEIGHT = 220  # px
POINT = 5  # px
MARGIN = 12  # px
MOST = (0.01, 0.99)  # quantiles that most points lie between
OUTSIDE = 0.5  # how far the map reaches beyond them, as a share of what they span
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
        self._ratio = 0.0  # pixels of the screen a point, that they were drawn for

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
        if self._ratio != self.devicePixelRatioF():  # on another screen now
            self._ratio, self._dots, self._rings = self.devicePixelRatioF(), None, None
        if self._dots is None:
            colours = np.array([QColor(colour).getRgb() for colour in FEATURE_COLOURS], dtype=np.uint8)
            self._dots = self._picture(self._pixels(), self._clusters % len(colours), disc, (POINT / 2,), colours)
        if self._rings is None:
            chosen = self._pixels()[self._selected]
            colour = QColor(theme.text)
            colour.setAlpha(255 if len(chosen) <= MOST_CLEAR else 90)  # that the colours of many can be seen through
            of = np.zeros(len(chosen), dtype=np.int64)
            self._rings = self._picture(chosen, of, ring, (POINT / 2 + 2, 1.5), np.array([colour.getRgb()], np.uint8))
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

    def _picture(
        self, places: np.ndarray, kinds: np.ndarray, mark: Callable[..., np.ndarray], sizes: tuple[float, ...],
        colours: np.ndarray,
    ) -> QImage:  # fmt: skip
        """Return a picture of the size of the map with a mark at each place."""
        ratio = self.devicePixelRatioF()
        shape = (round(self.height() * ratio), round(self.width() * ratio))
        drawn = stamped(shape, places * ratio, mark(*(size * ratio for size in sizes)), colours, kinds)
        data = np.ascontiguousarray(drawn)
        form = QImage.Format.Format_RGBA8888_Premultiplied
        image = QImage(data.tobytes(), shape[1], shape[0], 4 * shape[1], form).convertToFormat(
            QImage.Format.Format_ARGB32_Premultiplied  # a copy: the bytes go with this call
        )
        image.setDevicePixelRatio(ratio)
        return image

    def _pixels(self) -> np.ndarray:
        """Return where the points are, (k, 2) x and y, y downwards; each direction fills the map.

        The few that lie far out stand at its edge: they would squeeze all others into one spot.
        """
        if not len(self._places):
            return np.zeros((0, 2))
        most_low, most_high = np.quantile(self._places, MOST, axis=0)
        beyond = OUTSIDE * (most_high - most_low)
        low = np.maximum(self._places.min(axis=0), most_low - beyond)
        span = np.maximum(np.minimum(self._places.max(axis=0), most_high + beyond) - low, 1e-12)
        room = np.array([self.width(), self.height()]) - 2 * MARGIN
        share = np.clip((self._places - low) / span, 0, 1)
        share[:, 1] = 1 - share[:, 1]
        return np.asarray(MARGIN + share * room)

    def _within(self, outline: list[QPointF]) -> np.ndarray:
        """Return which points lie within a closed line."""
        return np.flatnonzero(within_outline(self._pixels(), np.array([(place.x(), place.y()) for place in outline])))

    def _nearest(self, place: QPointF) -> np.ndarray:
        """Return the point that was clicked; none where no point is near."""
        away = np.hypot(*(self._pixels() - [place.x(), place.y()]).T)
        order = np.argsort(away)[:1]
        return order[away[order] <= NEAR]
