"""Edge- and coherence-enhancing diffusion: smooths along membranes and filaments, and flat regions, not across edges.

Frangakis and Hegerl (2001), J. Struct. Biol. 135, 239; Fernández and Li (2003), J. Struct. Biol. 144, 152.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.filters import Filter
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX

if TYPE_CHECKING:
    from ais_app.core.filtering.coherence import Coherence


@dataclass(frozen=True)
class CoherenceParams(Params):
    """How much is smoothed, and along what."""

    iterations: int = param(15, "Steps; more smooth more", low=1, high=200)
    structure_scale: float = param(20.0, "Width over which directions are averaged", unit="Å", low=1, high=200)
    gradient_scale: float = param(10.0, "Width of the Gaussian before edges are looked for", unit="Å", low=0, high=200)
    contrast: float = param(1.0, "An edge is this many times as steep as is usual around it", low=0.1, high=20)
    coherence: float = param(
        1.5, "Flow follows structures where directions agree this many times as well as is usual", low=0.1, high=50
    )
    three_d: bool = param(False, "Smooth through the slices as well; slow")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: CoherenceParams) -> np.ndarray:
    """Smooth along structures, as `Filter.apply`."""
    from ais_app.core.filtering.coherence import coherence_diffusion

    return coherence_diffusion(volume, _how(params, voxel_size_zyx))


def margin(params: CoherenceParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return a voxel for each step, and what directions and limits are measured from."""
    return _how(params, voxel_size_zyx).reach()


def _how(params: CoherenceParams, voxel_size_zyx: ZYX) -> Coherence:
    from ais_app.core.filtering.coherence import Coherence

    scales = params.gradient_scale, params.structure_scale
    return Coherence(params.iterations, *scales, params.contrast, params.coherence, voxel_size_zyx, params.three_d)


FILTER = Filter("coherence_diffusion", "Edge- and coherence-enhancing diffusion", CoherenceParams, apply, margin)
