"""What FAML is asked, what it remembers between iterations, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.params import Params, param
from ais_app.core.particles.average import Averages
from ais_app.core.particles.poses import Poses


@dataclass(frozen=True)
class FamlParams(Params):
    """How subtomograms are aligned and sorted by maximum likelihood."""

    classes: int = param(2, "Classes", low=1, high=50)
    iterations: int = param(12, "Times that poses and classes are estimated anew", low=1, high=200)
    angular_step: float = param(20.0, "Distance of the rotations tried first", unit="°", low=4, high=60)
    candidates: int = param(6, "Poses kept for each class and particle", low=1, high=50)
    low_pass: float | None = param(None, "Finest detail compared; a fifth of the box if not given", unit="Å", low=0.1)
    max_shift: float | None = param(None, "Farthest the particle may lie from the middle", unit="Å", low=0)
    hold_together: bool = param(False, "Keep classes alike at first")
    seed: int = param(0, "Of the first classes", low=0)
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))


@dataclass(frozen=True)
class FamlState:
    """What the next iteration needs, and so what a file must hold to go on.

    Parameters
    ----------
    iteration
        Iterations done.
    model, candidates
        The fields of `ais_app.core.particles.faml_model.Model` and of its `Candidates`, as arrays.
    history
        As of `Faml`.
    """

    iteration: int
    model: dict[str, np.ndarray]
    candidates: dict[str, np.ndarray]
    history: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class Faml:
    """Subtomograms in classes.

    Parameters
    ----------
    probability
        (n, K) float64: how probable each class is for each cube; rows add up to 1.
    classes
        (n,) int64: the most probable one; 0 is the largest class.
    poses
        Most probable pose in that class; scores are correlations within the band that was compared.
    alpha
        (K,) float64: shares of the classes; they add up to 1.
    sigma2
        Variance of the noise, of cubes standardised to a variance of 1: of a voxel of white noise as strong.
    xi
        Å: spread of the shifts along an axis.
    averages
        One for each class, of all cubes by their probability, with two halves.
    history
        One record an iteration: ``iteration``, ``shells``, ``log_likelihood``, ``sigma2``, ``xi``, ``changed`` (share
        of the cubes whose class changed) and the shares of the classes.
    """

    probability: np.ndarray
    classes: np.ndarray
    poses: Poses
    alpha: np.ndarray
    sigma2: float
    xi: float
    averages: tuple[Averages, ...]
    history: tuple[dict[str, float], ...]
