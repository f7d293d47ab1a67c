"""Thin lines over a pane: frames, crosses, rings, paths. Positions are voxels (across, up)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from vispy import scene
from vispy.color import Color
from vispy.scene.node import Node
from vispy.visuals.transforms import STTransform

CIRCLE = 48  # corners of a ring


class Segments:
    """Separate line segments that are drawn in one go.

    Parameters
    ----------
    parent
        Node of the scene.
    order
        Above what has a lower one.
    width
        Screen pixels.
    """

    def __init__(self, parent: Node, order: float, width: float = 1.0) -> None:
        self._line = scene.Line(pos=np.zeros((2, 2), np.float32), connect="segments", method="gl", width=width)
        self._line.set_gl_state("translucent", depth_test=False)
        self._line.order = order
        self._line.visible = False
        self._line.parent = parent
        self.count = 0

    def set(self, points: np.ndarray, colours: np.ndarray | tuple[float, ...]) -> None:
        """Draw pairs of points, (2n, 2), in one colour (4,) or one for each point (2n, 4)."""
        self.count = len(points) // 2
        self._line.visible = self.count > 0
        if self.count:
            self._line.set_data(pos=np.asarray(points, np.float32), color=np.asarray(colours, np.float32))

    def clear(self) -> None:
        """Draw nothing."""
        self.count = 0
        self._line.visible = False

    def move(self, across: float, up: float, scales: tuple[float, float]) -> None:
        """Draw the points that were set elsewhere and larger, without a new upload."""
        self._line.transform = STTransform(scale=(*scales, 1.0), translate=(across, up, 0.0))


def frames(centres: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Return the segments of rectangles, (8n, 2), around centres (n, 2)."""
    half = np.stack([np.asarray(widths, float), np.asarray(heights, float)], axis=1) / 2
    corners = np.array([[-1, -1], [1, -1], [1, -1], [1, 1], [1, 1], [-1, 1], [-1, 1], [-1, -1]], dtype=float)
    return (np.asarray(centres, float)[:, None] + corners[None] * half[:, None]).reshape(-1, 2)


def rings(centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return the segments of ellipses, (2 · CIRCLE · n, 2), around centres (n, 2) with radii (n, 2)."""
    angles = np.linspace(0, 2 * np.pi, CIRCLE + 1)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    pairs = np.stack([around[:-1], around[1:]], axis=1).reshape(-1, 2)
    return (np.asarray(centres, float)[:, None] + pairs[None] * np.asarray(radii, float)[:, None]).reshape(-1, 2)


def dashed(corners: np.ndarray, dash: float) -> np.ndarray:
    """Return the segments of a closed outline drawn with dashes of a length in voxels, as long as the gaps."""
    found: list[np.ndarray] = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        length = float(np.linalg.norm(end - start))
        count = min(max(int(round(length / (2 * dash))), 1), 400)
        at = np.linspace(0, 1, 2 * count + 1)[:-1].reshape(-1, 2)
        found.append(start + at.reshape(-1, 1) * (end - start))
    return np.concatenate(found) if found else np.empty((0, 2))


def repeated(colours: Sequence[str], each: int, alpha: Sequence[float]) -> np.ndarray:
    """Return colours (``#rrggbb``) as RGBA, each repeated for the points of its segments."""
    if not colours:
        return np.empty((0, 4), np.float32)
    rgb = {colour: tuple(Color(colour).rgb) for colour in set(colours)}  # thousands of picks have a few colours
    rgba = np.array([(*rgb[colour], opacity) for colour, opacity in zip(colours, alpha, strict=True)], np.float32)
    return np.repeat(rgba, each, axis=0)


class BrushCursor:
    """The ring around the pointer that says how large the brush is."""

    def __init__(self, parent: Node, order: float) -> None:
        self._dark, self._ring = Segments(parent, order), Segments(parent, order + 1)
        self._unit = rings(np.zeros((1, 2)), np.ones((1, 2)))
        self.position: tuple[float, float] | None = None
        self.radii = (0.0, 0.0)
        self._colour = ""

    def show(
        self, position: tuple[float, float], radii: tuple[float, float], colour: str, pixel: tuple[float, float]
    ) -> None:
        """Show it around a position, all in voxels (across, up); `pixel` is one screen pixel."""
        if self.position is None or colour != self._colour:
            self._dark.set(self._unit, (0.0, 0.0, 0.0, 0.6))
            self._ring.set(self._unit, (*Color(colour).rgb, 1.0))
            self._colour = colour
        self.position, self.radii = position, radii
        self._ring.move(*position, radii)
        self._dark.move(*position, (radii[0] + pixel[0], radii[1] + pixel[1]))

    def hide(self) -> None:
        """Take it away."""
        self.position = None
        self._dark.clear()
        self._ring.clear()


class Draft:
    """What a tool is drawing and is not in the project yet: a lasso, a live wire, its corners."""

    def __init__(self, parent: Node, order: float) -> None:
        self._dark, self._path = Segments(parent, order, 3.0), Segments(parent, order + 1)
        self._corners = scene.Markers(parent=None)
        self._corners.set_gl_state("translucent", depth_test=False)
        self._corners.order = order + 2
        self._corners.visible = False
        self._corners.parent = parent
        self.points = np.empty((0, 2))

    def set_path(self, points: np.ndarray, colour: str = "#ffffff", closed: bool = False) -> None:
        """Draw a line through points (n, 2); `closed` joins the last to the first."""
        self.points = np.asarray(points, float).reshape(-1, 2)
        ends = np.roll(self.points, -1, axis=0) if closed else self.points[1:]
        starts = self.points[: len(ends)]
        pairs = np.stack([starts, ends], axis=1).reshape(-1, 2)
        self._dark.set(pairs, (0.0, 0.0, 0.0, 0.5))
        self._path.set(pairs, (*Color(colour).rgb, 1.0))

    def set_corners(self, points: np.ndarray, colour: str = "#ffffff") -> None:
        """Mark points (n, 2)."""
        points = np.asarray(points, np.float32).reshape(-1, 2)
        self._corners.visible = len(points) > 0
        if len(points):
            self._corners.set_data(
                points, size=7, face_color=Color(colour).rgba, edge_color=(0, 0, 0, 0.7), edge_width=1
            )  # fmt: skip

    def clear(self) -> None:
        """Draw nothing."""
        self.points = np.empty((0, 2))
        self._dark.clear()
        self._path.clear()
        self._corners.visible = False
