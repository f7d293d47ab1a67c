"""What a sorting of subtomograms is asked, and what it remembers between rounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.params import Params, param
from ais_app.core.particles.orientations import symmetry_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.sort_features import FEATURES

METHODS = ("kmeans", "ward")


@dataclass(frozen=True)
class SortParams(Params):
    """How aligned subtomograms are sorted."""

    classes: int = param(2, "Classes", low=1, high=100)
    rounds: int = param(6, "Times at most that cubes are sorted; between them they are aligned to the classes", low=1)
    global_rounds: int = param(3, "Rounds that try all rotations; later ones stay near the last", low=0)
    features: str = param("difference", "What is compared; plain takes no account of wedges", choices=FEATURES)
    dimensions: int = param(8, "Directions in which cubes differ that are kept", low=1, high=200)
    em: bool = param(False, "Find these directions from measured frequencies alone")
    method: str = param("kmeans", "How cubes are grouped", choices=METHODS)
    low_pass: float | None = param(None, "Finest detail compared; four voxels if not given", unit="Å", low=0.1)
    mask_radius: float | None = param(None, "Radius of what belongs to the particle", unit="Å", low=1)
    align: bool = param(True, "Align cubes to their class averages")
    angular_step: float = param(20.0, "Distance of the rotations where all are tried", unit="°", low=4, high=60)
    within: float = param(20.0, "How far from the last rotation later rounds look", unit="°", low=1, high=180)
    symmetry: str = param("C1", "Of the particles: C1, C2 ... D2, D3 ...")
    seed: int = param(0, "Of all that is random", low=0)
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))

    def __post_init__(self) -> None:
        super().__post_init__()
        symmetry_rotations(self.symmetry)


@dataclass(frozen=True)
class SortState:
    """What the next round needs, and so what a file must hold to go on.

    Parameters
    ----------
    round
        Rounds done, each with its alignment.
    poses
        Of all cubes, in one frame.
    classes
        (n,) int64, of the last round.
    turned
        Degrees, mean over the cubes, in the last alignment.
    history
        As of `ais_app.core.particles.sort.Sorted`.
    """

    round: int
    poses: Poses
    classes: np.ndarray
    turned: float
    history: tuple[dict[str, float], ...]
