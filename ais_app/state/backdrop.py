"""Three slices of a tomogram, behind points that are to be judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ais_app.core.display.contrast import auto_contrast, sample_of
from ais_app.core.display.view_slice import SliceRequest, read_slice
from ais_app.core.tomogram import Tomogram


@dataclass(frozen=True)
class Backdrop:
    """Three slices of a tomogram.

    Parameters
    ----------
    shape
        (z, y, x) voxels.
    index_zyx
        Which slices.
    planes
        Axis to (h, w) uint8, rows from low to high.
    """

    shape: tuple[int, int, int]
    index_zyx: tuple[int, int, int]
    planes: Mapping[str, np.ndarray]


def backdrop(volume: Tomogram, positions: np.ndarray) -> Backdrop:
    """Return slices through the middle of those of the points, (n, 3) voxels z y x, that are inside; takes a while."""
    shape = volume.shape
    inside = positions[((positions >= 0) & (positions <= np.array(shape) - 1)).all(axis=1)]
    middle = np.median(inside, axis=0) if len(inside) else (np.array(shape) - 1) / 2
    z, y, x = (int(round(value)) for value in middle)
    limits = auto_contrast(sample_of(volume))
    planes = {
        axis: limits.grey(read_slice(volume, SliceRequest(axis, index)))
        for axis, index in zip("zyx", (z, y, x), strict=True)
    }
    return Backdrop(shape, (z, y, x), planes)
