"""Difference of Gaussians: brings out things of one size, such as particles or a membrane's thickness.

Marr and Hildreth (1980), Proc. R. Soc. Lond. B 207, 187.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.filters import Filter, in_voxels
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX


@dataclass(frozen=True)
class DifferenceParams(Params):
    """The two Gaussians."""

    sigma_small: float = param(15.0, "Standard deviation of the narrow Gaussian", unit="Å", low=0, high=1000)
    sigma_large: float = param(
        60.0, "Standard deviation of the wide one, which is subtracted", unit="Å", low=1, high=2000
    )
    three_d: bool = param(False, "Smooth through the slices as well")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_small >= self.sigma_large:
            problem = f"{self.sigma_small:g} Å is not below sigma_large, {self.sigma_large:g} Å"
            raise ParameterProblem("sigma_small", problem, "make the narrow Gaussian narrower")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: DifferenceParams) -> np.ndarray:
    """Subtract a wide Gaussian from a narrow one, as `Filter.apply`; the mean becomes 0."""
    from ais_app.core.filtering.gaussian import gaussian
    from ais_app.core.filtering.missing import with_missing

    result = gaussian(volume, in_voxels(params.sigma_small, voxel_size_zyx, params.three_d))
    result -= gaussian(volume, in_voxels(params.sigma_large, voxel_size_zyx, params.three_d))
    return with_missing(result, volume)


def margin(params: DifferenceParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return four times the wide sigma in voxels."""
    from ais_app.core.filtering.gaussian import gaussian_reach

    z, y, x = (gaussian_reach(sigma) for sigma in in_voxels(params.sigma_large, voxel_size_zyx, params.three_d))
    return z, y, x


FILTER = Filter("difference_of_gaussians", "Difference of Gaussians", DifferenceParams, apply, margin)
