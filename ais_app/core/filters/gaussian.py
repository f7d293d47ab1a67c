"""Gaussian: the plain way to take noise away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.filters import Filter, in_voxels
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX


@dataclass(frozen=True)
class GaussianParams(Params):
    """How wide the Gaussian is."""

    sigma: float = param(20.0, "Standard deviation of the Gaussian", unit="Å", low=0, high=1000)
    three_d: bool = param(False, "Smooth through the slices as well")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: GaussianParams) -> np.ndarray:
    """Smooth with a Gaussian, as `Filter.apply`."""
    from ais_app.core.filtering.gaussian import gaussian
    from ais_app.core.filtering.missing import with_missing

    return with_missing(gaussian(volume, in_voxels(params.sigma, voxel_size_zyx, params.three_d)), volume)


def margin(params: GaussianParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return four sigma in voxels."""
    from ais_app.core.filtering.gaussian import gaussian_reach

    z, y, x = (gaussian_reach(sigma) for sigma in in_voxels(params.sigma, voxel_size_zyx, params.three_d))
    return z, y, x


FILTER = Filter("gaussian", "Gaussian", GaussianParams, apply, margin)
