"""What the tests of overlays share: two colours, labels painted through the project, the name of a colour on screen."""

from __future__ import annotations

import numpy as np
from slice_view import colour_at

from ais_app.core.annotation.labels import Edit

RED, BLUE = "#FF0000", "#0000FF"


def paint(project, feature, start, shape, value=1, planes=()):
    """Paint a block through the project, as a tool does in the end."""
    store = project.labels(1, feature)
    region = tuple(slice(low, low + n) for low, n in zip(start, shape, strict=True))
    before = store.read(region)
    store.apply(Edit(start, before, np.full(shape, value, np.uint8), tuple(planes)))


def seen(pane, *position_zyx):
    """Name the colour of a voxel."""
    names = {(255, 0, 0): "red", (0, 0, 255): "blue", (0, 0, 0): "black"}
    return names.get(colour_at(pane, *position_zyx), "other")
