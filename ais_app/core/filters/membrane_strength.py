"""Membrane strength: bright where the tomogram bends like a sheet of one thickness, zero elsewhere.

From the eigenvalues of the Hessian: across a sheet the second derivative is large, within it small. After Martinez-
Sanchez, Garcia and Fernandez (2011), J. Struct. Biol. 175, 372; Martinez-Sanchez et al. (2014), J. Struct. Biol. 186,
49. From the largest they subtract the geometric mean of the two others; here it is the larger of those, so that
filaments do not answer either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.filters import Filter, in_voxels
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX


@dataclass(frozen=True)
class MembraneStrengthParams(Params):
    """Which sheets answer."""

    scale: float = param(
        20.0, "Standard deviation of the Gaussian; half the thickness of the membrane", unit="Å", low=1, high=500
    )
    dark: bool = param(True, "Membranes are darker than what is around them")
    three_d: bool = param(False, "Look for sheets in space, instead of lines in each slice")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: MembraneStrengthParams) -> np.ndarray:
    """Return how much like a membrane each voxel is, as `Filter.apply`; 0 and more."""
    from ais_app.core.filtering.hessian import sheet_strength
    from ais_app.core.filtering.missing import with_missing

    return with_missing(sheet_strength(volume, params.scale, voxel_size_zyx, params.dark, params.three_d), volume)


def margin(params: MembraneStrengthParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return the reach of the Gaussian and one voxel for the differences."""
    from ais_app.core.filtering.gaussian import gaussian_reach

    z, y, x = (gaussian_reach(sigma) + 1 for sigma in in_voxels(params.scale, voxel_size_zyx, params.three_d))
    return (z if params.three_d else 0), y, x


FILTER = Filter("membrane_strength", "Membrane strength", MembraneStrengthParams, apply, margin)
