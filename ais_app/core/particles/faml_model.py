"""What FAML is about: the data of a band of frequencies, the model that explains it, and the candidates of a pose.

With X a transform, w what its wedge has measured, A_k the transforms of the classes, R a rotation and q a shift:

    ln p(X | k, R, q) = -Σ_j w |R A_k - X|² / 2σ²,   ln p(q) = -|q|² / 2ξ²,   p(k) = α_k

Sums run over one of each pair of frequencies, which halves them, and σ² is the mean of |R A - X|²; so
-Σ |R A - X|² / σ² is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ais_app.core.particles.correlation import Band
from ais_app.core.particles.fourier import from_fourier, resized
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge

_NO_PROBABILITY = 1e-9


@dataclass(frozen=True)
class Data:
    """Subtomograms at the frequencies of one band, on a grid just large enough for it.

    Parameters
    ----------
    edge
        Voxels of the cubes as they came.
    cubes
        (n, m, m, m) float32, made smaller in Fourier space.
    transforms
        (n, m, m, m // 2 + 1) complex64, of the cubes.
    bands
        One for each wedge: what it has measured.
    wedges, wedge_of
        As everywhere.
    shells
        Of the band.
    """

    edge: int
    cubes: torch.Tensor
    transforms: torch.Tensor
    bands: tuple[Band, ...]
    wedges: tuple[Wedge, ...]
    wedge_of: np.ndarray
    shells: int

    @property
    def scale(self) -> float:
        """Voxels of the cubes as they came, in one of these."""
        return self.edge / int(self.cubes.shape[-1])

    @staticmethod
    def of(transforms: torch.Tensor, edge: int, wedges: tuple[Wedge, ...], wedge_of: np.ndarray, shells: int) -> Data:
        """Return the data up to a shell from transforms, at least as large, of standardised cubes of `edge` voxels."""
        small = min(edge, 2 * shells + 4)
        low = resized(transforms, int(transforms.shape[1]), small)
        masks = [wedge.mask(small, device=low.device) for wedge in wedges]
        bands = tuple(Band.up_to(small, shells, mask, low.device) for mask in masks)
        return Data(edge, from_fourier(low, small), low, bands, wedges, wedge_of, shells)


@dataclass(frozen=True)
class Model:
    """The classes and what is known of the data.

    Parameters
    ----------
    classes
        (K, m, m, m // 2 + 1) complex64: A, on the grid of the data.
    alpha
        (K,) float64: share of each class; adds up to 1.
    sigma2
        Variance of the noise of a frequency.
    xi
        Voxels of the cubes as they came: spread of the shifts along an axis.
    """

    classes: torch.Tensor
    alpha: np.ndarray
    sigma2: float
    xi: float

    def on(self, data: Data) -> Model:
        """Return the model on the grid of other data."""
        before, after = int(self.classes.shape[1]), int(data.cubes.shape[-1])
        # sums over the voxels of a transform grow with their number, and the variance with its square
        factor = (after / before) ** 6
        return replace(self, classes=resized(self.classes, before, after), sigma2=self.sigma2 * factor)


@dataclass(frozen=True)
class Candidates:
    """Where each class may lie in each cube.

    Parameters
    ----------
    rotations
        (n, K, M, 3, 3) float64.
    shifts
        (n, K, M, 3) float64, z y x, voxels of the cubes as they came.
    log_probability
        (n, K, M) float64, not normalised; -inf for candidates that are another one's.
    residual
        (n, K, M) float64: Σ w |R A - X|² over the band.
    correlation
        (n, K, M) float64.
    """

    rotations: np.ndarray
    shifts: np.ndarray
    log_probability: np.ndarray
    residual: np.ndarray
    correlation: np.ndarray

    @property
    def probability(self) -> np.ndarray:
        """(n, K, M) float64: posterior; those of a cube add up to 1. By log-sum-exp: no number is too small for it.

        0 where less than one in a billion: a class that nothing belongs to is empty.
        """
        from scipy.special import logsumexp

        total = logsumexp(self.log_probability, axis=(1, 2), keepdims=True)
        probability = np.exp(self.log_probability - total)
        return np.where(probability > _NO_PROBABILITY, probability, 0)

    def best(self, classes: np.ndarray) -> Poses:
        """Return the most probable pose of each cube in the class given for it, (n,)."""
        rows = np.arange(len(classes))
        which = self.log_probability[rows, classes].argmax(axis=1)
        chosen = rows, classes, which
        return Poses(self.rotations[chosen], self.shifts[chosen], self.correlation[chosen])

    @staticmethod
    def joined(parts: list[Candidates]) -> Candidates:
        """Return the candidates of all cubes."""
        names = ("rotations", "shifts", "log_probability", "residual", "correlation")
        return Candidates(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
