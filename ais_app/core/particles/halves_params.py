"""What an average in two halves is asked, what it remembers between iterations, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.params import Params, param
from ais_app.core.particles.average import Averages
from ais_app.core.particles.orientations import symmetry_rotations
from ais_app.core.particles.poses import Poses

SCHEDULES = ("fsc", "step")
FIRST_SHELL = 4


@dataclass(frozen=True)
class AverageParams(Params):
    """How subtomograms are aligned to their own average."""

    iterations: int = param(
        8, "Times at most that all are aligned to the average; 0 averages them as they lie", low=0, high=100
    )
    symmetry: str = param("C1", "Of the particle: C1, C2 ... about z, D2, D3 ... about z and x")
    angular_step: float = param(20.0, "Distance of the rotations tried first", unit="°", low=4, high=60)
    global_iterations: int = param(5, "Iterations that try all rotations; later ones stay near the last", low=0)
    within: float = param(20.0, "How far from the last rotation later iterations look", unit="°", low=1, high=180)
    max_shift: float | None = param(None, "Farthest the particle may lie from the middle", unit="Å", low=0)
    first_low_pass: float | None = param(
        None, "Finest detail at first; a quarter of the box if not given", unit="Å", low=1
    )
    low_pass: float | None = param(None, "Finest detail ever compared; two voxels if not given", unit="Å", low=0.1)
    schedule: str = param(
        "fsc", "Finer detail as far as the halves agree, or one shell an iteration", choices=SCHEDULES
    )
    independent: bool = param(True, "Align each half to its own average")
    random_start: bool = param(False, "Forget the rotations that particles have")
    mask_radius: float | None = param(
        None, "Radius of what belongs to the particle; the box if not given", unit="Å", low=1
    )
    filter_by_fsc: bool = param(False, "Weaken what the halves do not agree on in the final average")
    seed: int = param(0, "Of the halves and of random rotations", low=0)
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))

    def __post_init__(self) -> None:
        super().__post_init__()
        symmetry_rotations(self.symmetry)


@dataclass(frozen=True)
class HalvesState:
    """What the next iteration needs, and so what a file must hold to go on.

    Parameters
    ----------
    iteration
        Iterations done.
    poses
        Of all particles, both halves in one frame.
    half_of
        (n,) 0 or 1.
    shells
        Finest shell for the next iteration.
    fsc
        (e // 2 + 1,) correlation of the halves; what the next references are filtered by. Empty before the first.
    history
        One record an iteration: ``iteration``, ``shells``, ``resolution`` Å at 0.143, ``score`` (mean), ``turned``
        (median, degrees) and ``moved`` (median, Å).
    """

    iteration: int
    poses: Poses
    half_of: np.ndarray
    shells: float
    fsc: np.ndarray
    history: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class Refined:
    """An average and how it came about.

    Parameters
    ----------
    averages
        The average, its halves, and their correlation within the mask; ``None`` of one particle.
    poses
        Of all particles.
    half_of
        (n,) 0 or 1.
    history
        As of `HalvesState`.
    """

    averages: Averages
    poses: Poses
    half_of: np.ndarray
    history: tuple[dict[str, float], ...]
