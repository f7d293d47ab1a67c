"""The labels over a pane: one texture a feature, changed only where a stroke has changed it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from vispy.scene.node import Node

from ais_app.state.resolve import LabelView
from ais_app.views.slices.quads import LabelQuad

Rows = tuple[slice, slice]


class LabelLayer:
    """The labels of all features in one plane.

    Parameters
    ----------
    parent
        The scene of the pane.
    axis
        The axis its plane is perpendicular to.
    order
        Above what has a lower one; features are drawn in the order of their list, all below ``order + 1``.
    """

    def __init__(self, parent: Node, axis: str, order: float) -> None:
        self._parent, self._axis, self._order = parent, axis, order
        self._quads: dict[int, Node] = {}
        self._planes: dict[int, np.ndarray] = {}
        self._views: dict[int, LabelView] = {}
        self._patched: set[int] = set()
        self._drawn: dict[int, Rows] = {}  # the part of the plane that is not empty
        self._empty: set[int] = set()  # their textures hold another plane, and are hidden

    def show(self, views: tuple[LabelView, ...], planes: Mapping[int, np.ndarray]) -> None:
        """Show features in order, each with its plane, (up, across) uint8; what is as before is not touched."""
        for feature in set(self._views) - {view.feature for view in views}:
            self._quads[feature].visible = False
            del self._views[feature], self._planes[feature]
            self._patched.discard(feature)
        for place, view in enumerate(views):
            self._show(view, planes[view.feature], self._order + 0.9 * place / max(len(views), 1))

    def show_patch(self, feature: int, region: Rows, labels: np.ndarray) -> None:
        """Show part of a stroke at once, before it is in the project.

        Parameters
        ----------
        feature
            Id; one that is not shown is passed over.
        region
            Slices of the plane's two axes in the order z, y, x, with both bounds; may reach beyond the plane.
        labels
            (h, w) uint8 of 0, 1, 2 for that region.
        """
        if feature not in self._views:
            return
        rows, columns = region
        if self._axis == "x":  # z runs to the right there
            rows, columns, labels = columns, rows, labels.T
        rows, columns, part = _inside((rows, columns), labels, self._planes[feature].shape)
        if part.size:
            self._upload_part(feature, rows, columns, part)
            self._patched.add(feature)

    def clear_patch(self, feature: int) -> None:
        """Show again what the project holds: the stroke was given up."""
        if feature in self._patched:
            self._upload(feature)

    def settle(self, feature: int, rows: slice, columns: slice, part: np.ndarray) -> None:
        """Take over what is in the project now: (up, across) labels of part of the plane."""
        if feature not in self._views:
            return
        plane = self._planes[feature] = self._planes[feature].copy()
        plane[rows, columns] = part
        self._upload_part(feature, rows, columns, part)
        self._patched.discard(feature)

    def plane(self, feature: int) -> np.ndarray | None:
        """Return the labels that are shown of a feature, (up, across), without patches."""
        return self._planes.get(feature)

    def _show(self, view: LabelView, plane: np.ndarray, order: float) -> None:
        before = self._views.get(view.feature)
        quad = self._quads.get(view.feature)
        if quad is None:
            quad = self._quads[view.feature] = LabelQuad(parent=self._parent)
            before = None
        if before is None or (before.colour, before.opacity, before.outline) != (
            view.colour, view.opacity, view.outline
        ):  # fmt: skip
            quad.set_style(view.colour, view.opacity, view.outline)
        if quad.order != order:
            quad.order = order
        is_new = self._planes.get(view.feature) is not plane or view.feature in self._patched
        self._views[view.feature], self._planes[view.feature] = view, plane
        if is_new:
            self._upload(view.feature)

    def _upload(self, feature: int) -> None:
        """Bring a whole plane to the graphics card; an empty one is only hidden."""
        plane, quad = self._planes[feature], self._quads[feature]
        part = bounding_box(plane)
        if part is None:
            self._empty.add(feature)
        else:
            quad.set_plane(plane)
            quad.draw_only(*part)
            self._drawn[feature] = part
            self._empty.discard(feature)
        quad.visible = part is not None
        self._patched.discard(feature)

    def _upload_part(self, feature: int, rows: slice, columns: slice, part: np.ndarray) -> None:
        quad = self._quads[feature]
        if feature in self._empty:  # what was uploaded for another slice is still there
            quad.set_plane(np.zeros_like(self._planes[feature]))
            self._empty.discard(feature)
            self._drawn[feature] = (rows, columns)
        quad.set_part(part, rows.start, columns.start)
        self._drawn[feature] = _around(self._drawn[feature], (rows, columns))
        quad.draw_only(*self._drawn[feature])
        quad.visible = True


def bounding_box(plane: np.ndarray) -> Rows | None:
    """Return the rows and columns of a plane outside which it is 0; ``None`` when all of it is."""
    rows = np.flatnonzero(plane.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(plane[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _around(one: Rows, other: Rows) -> Rows:
    rows, columns = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
    return rows, columns


def _inside(region: Rows, labels: np.ndarray, shape: tuple[int, ...]) -> tuple[slice, slice, np.ndarray]:
    """Cut a region and its labels to what lies in a plane."""
    spans = []
    for part, length in zip(region, shape, strict=True):
        low, high = min(max(part.start, 0), length), min(max(part.stop, 0), length)
        spans.append((slice(low, high), slice(low - part.start, high - part.start)))
    (rows, inner_rows), (columns, inner_columns) = spans
    return rows, columns, np.asarray(labels, np.uint8)[inner_rows, inner_columns]
