"""Boxes of a volume that is not mapped into memory: layers of slices are unpacked once, and boxes cut from them."""

from __future__ import annotations

import numpy as np

from ais_app.core.tomogram import LazyArray, Region

_LAYER = 16  # slices read at once
_LAYERS_BYTES = 2**28  # kept at once, about


class Layers:
    """Reads boxes that come in the order of the slices from layers of slices, each unpacked once and then forgotten.

    Parameters
    ----------
    data
        (z, y, x).
    edge
        Of the boxes, voxels. Wide volumes are read in strips of rows, so that memory does not grow with their area.
    """

    def __init__(self, data: LazyArray, edge: int) -> None:
        self._data, self._edge = data, edge
        self.shape = data.shape
        each = (edge + 2 * _LAYER) * data.shape[2] * data.dtype.itemsize
        self.width = int(max(edge, _LAYERS_BYTES // each - edge))
        self._strip = -1
        self._kept: dict[int, np.ndarray] = {}

    def turn_to(self, strip: int) -> None:
        """Read boxes from here on whose centres are in a strip of `width` rows."""
        if strip != self._strip:
            self._strip, self._kept = strip, {}

    def __getitem__(self, region: Region) -> np.ndarray:
        z, y, x = region
        first = max(0, self._strip * self.width - self._edge)
        last = min(self.shape[1], (self._strip + 1) * self.width + self._edge)
        numbers = range(z.start // _LAYER, (z.stop - 1) // _LAYER + 1)
        self._kept = {number: layer for number, layer in self._kept.items() if number >= numbers.start}
        parts = []
        for number in numbers:
            if number not in self._kept:
                slices = slice(number * _LAYER, min((number + 1) * _LAYER, self.shape[0]))
                self._kept[number] = np.asarray(self._data[slices, first:last, :])
            from_z = max(z.start - number * _LAYER, 0)
            parts.append(self._kept[number][from_z : z.stop - number * _LAYER, y.start - first : y.stop - first, x])
        return np.concatenate(parts)


def read_box(data: LazyArray | Layers, start: np.ndarray, edge: int) -> np.ndarray:
    """Return a box, (edge, edge, edge) float32, not a number beyond the volume.

    Parameters
    ----------
    data
        (z, y, x).
    start
        (3,) z y x, the first voxel; it may lie outside.
    edge
        Voxels.
    """
    low = np.maximum(start, 0)
    high = np.minimum(start + edge, data.shape)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    inside = np.asarray(data[z, y, x], dtype=np.float32)
    if inside.shape == (edge,) * 3:
        return inside
    box = np.full((edge,) * 3, np.nan, dtype=np.float32)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True))
    box[z, y, x] = inside
    return box
