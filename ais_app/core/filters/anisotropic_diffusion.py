"""Anisotropic diffusion: smooths along membranes and edges, not across them.

Weickert (1998), Anisotropic Diffusion in Image Processing, Teubner; Frangakis and Hegerl (2001), J. Struct. Biol. 135,
239.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.filters import Filter
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX

if TYPE_CHECKING:
    from ais_app.core.filtering.diffusion import Diffusion


@dataclass(frozen=True)
class DiffusionParams(Params):
    """How much is smoothed, and what is an edge."""

    smoothing: float = param(
        20.0, "Standard deviation of the Gaussian that regions without edges see", unit="Å", low=0, high=200
    )
    edge_scale: float = param(12.0, "Width of the Gaussian before edges are looked for", unit="Å", low=0, high=200)
    contrast: float = param(1.0, "An edge is this many times as steep as is usual around it", low=0.1, high=20)
    three_d: bool = param(False, "Smooth through the slices as well; slow")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: DiffusionParams) -> np.ndarray:
    """Smooth along edges, as `Filter.apply`."""
    from ais_app.core.filtering.diffusion import diffuse

    return diffuse(volume, _how(params, voxel_size_zyx))


def margin(params: DiffusionParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return a voxel for each step, and what the edges are measured from."""
    return _how(params, voxel_size_zyx).reach()


def _how(params: DiffusionParams, voxel_size_zyx: ZYX) -> Diffusion:
    from ais_app.core.filtering.diffusion import Diffusion

    return Diffusion(params.smoothing, params.edge_scale, params.contrast, voxel_size_zyx, params.three_d)


FILTER = Filter("anisotropic_diffusion", "Anisotropic diffusion", DiffusionParams, apply, margin)
