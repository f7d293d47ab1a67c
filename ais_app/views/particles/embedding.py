"""A map of particles in two dimensions: a lasso around points selects them in the gallery, and back."""

from __future__ import annotations

import numpy as np
import pyqtgraph
from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPolygonF
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.views.theme import current_theme

HEIGHT = 220  # px
POINT = 5  # px
MOST_CLEAR = 200  # rings that are drawn in full
ADD = Qt.KeyboardModifier.ControlModifier


class Embedding(QWidget):
    """Points, coloured by cluster; those selected are ringed."""

    lassoed = pyqtSignal(object, bool)  # rows (k,), whether they come in addition

    def __init__(self) -> None:
        super().__init__()
        self.plot = pyqtgraph.PlotWidget()
        self.plot.setFixedHeight(HEIGHT)
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.hideAxis("left")
        self.plot.hideAxis("bottom")
        self.plot.setAspectLocked(False)
        self.plot.setAccessibleName("Map of the particles")
        self.plot.setToolTip("Each point is a particle; draw around some to select them (Ctrl: in addition)")
        # one item a colour: a brush of its own for each of thousands of points halts the window
        self._points = [pyqtgraph.ScatterPlotItem(size=POINT, pen=None, brush=pyqtgraph.mkBrush(colour), pxMode=True)
                        for colour in FEATURE_COLOURS]  # fmt: skip
        self._chosen = pyqtgraph.ScatterPlotItem(
            size=POINT + 5, pen=None, pxMode=True
        )  # behind them: colours stay seen
        self._line = pyqtgraph.PlotDataItem()
        for item in (*self._points, self._chosen, self._line):
            self.plot.addItem(item)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)
        self._rows, self._places = np.zeros(0, dtype=np.int64), np.zeros((0, 2))
        self._outline: list[tuple[float, float]] = []  # in the view: what it shows stays while one draws
        port = self.plot.viewport()
        assert port is not None  # every view has one
        self._port = port
        port.installEventFilter(self)
        self.apply_theme()

    def show_points(self, embedding: np.ndarray, clusters: np.ndarray) -> None:
        """Show places (n, 2), NaN for none, of clusters (n,)."""
        self._rows = np.flatnonzero(np.isfinite(embedding).all(axis=1))
        self._places = embedding[self._rows]
        colours = clusters[self._rows] % len(self._points)
        for number, item in enumerate(self._points):
            places = self._places[colours == number]
            if len(places) or len(item.data):  # an empty item takes as long as a full one
                item.setData(pos=places)
        self._chosen.clear()
        self.plot.autoRange(padding=0.06)

    def show_selection(self, selected: np.ndarray) -> None:
        """Ring the rows that are selected, (n,) bool."""
        some = selected[self._rows] if len(self._rows) and len(selected) > self._rows.max() else np.zeros(0, dtype=bool)
        places = self._places[some] if len(some) else np.zeros((0, 2))
        ring = QColor(current_theme().text)
        ring.setAlpha(255 if len(places) <= MOST_CLEAR else 90)  # that the colours of many can be seen through
        self._chosen.setData(pos=places, pen=pyqtgraph.mkPen(ring, width=1.5 if len(places) <= MOST_CLEAR else 1))

    def point_of(self, row: int) -> QPointF:
        """Return where the point of a row is, in pixels of the map."""
        x, y = self._places[int(np.flatnonzero(self._rows == row)[0])]
        scene = self.plot.getPlotItem().vb.mapViewToScene(QPointF(x, y))
        return QPointF(self.plot.mapFromScene(scene))

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        theme = current_theme()
        self.plot.setBackground(theme.field)
        self._line.setPen(pyqtgraph.mkPen(theme.accent, width=1.5))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Draw the lasso."""
        if not isinstance(event, QMouseEvent) or watched is not self._port:
            return False
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._outline = [self._in_view(event.position())]
            return True
        if kind == QEvent.Type.MouseMove and self._outline:
            self._outline.append(self._in_view(event.position()))
            self._draw_line()
            return True
        if kind == QEvent.Type.MouseButtonRelease and self._outline:
            self._finish(event)
            return True
        return kind == QEvent.Type.MouseMove

    def _finish(self, event: QMouseEvent) -> None:
        outline, self._outline = np.array([*self._outline, self._in_view(event.position())]), []
        self._line.setData([], [])
        if len(outline) < 3 or np.ptp(outline, axis=0).max() == 0:
            rows = self._nearest(outline[-1])
        else:
            rows = self._rows[self._within(outline)]
        self.lassoed.emit(rows, bool(event.modifiers() & ADD))

    def _within(self, outline: np.ndarray) -> np.ndarray:
        """Return which points lie within a closed line, (n,) bool."""
        low, high = outline.min(axis=0), outline.max(axis=0)
        inside = ((self._places >= low) & (self._places <= high)).all(axis=1)
        line, rule = QPolygonF([QPointF(x, y) for x, y in outline.tolist()]), Qt.FillRule.OddEvenFill
        near = np.flatnonzero(inside)
        inside[near] = [line.containsPoint(QPointF(x, y), rule) for x, y in self._places[near].tolist()]
        return inside

    def _nearest(self, place: np.ndarray) -> np.ndarray:
        """Return the row that was clicked; none where no point is near."""
        if not len(self._rows):
            return self._rows
        (left, right), (low, high) = self.plot.viewRange()
        away = (self._places - place) / (right - left, high - low)
        nearest = int(np.argmin((away**2).sum(axis=1)))
        return self._rows[nearest : nearest + 1] if np.hypot(*away[nearest]) < 0.03 else self._rows[:0]

    def _draw_line(self) -> None:
        outline = np.array([*self._outline, self._outline[0]])
        self._line.setData(outline[:, 0], outline[:, 1])

    def _in_view(self, point: QPointF) -> tuple[float, float]:
        place = self.plot.getPlotItem().vb.mapSceneToView(self.plot.mapToScene(point.toPoint()))
        return place.x(), place.y()
