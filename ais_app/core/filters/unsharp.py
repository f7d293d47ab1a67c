"""Unsharp mask: makes edges steeper by adding what a Gaussian takes away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.filters import Filter, in_voxels
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX


@dataclass(frozen=True)
class UnsharpParams(Params):
    """What counts as detail, and how much of it is added."""

    sigma: float = param(40.0, "Standard deviation of the Gaussian that separates detail", unit="Å", low=0, high=1000)
    amount: float = param(1.0, "How many times the detail is added", low=0, high=20)
    three_d: bool = param(False, "Smooth through the slices as well")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: UnsharpParams) -> np.ndarray:
    """Add the detail, as `Filter.apply`; the mean is kept."""
    from ais_app.core.filtering.gaussian import gaussian
    from ais_app.core.filtering.missing import with_missing

    result = gaussian(volume, in_voxels(params.sigma, voxel_size_zyx, params.three_d))
    with np.errstate(invalid="ignore"):  # infinite voxels, which become NaN below
        np.subtract(volume, result, out=result)
        result *= np.float32(params.amount)
        result += volume
    return with_missing(result, volume)


def margin(params: UnsharpParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return four sigma in voxels."""
    from ais_app.core.filtering.gaussian import gaussian_reach

    z, y, x = (gaussian_reach(sigma) for sigma in in_voxels(params.sigma, voxel_size_zyx, params.three_d))
    return z, y, x


FILTER = Filter("unsharp", "Unsharp mask", UnsharpParams, apply, margin)
