"""Curves of trainings: loss and Dice by epoch, one colour per run, held-out data as whole lines."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyqtgraph
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QPen
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from ais_app.views.theme import current_theme

HEIGHT = 150  # px, of each of the two charts


@dataclass(frozen=True)
class Curve:
    """The history of one run.

    Parameters
    ----------
    name, colour
        At the end of its line.
    history
        One mapping per epoch, as a training gives them.
    losses
        (epoch, loss) of every batch: a faint line behind.
    """

    name: str
    colour: str
    history: Sequence[Mapping[str, Any]]
    losses: Sequence[tuple[float, float]] = ()


class Curves(QWidget):
    """Two charts, one above the other, with the epochs in common."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.loss, self.dice = (_chart(title) for title in ("loss", "Dice, held out"))
        self.dice.setXLink(self.loss)
        self.dice.setYRange(0, 1, padding=0.08)
        self.dice.setLabel("bottom", "epoch")
        for chart in (self.loss, self.dice):
            column.addWidget(chart)
        self._lines = {chart: _Lines(chart) for chart in (self.loss, self.dice)}
        self._shown: tuple[Curve, ...] = ()
        self.apply_theme()

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Draw these and no others."""
        self._shown = tuple(curves)
        for place, curve in enumerate(curves):
            self._draw(place, curve)
        for lines in self._lines.values():
            lines.remove_others()

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        theme = current_theme()
        for chart in (self.loss, self.dice):
            chart.setBackground(theme.panel)
            for side in ("left", "bottom"):
                chart.getAxis(side).setPen(theme.line)
                chart.getAxis(side).setTextPen(theme.dimmed)
        self.show_curves(self._shown)

    def _draw(self, place: int, curve: Curve) -> None:
        loss, dice = self._lines[self.loss], self._lines[self.dice]
        faint = pyqtgraph.mkColor(curve.colour)
        faint.setAlpha(70)
        if curve.losses:
            loss.line((place, "batches"), _thinned(curve.losses), pyqtgraph.mkPen(faint, width=1))
        loss.labelled(place, curve, "training_loss", Qt.PenStyle.DotLine, "training")
        loss.labelled(place, curve, "loss", Qt.PenStyle.SolidLine, "held out")
        dice.labelled(place, curve, "dice", Qt.PenStyle.SolidLine, "")


class _Lines:
    """The lines of one chart. They are kept and given new points: to make them anew for every batch took 25 ms."""

    def __init__(self, chart: pyqtgraph.PlotWidget) -> None:
        self._chart = chart
        self._lines: dict[Hashable, pyqtgraph.PlotDataItem] = {}
        self._labels: dict[Hashable, pyqtgraph.TextItem] = {}
        self._drawn: set[Hashable] = set()

    def line(self, key: Hashable, points: Sequence[tuple[float, float]], pen: QPen) -> None:
        """Draw a line through points (epoch, value)."""
        if key not in self._lines:
            self._lines[key] = self._chart.plot()
        epochs, values = zip(*points, strict=True)
        self._lines[key].setData(epochs, values, pen=pen)
        self._drawn.add(key)

    def labelled(self, place: int, curve: Curve, name: str, style: Qt.PenStyle, words: str) -> None:
        """Draw one number over the epochs, with its newest value at the end of the line."""
        points = [(entry["epoch"], entry[name]) for entry in curve.history if entry.get(name) is not None]
        if not points:
            return
        key = place, name
        self.line(key, points, pyqtgraph.mkPen(curve.colour, width=2, style=style))
        if key not in self._labels:
            # the two losses lie close together: one number above its line; below is room for the others, Dice ends at 1
            self._labels[key] = pyqtgraph.TextItem(anchor=(1, 1.1 if words == "training" else 0.0))
            self._chart.addItem(self._labels[key], ignoreBounds=True)
        label, (epoch, value) = self._labels[key], points[-1]
        label.setText(f"{value:.3f}" + (f" {words}" if words else ""), color=curve.colour)
        label.setPos(epoch, value)

    def remove_others(self) -> None:
        """Remove what was not drawn since this was called last."""
        for items in (self._lines, self._labels):
            for key in set(items) - self._drawn:
                self._chart.removeItem(items.pop(key))
        self._drawn = set()


def _chart(title: str) -> pyqtgraph.PlotWidget:
    chart = pyqtgraph.PlotWidget()
    chart.setFixedHeight(HEIGHT)
    chart.setMenuEnabled(False)
    chart.setMouseEnabled(x=False, y=False)
    chart.hideButtons()
    chart.setAccessibleName(f"Chart of the {title}")
    chart.setLabel("left", title)
    chart.getAxis("left").setWidth(54)
    chart.getAxis("left").enableAutoSIPrefix(False)  # a loss has no unit that could be milli
    chart.getPlotItem().vb.setDefaultPadding(0.15)  # room for the number below the lowest line
    return chart


def _thinned(points: Sequence[tuple[float, float]], most: int = 1500) -> Sequence[tuple[float, float]]:
    """Return at most so many points: more than pixels help nobody."""
    return points[:: max(1, len(points) // most)]
