"""Median: takes single odd voxels away and keeps edges.

Tukey (1977), Exploratory Data Analysis, 210.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.filters import Filter, in_voxels
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX


@dataclass(frozen=True)
class MedianParams(Params):
    """Over which voxels the median is taken."""

    radius: float = param(
        20.0,
        "Radius of the disk (or ball) around each voxel; below one voxel nothing changes",
        unit="Å",
        low=0,
        high=500,
    )
    three_d: bool = param(False, "Take a ball, through the slices, instead of a disk")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: MedianParams) -> np.ndarray:
    """Replace each voxel by the median around it, as `Filter.apply`."""
    from ais_app.core.filtering.median import median

    return median(volume, _offsets(params, voxel_size_zyx))


def margin(params: MedianParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return the radius in voxels."""
    z, y, x = (int(side) for side in np.abs(_offsets(params, voxel_size_zyx)).max(axis=0))
    return z, y, x


def _offsets(params: MedianParams, voxel_size_zyx: ZYX) -> np.ndarray:
    from ais_app.core.filtering.neighbours import ball

    return ball("radius", in_voxels(params.radius, voxel_size_zyx, params.three_d))


FILTER = Filter("median", "Median", MedianParams, apply, margin)
