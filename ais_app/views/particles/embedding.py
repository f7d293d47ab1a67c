"""A map of particles in two dimensions: a lasso around points selects them in the gallery, and back."""

from __future__ import annotations

import numpy as np
import pyqtgraph
from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.views.theme import current_theme

HEIGHT = 220  # px
POINT = 5  # px
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
        for item in (self._chosen, *self._points, self._line):
            self.plot.addItem(item)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)
        self._rows, self._places = np.zeros(0, dtype=np.int64), np.zeros((0, 2))
        self._outline: list[QPointF] = []
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
            item.setData(pos=self._places[colours == number])
        self._chosen.clear()
        self.plot.autoRange(padding=0.06)

    def show_selection(self, selected: np.ndarray) -> None:
        """Ring the rows that are selected, (n,) bool."""
        some = selected[self._rows] if len(self._rows) and len(selected) > self._rows.max() else np.zeros(0, dtype=bool)
        self._chosen.setData(pos=self._places[some] if len(some) else np.zeros((0, 2)))

    def point_of(self, row: int) -> QPointF:
        """Return where the point of a row is, in pixels of the map."""
        x, y = self._places[int(np.flatnonzero(self._rows == row)[0])]
        scene = self.plot.getPlotItem().vb.mapViewToScene(QPointF(x, y))
        return QPointF(self.plot.mapFromScene(scene))

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        theme = current_theme()
        self.plot.setBackground(theme.field)
        self._chosen.setBrush(pyqtgraph.mkBrush(theme.text))
        self._line.setPen(pyqtgraph.mkPen(theme.accent, width=1.5))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Draw the lasso."""
        if not isinstance(event, QMouseEvent) or watched is not self._port:
            return False
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._outline = [event.position()]
            return True
        if kind == QEvent.Type.MouseMove and self._outline:
            self._outline.append(event.position())
            self._draw_line()
            return True
        if kind == QEvent.Type.MouseButtonRelease and self._outline:
            self._finish(event)
            return True
        return kind == QEvent.Type.MouseMove

    def _finish(self, event: QMouseEvent) -> None:
        outline, self._outline = self._in_view([*self._outline, event.position()]), []
        self._line.setData([], [])
        if len(outline) < 3 or np.ptp(outline, axis=0).max() == 0:
            rows = self._nearest(outline[-1])
        else:
            from ais_app.core.scene.pick_editing import within_outline  # pandas, below it, takes a second to import

            rows = self._rows[within_outline(self._places, outline)]
        self.lassoed.emit(rows, bool(event.modifiers() & ADD))

    def _nearest(self, place: np.ndarray) -> np.ndarray:
        """Return the row that was clicked; none where no point is near."""
        if not len(self._rows):
            return self._rows
        (left, right), (low, high) = self.plot.viewRange()
        away = (self._places - place) / (right - left, high - low)
        nearest = int(np.argmin((away**2).sum(axis=1)))
        return self._rows[nearest : nearest + 1] if np.hypot(*away[nearest]) < 0.03 else self._rows[:0]

    def _draw_line(self) -> None:
        outline = self._in_view([*self._outline, self._outline[0]])
        self._line.setData(outline[:, 0], outline[:, 1])

    def _in_view(self, points: list[QPointF]) -> np.ndarray:
        box = self.plot.getPlotItem().vb
        mapped = [box.mapSceneToView(self.plot.mapToScene(point.toPoint())) for point in points]
        return np.array([(point.x(), point.y()) for point in mapped])
