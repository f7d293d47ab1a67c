"""Cubes of classes that a network was never shown: told by their distance to all classes that it was.

    features ─ mean removed ─ length 1 ─► distance to the nearest centre of a class ─► farther than held-out cubes are: unknown

The distance is that of Du et al. (2019), Open-set recognition of unseen macromolecules, section 4, by which they also
verify: whether two cubes are of one class although no network was trained on that class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ais_app.core.errors import ModelProblem, ParameterProblem

UNKNOWN = "unknown"
QUANTILES = 101  # of the distances of held-out cubes that are kept
FALSE_ACCEPTS = 1e-3  # at which the share of right accepts is stated
_DIGITS = 5


@dataclass(frozen=True)
class OpenSet:
    """Where the classes of a network lie among its features.

    Parameters
    ----------
    mean
        (f,) float64, removed from features before they are brought to length 1.
    centres
        (classes, f) float64, of length 1; NaN where a class has no cube.
    distances
        (k,) float64 ascending: quantiles, evenly from 0 to 1, of the distances of held-out cubes to the nearest centre.
    """

    mean: np.ndarray
    centres: np.ndarray
    distances: np.ndarray

    def distance(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far features (n, f) are from the nearest class, (n,) float64 from 0 to 2, and which it is."""
        from scipy.spatial.distance import cdist

        apart = cdist(directions(features, self.mean), np.nan_to_num(self.centres, nan=1e6))
        return apart.min(1), apart.argmin(1)

    def threshold(self, accepted: float) -> float:
        """Return the distance within which this share of the held-out cubes lies.

        Raises
        ------
        ParameterProblem
            The share is not between 0 and 1.
        """
        if not 0 < accepted <= 1:
            raise ParameterProblem("accepted", f"{accepted} is not a share between 0 and 1", "give 0.95")
        return float(np.interp(accepted, np.linspace(0, 1, len(self.distances)), self.distances))

    def unknown(self, features: np.ndarray, accepted: float = 0.95) -> np.ndarray:
        """Return (n,) bool: which features (n, f) are farther from all classes than held-out cubes are."""
        return self.distance(features)[0] > self.threshold(accepted)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values, for the card of a model."""
        centres = [None if np.isnan(row).any() else _rounded(row) for row in self.centres]
        return {"mean": _rounded(self.mean), "centres": centres, "distances": _rounded(self.distances)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> OpenSet:
        """Read the values of `to_dict`.

        Raises
        ------
        ModelProblem
            They are damaged.
        """
        try:
            mean = np.asarray(values["mean"], float)
            centres = np.array([np.full(len(mean), np.nan) if row is None else row for row in values["centres"]], float)
            distances = np.asarray(values["distances"], float)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelProblem("open set", f"the model's record is damaged ({error})", "train it again") from error
        if centres.ndim != 2 or centres.shape[1:] != mean.shape or not distances.size:
            raise ModelProblem("open set", "the model's record is damaged", "train it again")
        return cls(mean, centres, distances)


def fit_open_set(
    features: np.ndarray, labels: np.ndarray, held_out: np.ndarray, held_out_labels: np.ndarray, classes: int
) -> OpenSet:
    """Find the centres of classes, and how far cubes of these classes are from them.

    Parameters
    ----------
    features, labels
        (n, f) of cubes that the network was trained on, and (n,) their classes; −1: none, takes no part.
    held_out, held_out_labels
        (m, f), (m,) of cubes that it was not trained on: those it knows lie too near.
    classes
        How many there are.

    Raises
    ------
    ParameterProblem
        No cube with a class was held out, or there is none to find centres from.
    """
    known, measured = labels >= 0, held_out_labels >= 0
    if not known.any() or not measured.any():
        raise ParameterProblem("open set", "needs cubes with a class, and some held out", "hold out a share of them")
    mean = features[known].mean(0, dtype=np.float64)
    towards = directions(features, mean)
    centres = np.full((classes, features.shape[1]), np.nan)
    for label in np.unique(labels[known]):
        middle = towards[labels == label].mean(0)
        centres[label] = middle / max(np.linalg.norm(middle), 1e-12)
    found = OpenSet(mean, centres, np.zeros(1))
    apart = found.distance(held_out[measured])[0]
    return OpenSet(mean, centres, np.quantile(apart, np.linspace(0, 1, QUANTILES)))


def directions(features: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return features (n, f) with their mean (f,) removed and of length 1, float64."""
    moved = np.asarray(features, np.float64) - mean
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)


@dataclass(frozen=True)
class Verification:
    """How well the distance of two cubes tells whether they are of one class.

    Parameters
    ----------
    auc
        Area under the curve of right against wrong accepts; 0.5 is chance.
    equal_error
        Share of errors where as many pairs are wrongly accepted as are wrongly refused.
    accepted
        Share of pairs of one class accepted where one in a thousand of the others is.
    pairs
        Pairs of one class, and of two.
    """

    auc: float
    equal_error: float
    accepted: float
    pairs: tuple[int, int]


def verify(features: np.ndarray, labels: np.ndarray) -> Verification:
    """Compare every pair of cubes by the distance of their features.

    Parameters
    ----------
    features
        (n, f), of classes that the network was not trained on.
    labels
        (n,) their classes; −1 takes no part.

    Raises
    ------
    ParameterProblem
        There are no two cubes of one class, or no two of different classes.
    """
    from scipy.spatial.distance import pdist
    from sklearn.metrics import roc_auc_score, roc_curve

    known = labels >= 0
    features, labels = features[known], labels[known]
    one, two = np.triu_indices(len(labels), 1)
    same = labels[one] == labels[two]
    if not same.any() or same.all():
        raise ParameterProblem("verification", "needs pairs of one class and of two", "give two cubes of each of two")
    near = -pdist(directions(features, features.mean(0, dtype=np.float64)))
    wrong, right, _ = roc_curve(same, near)
    at = int(np.argmin(np.abs(wrong - (1 - right))))
    accepted = float(right[wrong <= FALSE_ACCEPTS].max())
    counts = (int(same.sum()), int((~same).sum()))
    return Verification(float(roc_auc_score(same, near)), float((wrong[at] + 1 - right[at]) / 2), accepted, counts)


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]
