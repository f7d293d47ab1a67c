"""What a network learns from: tomograms with labels, whatever holds them.

LabelledTomogram  a tomogram, its labels, which slices are annotated, the boxes a person placed
│ on_grid   one voxel size in x, y and z for all of them
Ground        the same on the network's grid, normalised by the whole tomogram
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ais_app.core.annotation.boxes import Box, check_inside
from ais_app.core.annotation.labels import IGNORE, checked_labels
from ais_app.core.errors import ParameterProblem
from ais_app.core.prediction.normalise import Normalisation
from ais_app.core.tomogram import Region, Tomogram
from ais_app.core.volume.resample import rescaled

ReadLabels = Callable[[Region], np.ndarray]
SAME_VOXEL_SIZE = 0.05  # relative difference below which voxels are left as they are, as in segmentation


@dataclass(frozen=True)
class LabelledTomogram:
    """A tomogram with what a person said about it.

    Parameters
    ----------
    name
        What reports call it.
    tomogram
        Grey values.
    labels
        ``labels(region) -> uint8``, (z, y, x) on the tomogram's grid: 0 background, 1 feature, 2 ignore.
    slices
        z of the slices that are annotated as a whole.
    boxes
        Squares a person placed; inside them the labels hold, whether their slice is annotated or not.
    origin
        JSON-able words about where it came from, for the model's record.
    """

    name: str
    tomogram: Tomogram
    labels: ReadLabels
    slices: tuple[int, ...] = ()
    boxes: tuple[Box, ...] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        depth = self.tomogram.shape[0]
        for z in self.slices:
            if not 0 <= z < depth:
                raise ParameterProblem(self.name, f"there is no slice {z}", f"slices run from 0 to {depth - 1}")
        for box in self.boxes:
            check_inside(box, self.tomogram.shape, self.name)

    @classmethod
    def from_arrays(
        cls,
        image: np.ndarray,
        labels: np.ndarray,
        voxel_size: float | None = None,
        slices: Sequence[int] | None = None,
        boxes: Sequence[Box] = (),
        name: str = "array",
    ) -> LabelledTomogram:
        """Make one from arrays, (z, y, x) each; all slices are annotated unless `slices` says which.

        Raises
        ------
        ParameterProblem
            The shapes differ, or the labels are not 0, 1 and 2.
        """
        if image.ndim != 3 or image.shape != labels.shape:
            raise ParameterProblem(name, f"image {image.shape} and labels {labels.shape} do not fit", "give (z, y, x)")
        checked = checked_labels(labels)
        sizes = None if voxel_size is None else (voxel_size,) * 3
        planes = range(len(image)) if slices is None else slices
        return cls(name, Tomogram(image, sizes), lambda region: checked[region], tuple(planes), tuple(boxes))


@dataclass(frozen=True, eq=False)
class Ground:
    """A labelled tomogram on the network's grid.

    Parameters
    ----------
    source
        As it was given.
    tomogram
        Its grey values on the network's grid; the same object as the source's where the voxel sizes agree.
    slices
        Slice on the network's grid to the annotated slice of the source it comes from.
    boxes
        (z, y, x, edge) on the network's grid; ``None`` for the training's own edge.
    """

    source: LabelledTomogram
    tomogram: Tomogram
    slices: Mapping[int, int]
    boxes: tuple[tuple[int, int, int, int | None], ...]
    _planes: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(z, y, x) on the network's grid."""
        return self.tomogram.shape

    @cached_property
    def _old(self) -> list[np.ndarray]:
        """For each axis the source voxel nearest to each voxel of the network's grid."""
        steps = _steps(self.source.tomogram, self.tomogram)
        pairs = zip(self.source.tomogram.shape, self.shape, steps, strict=True)
        return [
            np.clip(np.rint((old - 1) / 2 + (np.arange(new) - (new - 1) / 2) * step), 0, old - 1).astype(int)
            for old, new, step in pairs
        ]

    def plane(self, z: int) -> np.ndarray:
        """Return the labels of a slice of the network's grid, (y, x) uint8, read-only: the nearest of the source."""
        if z not in self._planes:
            # an annotated slice keeps its own labels also where a neighbour's would be a little nearer
            source_z = self.slices.get(z, int(self._old[0][z]))
            labels = self.source.labels((slice(source_z, source_z + 1), slice(None), slice(None)))[0]
            labels = np.ascontiguousarray(labels[np.ix_(self._old[1], self._old[2])], dtype=np.uint8)
            labels.setflags(write=False)
            self._planes[z] = labels
        return self._planes[z]

    def slab(self, z: int, depth: int, ys: slice, xs: slice) -> np.ndarray:
        """Return normalised grey values, (depth, y, x) float32."""
        return Normalisation().apply(self.tomogram.slab(z, depth, (ys, xs)), self.tomogram.statistics)


def on_grid(data: Sequence[LabelledTomogram], voxel_size: float | None) -> tuple[list[Ground], float | None]:
    """Bring labelled tomograms to one voxel size.

    Parameters
    ----------
    data
        At least one.
    voxel_size
        Å; that of the first tomogram when ``None``.

    Returns
    -------
    list of Ground, float or None
        And the voxel size they have now; ``None`` where no tomogram knows its own.

    Raises
    ------
    ParameterProblem
        A voxel size is needed and not known.
    """
    known = [item.tomogram.voxel_size_zyx is not None for item in data]
    if voxel_size is None and any(known):
        voxel_size = round(data[0].tomogram.voxel_size, 6)  # a cube root is off by a rounding error
    grounds = []
    for item in data:
        tomogram = item.tomogram
        if voxel_size is not None and _differs(tomogram, voxel_size):
            tomogram = rescaled(tomogram, voxel_size)
        place = _Place(item.tomogram, tomogram)
        slices = {place.nearest(0, z): z for z in item.slices}
        grounds.append(Ground(item, tomogram, slices, tuple(place.box(box) for box in item.boxes)))
    return grounds, voxel_size


def _differs(tomogram: Tomogram, voxel_size: float) -> bool:
    sizes = np.array(tomogram.require_voxel_size_zyx())
    return bool((np.abs(sizes / voxel_size - 1) >= SAME_VOXEL_SIZE).any())


def _steps(old: Tomogram, new: Tomogram) -> np.ndarray:
    """Return the size of the new voxels in old ones, z, y, x."""
    if new is old:
        return np.ones(3)
    return np.array(new.require_voxel_size_zyx()) / np.array(old.require_voxel_size_zyx())


class _Place:
    """Where voxels of one grid lie on another about the same centre."""

    def __init__(self, old: Tomogram, new: Tomogram) -> None:
        self._old, self._new, self._steps = old.shape, new.shape, _steps(old, new)

    def nearest(self, axis: int, index: float) -> int:
        """Return the new voxel nearest to an old position along an axis."""
        at = (index - (self._old[axis] - 1) / 2) / self._steps[axis] + (self._new[axis] - 1) / 2
        return int(np.clip(np.rint(at), 0, self._new[axis] - 1))

    def box(self, box: Box) -> tuple[int, int, int, int | None]:
        """Return a box's centre and edge on the new grid."""
        z, y, x = (self.nearest(axis, at) for axis, at in enumerate(box.centre_zyx))
        return z, y, x, None if box.size is None else max(1, round(box.size / float(self._steps[1])))


def labels_around(labels: np.ndarray, ys: slice, xs: slice) -> np.ndarray:
    """Return a copy of the labels from y and x to (exclusive), which may lie outside: 2 (ignore) there."""
    found = np.full((ys.stop - ys.start, xs.stop - xs.start), IGNORE, np.uint8)
    height, width = labels.shape
    rows, columns = slice(max(0, ys.start), min(height, ys.stop)), slice(max(0, xs.start), min(width, xs.stop))
    if rows.start < rows.stop and columns.start < columns.stop:
        inside = (
            slice(rows.start - ys.start, rows.stop - ys.start),
            slice(columns.start - xs.start, columns.stop - xs.start),
        )
        found[inside] = labels[rows, columns]
    return found
