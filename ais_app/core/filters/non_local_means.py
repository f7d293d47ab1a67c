"""Non-local means: averages voxels whose surroundings look alike, so that repeated structure survives.

Buades, Coll and Morel (2005), CVPR 2, 60.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.filters import Filter, in_voxels
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX


@dataclass(frozen=True)
class NonLocalParams(Params):
    """What is compared with what."""

    strength: float = param(
        1.0, "How unlike a patch may be and still count, in multiples of the noise", low=0.01, high=20
    )
    patch: float = param(
        40.0, "Width of the patches that are compared; three voxels at least", unit="Å", low=0, high=500
    )
    search: float = param(60.0, "Radius in which like patches are looked for", unit="Å", low=0, high=1000)
    three_d: bool = param(False, "Compare through the slices as well; slow")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: NonLocalParams) -> np.ndarray:
    """Average like with like, as `Filter.apply`."""
    from ais_app.core.filtering.non_local import non_local_means

    offsets, patch = _window(params, voxel_size_zyx)
    return non_local_means(volume, offsets, patch, params.strength)


def margin(params: NonLocalParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return the reach of search, patch and the measurement of the noise."""
    from ais_app.core.filtering.non_local import non_local_reach

    offsets, patch = _window(params, voxel_size_zyx)
    z, y, x = (int(side) for side in np.abs(offsets).max(axis=0))
    return non_local_reach((z, y, x), patch)


def _window(params: NonLocalParams, voxel_size_zyx: ZYX) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Return the places to compare with, (n, 3), and the half width of a patch, in voxels."""
    from ais_app.core.filtering.neighbours import ball

    offsets = ball("search", in_voxels(params.search, voxel_size_zyx, params.three_d))
    z, y, x = (max(1, int(width / 2)) for width in in_voxels(params.patch, voxel_size_zyx, True))
    return offsets, (z if params.three_d else 0, y, x)


FILTER = Filter("non_local_means", "Non-local means", NonLocalParams, apply, margin)
