"""A smooth space curve that is asked by arc length."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import BSpline


@dataclass(frozen=True)
class Curve:
    """A spline with arc length as its parameter; an open one goes on straight beyond its ends.

    Parameters
    ----------
    spline
        Maps its own parameter to (3,) positions z y x, Å.
    start, stop
        Range of that parameter.
    closed
        Whether the end meets the start.
    """

    spline: BSpline
    start: float
    stop: float
    closed: bool = False

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """Spline parameter and arc length side by side, fine enough for linear interpolation."""
        count = max(200, 8 * len(self.spline.t), int(4 * abs(self.stop - self.start) ** 0.75))
        parameter = np.linspace(self.start, self.stop, count)
        # the midpoint rule: one evaluation per step and no overshoot at the ends
        middle = (parameter[:-1] + parameter[1:]) / 2
        steps = np.linalg.norm(self.spline(middle, 1), axis=1) * np.diff(parameter)
        return parameter, np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def length(self) -> float:
        """Arc length, Å."""
        return float(self._table[1][-1])

    def _parameter(self, arc: np.ndarray) -> np.ndarray:
        parameter, lengths = self._table
        inside = np.mod(arc, self.length) if self.closed else np.clip(arc, 0.0, self.length)
        return np.interp(inside, lengths, parameter)

    def points(self, arc: np.ndarray) -> np.ndarray:
        """Return (n, 3) positions z y x, Å, at the arc lengths `arc`, (n,) Å."""
        arc = np.asarray(arc, dtype=float)
        points = self.spline(self._parameter(arc))
        if self.closed:
            return points
        beyond = arc - np.clip(arc, 0.0, self.length)
        return points + beyond[:, None] * self.tangents(arc)

    def tangents(self, arc: np.ndarray) -> np.ndarray:
        """Return (n, 3) unit tangents z y x; all point from the start to the end."""
        slopes = self.spline(self._parameter(np.asarray(arc, dtype=float)), 1)
        return slopes / np.maximum(np.linalg.norm(slopes, axis=1, keepdims=True), 1e-12)

    def curvature(self, arc: np.ndarray) -> np.ndarray:
        """Return (n,) curvatures, 1/Å."""
        parameter = self._parameter(np.asarray(arc, dtype=float))
        first = self.spline(parameter, 1)
        if self.spline.k < 2:
            return np.zeros(len(first))
        across = np.cross(first, self.spline(parameter, 2))
        return np.linalg.norm(across, axis=1) / np.maximum(np.linalg.norm(first, axis=1), 1e-12) ** 3

    def steps(self, step: float) -> np.ndarray:
        """Return arc lengths from 0 to the length, about `step` Å apart, both ends included (once if closed)."""
        count = max(1, round(self.length / step))
        return np.linspace(0.0, self.length, count + 1)[: count if self.closed else None]
