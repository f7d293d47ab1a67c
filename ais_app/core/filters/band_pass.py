"""Band-pass: keeps detail between two lengths; finer is noise, broader is uneven background.

A low-pass is ``2 g - g²``, where g is the response of a Gaussian: what the Gaussian took away is smoothed once more and
given back ("twicing", Tukey 1977, Exploratory Data Analysis, 526). It is flat at 1 for broad detail, one half at the
length that is given and 0.015 at half of it, and unlike a cut in Fourier space it has no ringing worth the name and a
finite reach. A band is the difference of two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.filters import Filter, in_voxels
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX

# 2 g - g² is one half where g = 1 - sqrt(1/2); a Gaussian of standard deviation s has g = exp(-2 pi² s² / length²)
_SIGMA = float(np.sqrt(-np.log(1 - np.sqrt(0.5)) / 2) / np.pi)


@dataclass(frozen=True)
class BandPassParams(Params):
    """The lengths (periods) between which detail is kept."""

    low_pass: float | None = param(50.0, "Remove detail finer than this; none keeps it", unit="Å", low=1, high=2000)
    high_pass: float | None = param(
        500.0, "Remove what is broader than this; none keeps it, and the mean with it", unit="Å", low=1, high=5000
    )
    three_d: bool = param(False, "Filter through the slices as well")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low_pass is not None and self.high_pass is not None and self.low_pass >= self.high_pass:
            problem = f"{self.low_pass:g} Å is not below high_pass, {self.high_pass:g} Å: nothing would be kept"
            raise ParameterProblem("low_pass", problem, "detail is kept between low_pass and high_pass")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: BandPassParams) -> np.ndarray:
    """Keep the band, as `Filter.apply`; with a high-pass the mean becomes 0."""
    from ais_app.core.filtering.missing import with_missing

    result = np.array(volume, dtype=np.float32)
    if params.low_pass is not None:
        result = _low_pass(volume, in_voxels(params.low_pass * _SIGMA, voxel_size_zyx, params.three_d))
    if params.high_pass is not None:
        with np.errstate(invalid="ignore"):  # infinite voxels, which become NaN below
            result -= _low_pass(volume, in_voxels(params.high_pass * _SIGMA, voxel_size_zyx, params.three_d))
    return with_missing(result, volume)


def _low_pass(volume: np.ndarray, sigma_voxels_zyx: ZYX) -> np.ndarray:
    from ais_app.core.filtering.gaussian import gaussian

    twice = gaussian(volume, tuple(sigma * np.sqrt(2) for sigma in sigma_voxels_zyx))  # type: ignore[arg-type]
    result = gaussian(volume, sigma_voxels_zyx)
    result *= 2
    result -= twice
    return result


def margin(params: BandPassParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return the reach of the widest Gaussian, about 1.4 times the longest length."""
    from ais_app.core.filtering.gaussian import gaussian_reach

    widest = (params.high_pass or params.low_pass or 0.0) * _SIGMA * float(np.sqrt(2))
    z, y, x = (gaussian_reach(sigma) for sigma in in_voxels(widest, voxel_size_zyx, params.three_d))
    return z, y, x


FILTER = Filter("band_pass", "Band-pass", BandPassParams, apply, margin)
