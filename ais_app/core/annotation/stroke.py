"""A brush stroke while the mouse is still down.

    stroke = Stroke(labels, radius)
    on every movement:   region, changed = stroke.to(point)      a small region, to be shown
    on release:          labels.apply(stroke.edit())             one edit, as brush.disk gives for the whole path

Nothing is written before the end. The tiles the stroke has touched stay in memory uncompressed, so that a movement
costs what the brush covers and neither the length of the path nor what is in the file.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ais_app.core.annotation.brush import capsule, slices_along, stroke_title, surroundings
from ais_app.core.annotation.in_plane import (
    checked_label,
    checked_points,
    checked_radius,
    checked_spacing,
    first_voxel,
    plane_through,
    region_between,
)
from ais_app.core.annotation.labels import AXES, FEATURE, TILE, Edit, Index, Labels, TileIndex, bounds, pieces
from ais_app.core.annotation.restrict import allowed_in, checked_mask
from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX, LazyArray, Region

SHAPES = ("disk", "ball")


class Stroke:
    """A disk or a ball that is swept along a path, point by point.

    Parameters
    ----------
    labels
        What is painted on; only read.
    radius
        In the unit of `voxel_size_zyx`: voxels as it stands.
    shape
        ``"disk"`` stays within the plane of its first point, ``"ball"`` acts in 3D.
    label
        1 paints, 0 erases, 2 marks as ignore.
    axis
        The axis the plane of a disk is perpendicular to.
    voxel_size_zyx
        Å, for voxels that are not cubes.
    allowed
        (z, y, x) lazy mask, nonzero where the stroke may paint; everywhere when ``None``. `restrict.OverLabels`
        makes one of the background.

    Raises
    ------
    ParameterProblem
        A parameter is out of its bounds, or the mask is that of another tomogram.
    """

    def __init__(
        self,
        labels: Labels,
        radius: float,
        *,
        shape: str = "disk",
        label: int = FEATURE,
        axis: str = "z",
        voxel_size_zyx: ZYX = (1.0, 1.0, 1.0),
        allowed: LazyArray | None = None,
    ) -> None:
        if shape not in SHAPES:
            raise ParameterProblem("brush", f"{shape!r} is no shape", f"choose {' or '.join(SHAPES)}")
        if axis not in AXES:
            raise ParameterProblem("axis", f"{axis!r} is not an axis", "choose z, y or x")
        self.label, self.axis, self.title = checked_label(label), axis, stroke_title(label)
        self.radius, self.spacing = checked_radius(radius), checked_spacing(voxel_size_zyx)
        self._labels, self._shape = labels, shape
        self._allowed = None if allowed is None else checked_mask(allowed, labels.shape)
        self._points: list[np.ndarray] = []
        self._canvas: Canvas | None = None

    def to(self, point_zyx: ZYX | np.ndarray) -> tuple[Region, np.ndarray]:
        """Sweep the brush from the last point to this one; the first point gives a single dab.

        Returns
        -------
        region : tuple of slice
            What has been painted on, z, y, x; empty where that lies outside the tomogram.
        labels : ndarray
            (dz, dy, dx) uint8, how the region looks now.

        Raises
        ------
        ParameterProblem
            The point is none, or the plane of the first one lies outside.
        """
        (point,) = checked_points(point_zyx, "stroke")
        canvas = self._canvas if self._canvas is not None else self._begin(point)
        if self._shape == "disk":
            point[AXES.index(self.axis)] = canvas.start[AXES.index(self.axis)]
        begin = self._points[-1] if self._points else point
        first, mask = self.footprint(begin, point, canvas.start, canvas.size)
        region = region_between(first, first + mask.shape)
        if self._allowed is not None:
            mask = mask & allowed_in(self._allowed, region)
        self._points.append(point)
        return region, canvas.paint(region, mask, self.label)

    def edit(self) -> Edit:
        """Return the whole stroke as one edit: what `brush.disk` or `brush.ball` gives for all its points.

        Raises
        ------
        ParameterProblem
            There has been no point.
        """
        if self._canvas is None:
            raise ParameterProblem("stroke", "has no points", "move the brush before asking for its edit")
        points, canvas = np.array(self._points), self._canvas
        reach = self.radius / self.spacing
        low, high = surroundings(points.min(axis=0) - reach, points.max(axis=0) + reach, canvas.start, canvas.size)
        region = region_between(low, high)
        before, after = canvas.read(region)
        flat = self._shape == "disk"
        planes = (plane_through(points[0], self.axis),) if flat else slices_along(points, self._labels.shape)
        return Edit(first_voxel(region), before, after, planes, self.title)

    def footprint(self, begin: np.ndarray, end: np.ndarray, start: Index, size: Index) -> tuple[np.ndarray, np.ndarray]:
        """Return what one movement covers: (3,) first voxel and 3D bool mask, within a region of `start` and `size`.

        A brush that grows into the image gives its own; it stays within `radius` of the segment.
        """
        return capsule(begin, end, self.radius, self.spacing, start, size)

    def _begin(self, point: np.ndarray) -> Canvas:
        whole: Region = (slice(None), slice(None), slice(None))
        if self._shape == "disk":
            whole = plane_through(point, self.axis).region(self._labels.shape)
        self._canvas = Canvas(self._labels, whole)
        return self._canvas


class Canvas:
    """The tiles a stroke has touched, uncompressed, before and after.

    Parameters
    ----------
    labels
        Where the tiles are read from when they are first needed.
    within
        The part of the volume that can be painted on; tiles are cut to it, so those of a plane are thin.
    """

    def __init__(self, labels: Labels, within: Region) -> None:
        self.start, self.size = bounds(within, labels.shape)
        self._labels = labels
        self._tiles: dict[TileIndex, tuple[np.ndarray, np.ndarray]] = {}

    def paint(self, region: Region, mask: np.ndarray, label: int) -> np.ndarray:
        """Set the voxels of `mask` in `region`, (dz, dy, dx) bool, and return how the region looks now."""
        shown = np.zeros(mask.shape, dtype=np.uint8)
        for index, inside, outside in self._pieces(region):
            part = self._tile(index)[1][inside]
            np.copyto(part, np.uint8(label), where=mask[outside])
            shown[outside] = part
        return shown

    def read(self, region: Region) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels of a region before the stroke and now, (dz, dy, dx) uint8."""
        before = self._labels.read(region)
        after = before.copy()
        for index, inside, outside in self._pieces(region):
            if index in self._tiles:  # as they were when the stroke came by, for that is what it is an edit of
                before[outside], after[outside] = (tile[inside] for tile in self._tiles[index])
        return before, after

    def _pieces(self, region: Region) -> Iterator[tuple[TileIndex, Region, Region]]:
        """Cut a region along the tiles: tile index, part of the tile as it is kept here, part of the region."""
        size = tuple(part.stop - part.start for part in region)
        for index, inside, outside in pieces(first_voxel(region), size):  # type: ignore[arg-type]
            cut = [max(0, s - number * n) for s, number, n in zip(self.start, index, TILE, strict=True)]
            z, y, x = (slice(part.start - c, part.stop - c) for part, c in zip(inside, cut, strict=True))
            yield index, (z, y, x), outside

    def _tile(self, index: TileIndex) -> tuple[np.ndarray, np.ndarray]:
        if index not in self._tiles:
            low = [max(s, number * n) for s, number, n in zip(self.start, index, TILE, strict=True)]
            ends = zip(self.start, self.size, index, TILE, strict=True)
            high = [min(s + size, (number + 1) * n) for s, size, number, n in ends]
            before = self._labels.read(region_between(low, high))
            self._tiles[index] = before, before.copy()
        return self._tiles[index]
