"""What networks predict, over the panes. Whoever predicts hands it over; this shows it on the slice it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from vispy.color import Color
from vispy.scene.node import Node

from ais_app.core.errors import ParameterProblem
from ais_app.state.planes import as_seen
from ais_app.views.slices.quads import ColourQuad, ProbabilityQuad

MODES = ("overlay", "contour", "heat")


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one network says about a plane.

    Parameters
    ----------
    plane
        (h, w) float32, 0 to 1, or a picture (h, w, 4) uint8; axes in the order z, y, x without the plane's own.
    colour
        ``#rrggbb``.
    threshold
        Below it nothing is seen; above it the colour fades in.
    opacity
        0 to 1, at probability 1.
    mode
        ``"overlay"``, ``"contour"`` (a line where the threshold is crossed) or ``"heat"``.
    """

    plane: np.ndarray
    colour: str = "#FFFFFF"
    threshold: float = 0.5
    opacity: float = 0.7
    mode: str = "overlay"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ParameterProblem("mode", f"{self.mode!r} is not known", f"choose one of {', '.join(MODES)}")


class PredictionLayer:
    """The predictions of one plane.

    Parameters
    ----------
    parent
        The scene of the pane.
    axis
        The axis its plane is perpendicular to.
    order
        Above what has a lower one.
    """

    def __init__(self, parent: Node, axis: str, order: float) -> None:
        self._parent, self._axis, self._order = parent, axis, order
        self._quads: list[tuple[Node, Node]] = []  # probability, picture
        self._uploaded: dict[Node, np.ndarray] = {}
        self._shown: tuple[Prediction, ...] = ()
        self.index: int | None = None
        self._wanted = True
        self._at: int | None = None

    def set(self, index: int, predictions: Sequence[Prediction]) -> None:
        """Take predictions of the slice `index` in place of those before; a plane that is the same is not uploaded."""
        self.index, self._shown = index, tuple(predictions)
        while len(self._quads) < len(self._shown):
            pair = ProbabilityQuad(parent=self._parent), ColourQuad(parent=self._parent)
            for quad in pair:
                quad.order = self._order + 0.01 * len(self._quads)
            self._quads.append(pair)
        for (probability, picture), prediction in zip(self._quads, self._shown, strict=False):
            quad = probability if prediction.plane.ndim == 2 else picture
            self._fill(quad, prediction)
        self._refresh()

    def clear(self) -> None:
        """Show nothing."""
        self.index, self._shown = None, ()
        self._uploaded.clear()
        self._refresh()

    def follow(self, index: int | None, wanted: bool) -> None:
        """Say which slice is on screen: predictions of another one are hidden, and all if they are not `wanted`."""
        self._at, self._wanted = index, wanted
        self._refresh()

    @property
    def visible(self) -> bool:
        """Whether something can be seen."""
        return any(quad.visible for pair in self._quads for quad in pair)

    def _fill(self, quad: Node, prediction: Prediction) -> None:
        if self._uploaded.get(quad) is not prediction.plane:
            dtype = np.float32 if prediction.plane.ndim == 2 else np.uint8
            plane = np.asarray(prediction.plane, dtype)
            quad.set_plane(as_seen(self._axis, plane) if plane.ndim == 2 else _picture(self._axis, plane))
            self._uploaded[quad] = prediction.plane
        quad.set_number("u_opacity", float(prediction.opacity))
        if prediction.plane.ndim == 2:
            quad.set_number("u_colour", Color(prediction.colour).rgb)
            quad.set_number("u_threshold", float(prediction.threshold))
            quad.set_number("u_mode", float(MODES.index(prediction.mode)))
            quad.interpolate(prediction.mode == "contour")

    def _refresh(self) -> None:
        on = self._wanted and self.index is not None and self.index == self._at
        for place, (probability, picture) in enumerate(self._quads):
            kind = self._shown[place].plane.ndim if on and place < len(self._shown) else 0
            probability.visible, picture.visible = kind == 2, kind == 3


class PredictionPane(Protocol):
    """A pane that shows predictions."""

    def show_predictions(self, index: int, predictions: Sequence[Prediction]) -> None: ...  # noqa: D102
    def clear_predictions(self) -> None: ...  # noqa: D102


class Predictions:
    """Where whoever predicts hands over what is to be seen.

    Parameters
    ----------
    panes
        Axis to pane.
    """

    def __init__(self, panes: Mapping[str, PredictionPane]) -> None:
        self._panes = panes

    def show(self, axis: str, index: int, predictions: Sequence[Prediction]) -> None:
        """Show predictions over slice `index` of a pane, as soon as and as long as that slice is shown."""
        self._panes[axis].show_predictions(index, predictions)

    def clear(self) -> None:
        """Show none."""
        for pane in self._panes.values():
            pane.clear_predictions()


def _picture(axis: str, plane: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(plane.transpose(1, 0, 2)) if axis == "x" else plane
