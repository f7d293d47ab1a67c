"""Curves of trainings: loss and Dice by epoch, one colour per run, held-out data as whole lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyqtgraph
from PyQt6.QtCore import Qt
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
        self._shown: tuple[Curve, ...] = ()
        self.apply_theme()

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Draw these and no others."""
        self._shown = tuple(curves)
        for chart in (self.loss, self.dice):
            chart.clear()
        for curve in curves:
            self._draw(curve)

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        theme = current_theme()
        for chart in (self.loss, self.dice):
            chart.setBackground(theme.panel)
            for side in ("left", "bottom"):
                chart.getAxis(side).setPen(theme.line)
                chart.getAxis(side).setTextPen(theme.dimmed)
        self.show_curves(self._shown)

    def _draw(self, curve: Curve) -> None:
        faint = pyqtgraph.mkColor(curve.colour)
        faint.setAlpha(70)
        if curve.losses:
            epochs, losses = zip(*_thinned(curve.losses), strict=True)
            self.loss.plot(epochs, losses, pen=pyqtgraph.mkPen(faint, width=1))
        _line(self.loss, curve, "training_loss", Qt.PenStyle.DotLine, "training")
        _line(self.loss, curve, "loss", Qt.PenStyle.SolidLine, "held out")
        _line(self.dice, curve, "dice", Qt.PenStyle.SolidLine, "")


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


def _line(chart: pyqtgraph.PlotWidget, curve: Curve, name: str, style: Qt.PenStyle, words: str) -> None:
    """Draw one number over the epochs, with its newest value at the end of the line."""
    points = [(entry["epoch"], entry[name]) for entry in curve.history if entry.get(name) is not None]
    if not points:
        return
    epochs, values = zip(*points, strict=True)
    chart.plot(epochs, values, pen=pyqtgraph.mkPen(curve.colour, width=2, style=style))
    text = f"{values[-1]:.3f}" + (f" {words}" if words else "")
    # the two losses lie close together: one number above its line, the other below
    label = pyqtgraph.TextItem(text, color=curve.colour, anchor=(1, 0.0 if words == "held out" else 1.1))
    label.setPos(epochs[-1], values[-1])
    chart.addItem(label, ignoreBounds=True)


def _thinned(points: Sequence[tuple[float, float]], most: int = 1500) -> Sequence[tuple[float, float]]:
    """Return at most so many points: more than pixels help nobody."""
    return points[:: max(1, len(points) // most)]
