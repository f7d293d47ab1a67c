"""What can be looked through is drawn from back to front, for it covers what was drawn before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

OPAQUE_ORDER, CLEAR_ORDER = 0.0, 10.0  # what is opaque is drawn first; a clear slice comes at 11


class Layer(Protocol):
    """A surface, or a set of picks."""

    node: Any

    @property
    def is_clear(self) -> bool:
        """Whether what lies behind it shows through."""

    def nearest(self, toward_eye_xyz: np.ndarray) -> float:
        """Return how far toward the eye, (3,) float32, its nearest point lies, Å; ``-inf`` of nothing."""


def sort_back_to_front(layers: Sequence[Layer], toward_eye_xyz: np.ndarray) -> None:
    """Give the nodes of layers the order in which they are to be drawn.

    Clear surfaces show their front sides alone, so what counts is the point that is nearest to the eye: a membrane
    comes after the ribosomes that it encloses, from whichever side they are seen.
    """
    clear = [layer for layer in layers if layer.is_clear]
    if len(clear) > 1:
        toward_eye = toward_eye_xyz.astype(np.float32)
        clear.sort(key=lambda layer: layer.nearest(toward_eye))
    places = {id(layer): CLEAR_ORDER + place / len(clear) for place, layer in enumerate(clear)}
    for layer in layers:
        order = places.get(id(layer), OPAQUE_ORDER)
        if layer.node.order != order:  # setting it asks for another picture
            layer.node.order = order


def nearest_of(vertices_xyz: np.ndarray, toward_eye_xyz: np.ndarray) -> float:
    """Return how far toward the eye the nearest of some points, (n, 3) float32, lies; ``-inf`` of none."""
    return float((vertices_xyz @ toward_eye_xyz).max()) if len(vertices_xyz) else -np.inf
