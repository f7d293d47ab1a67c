"""Boxes, picks, the cross and the crop region over a pane."""

from __future__ import annotations

import numpy as np
from vispy import scene
from vispy.color import Color
from vispy.scene.node import Node

from ais_app.state.overlays import PickView
from ais_app.state.resolve import ACROSS_UP, BoxView
from ais_app.views.slices.lines import CIRCLE, Segments, dashed, frames, repeated, rings

DASH = 6.0  # screen pixels
DOT = 4.0
CROSS = (0.30, 0.61, 0.91, 0.8)
FAR = 1e5  # voxels: farther than any tomogram reaches


class BoxLayer:
    """Training boxes: 1 px, selected ones 2 px."""

    def __init__(self, parent: Node, order: float) -> None:
        self._thin, self._thick = Segments(parent, order), Segments(parent, order + 0.1, 2.0)
        self._boxes: tuple[BoxView, ...] = ()

    def show(self, boxes: tuple[BoxView, ...]) -> None:
        """Show these."""
        if boxes == self._boxes:
            return
        self._boxes = boxes
        for lines, chosen in ((self._thin, False), (self._thick, True)):
            some = [box for box in boxes if box.selected is chosen]
            centres = np.array([(box.across, box.up) for box in some]).reshape(-1, 2)
            points = frames(centres, np.array([box.width for box in some]), np.array([box.height for box in some]))
            lines.set(points, repeated([box.colour for box in some], 8, [box.strength for box in some]))

    @property
    def shown(self) -> tuple[BoxView, ...]:
        """The boxes that can be seen."""
        return self._boxes


class PickLayer:
    """Picks as rings with a dot; a ring is the section of a sphere, so it shrinks with the distance from its centre."""

    def __init__(self, parent: Node, axis: str, order: float) -> None:
        self._axis = axis
        self._rings = Segments(parent, order)
        self._dots = scene.Markers(parent=None)
        self._dots.set_gl_state("translucent", depth_test=False)
        self._dots.order = order + 0.1
        self._dots.visible = False
        self._dots.parent = parent
        self._before: tuple[object, ...] = ()
        self.shown: list[tuple[float, float, float]] = []

    def show(
        self, picks: tuple[PickView, ...], index: float, mean_voxel: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ) -> None:
        """Show the picks whose sphere meets the plane; `mean_voxel` as in `PaneView`."""
        if (picks, index, mean_voxel) == self._before:
            return
        self._before = (picks, index, mean_voxel)
        across, up = ("zyx".index(name) for name in ACROSS_UP[self._axis])
        centres, radii, colours = [np.empty((0, 2))], [np.empty(0)], []
        for picked in picks:
            away = (picked.positions_zyx[:, "zyx".index(self._axis)] - index) / mean_voxel[2]
            # half a slice more: small spheres between two slices must be seen on one of them
            meets = np.abs(away) <= np.maximum(picked.radii, 0.5)
            section = np.sqrt(np.maximum(picked.radii[meets] ** 2 - away[meets] ** 2, 0.25))
            centres.append(picked.positions_zyx[meets][:, [across, up]])
            radii.append(section)
            if picked.colours is None:
                colours += [picked.colour] * int(meets.sum())
            else:
                colours += [picked.colours[row] for row in np.flatnonzero(meets).tolist()]
        self._draw(np.concatenate(centres), np.concatenate(radii), np.array(mean_voxel[:2]), colours)

    def _draw(self, centres: np.ndarray, radii: np.ndarray, shape: np.ndarray, colours: list[str]) -> None:
        self.shown = [(float(a), float(u), float(r)) for (a, u), r in zip(centres, radii, strict=True)]
        ones = [1.0] * len(colours)
        self._rings.set(rings(centres, radii[:, None] * shape), repeated(colours, 2 * CIRCLE, ones))
        self._dots.visible = bool(colours)
        if colours:
            face = repeated(colours, 1, ones)
            self._dots.set_data(centres.astype(np.float32), size=DOT, face_color=face, edge_width=0)


class CrossLayer:
    """Two lines where the other planes cross this one."""

    def __init__(self, parent: Node, order: float) -> None:
        self._lines = Segments(parent, order)
        self.position: tuple[float, float] | None = None

    def show(self, position: tuple[float, float] | None) -> None:
        """Show it at (across, up), or not at all."""
        if position == self.position:
            return
        self.position = position
        if position is None:
            self._lines.clear()
            return
        across, up = position
        self._lines.set(np.array([(across, -FAR), (across, FAR), (-FAR, up), (FAR, up)]), CROSS)


class CropLayer:
    """The region that prediction and export are restricted to, dashed, with handles while it is being changed."""

    def __init__(self, parent: Node, order: float) -> None:
        self._dark, self._line = Segments(parent, order), Segments(parent, order + 0.1)
        self._handles = Segments(parent, order + 0.2, 2.0)
        self._before: tuple[object, ...] = ()

    def show(self, crop: tuple[float, float, float, float] | None, scale: float, handles: bool) -> None:
        """Show (left, right, low, high) at so many screen pixels per voxel."""
        if (crop, scale, handles) == self._before:
            return
        self._before = (crop, scale, handles)
        if crop is None:
            for lines in (self._dark, self._line, self._handles):
                lines.clear()
            return
        left, right, low, high = crop
        corners = np.array([(left, low), (right, low), (right, high), (left, high)])
        self._dark.set(_closed(corners), (0.0, 0.0, 0.0, 0.7))
        self._line.set(dashed(corners, DASH / scale), (1.0, 1.0, 1.0, 0.95))
        if not handles:
            self._handles.clear()
            return
        sides = (corners + np.roll(corners, -1, axis=0)) / 2
        edge = np.full(8, 8 / scale)
        self._handles.set(frames(np.concatenate([corners, sides]), edge, edge), (*Color("#4c9be8").rgb, 1.0))


def _closed(corners: np.ndarray) -> np.ndarray:
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1).reshape(-1, 2)
