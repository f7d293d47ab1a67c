"""Perona-Malik diffusion: evens out what differs by no more than noise, and leaves what differs by more.

Perona and Malik (1990), IEEE Trans. Pattern Anal. Mach. Intell. 12, 629.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.filters import Filter
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX

if TYPE_CHECKING:
    from ais_app.core.filtering.perona_malik import PeronaMalik


@dataclass(frozen=True)
class PeronaMalikParams(Params):
    """How long it flows, and what is no noise any more."""

    iterations: int = param(5, "Steps; more smooth more", low=1, high=200)
    contrast: float = param(1.5, "Differences above this many times the noise are edges", low=0.1, high=20)
    gamma: float = param(
        0.14, "Size of a step; above one sixth the scheme would not be stable in 3D", low=0.001, high=1 / 6
    )
    edges: str = param(
        "strong", "What is kept: strong edges, or wide regions over small ones", choices=("strong", "wide")
    )
    window: float = param(60.0, "Width of the Gaussian in which the noise is measured", unit="Å", low=1, high=1000)
    three_d: bool = param(False, "Smooth through the slices as well")


def apply(volume: np.ndarray, voxel_size_zyx: ZYX, params: PeronaMalikParams) -> np.ndarray:
    """Even out noise, as `Filter.apply`."""
    from ais_app.core.filtering.perona_malik import perona_malik

    return perona_malik(volume, _how(params, voxel_size_zyx))


def margin(params: PeronaMalikParams, voxel_size_zyx: ZYX) -> tuple[int, int, int]:
    """Return a voxel for each step, and what the noise is measured from."""
    return _how(params, voxel_size_zyx).reach()


def _how(params: PeronaMalikParams, voxel_size_zyx: ZYX) -> PeronaMalik:
    from ais_app.core.filtering.perona_malik import PeronaMalik

    strong = params.edges == "strong"
    return PeronaMalik(
        params.iterations, params.gamma, params.contrast, strong, params.window, voxel_size_zyx, params.three_d
    )


FILTER = Filter("perona_malik", "Perona-Malik diffusion", PeronaMalikParams, apply, margin)
