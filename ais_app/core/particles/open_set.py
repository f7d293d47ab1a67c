"""Cubes of classes that a network was never shown: told by their distance to all classes that it was.

    features ─► distance to the nearest class, in units of how far cubes of a class lie from its middle
                                                    └─ farther than held-out cubes are: unknown

Features of a class are taken for a cloud around its mean, of the same shape for all classes (Lee et al., 2018, A simple
unified framework for detecting out-of-distribution samples, section 2.1: Mahalanobis distance). How sure a network is
of its answer says far less: a ball is a very good shell to one that has never seen a ball.

`verify` compares cubes with each other, as Du et al. (2019), Open-set recognition of unseen macromolecules, section 4:
are two of one class, although no network was trained on that class?
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ModelProblem, ParameterProblem
from ais_app.core.jobs import Job, direct

if TYPE_CHECKING:
    from ais_app.core.model.package import Model
    from ais_app.core.training.boxes import TrainingData

UNKNOWN = "unknown"
QUANTILES = 101  # of the distances of held-out cubes that are kept
FALSE_ACCEPTS = 1e-3  # at which the share of right accepts is stated
AXES = 64  # directions whose variance is kept; all others share one
SHRINKAGE = 0.1  # of the mean variance, added to that of each direction: few cubes leave some without any
_DIGITS = 5


@dataclass(frozen=True)
class OpenSet:
    """Where the classes of a network lie among its features.

    Parameters
    ----------
    centres
        (classes, f) float64; NaN where a class has no cube.
    axes
        (r, f) float64: directions in which cubes of a class differ most from each other, of length 1.
    variances
        (r,) float64, how much along each.
    rest
        Variance along all other directions.
    distances
        (k,) float64 ascending: quantiles, evenly from 0 to 1, of the distances of held-out cubes to the nearest class.
    """

    centres: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    rest: float
    distances: np.ndarray

    def distance(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far features (n, f) are from the nearest class, (n,) float64, and which it is, (n,) int64.

        Somewhat below 1 for a cube of a class.
        """
        features = np.asarray(features, np.float64)
        squares = np.full((len(features), len(self.centres)), np.inf)
        for number, centre in enumerate(self.centres):
            if not np.isnan(centre).any():
                apart = features - centre
                along = np.square(apart @ self.axes.T)
                across = np.maximum(np.square(apart).sum(1) - along.sum(1), 0)
                squares[:, number] = along @ (1 / self.variances) + across / self.rest
        nearest = squares.argmin(1)
        return np.sqrt(squares[np.arange(len(features)), nearest] / self.centres.shape[1]), nearest

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
        found = {"centres": centres, "axes": [_rounded(row) for row in self.axes], "rest": float(self.rest)}
        return found | {"variances": [float(v) for v in self.variances], "distances": _rounded(self.distances)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> OpenSet:
        """Read the values of `to_dict`.

        Raises
        ------
        ModelProblem
            They are damaged.
        """
        try:
            axes, variances = np.array(values["axes"], float), np.array(values["variances"], float)
            empty = np.full(axes.shape[1], np.nan)
            centres = np.array([empty if row is None else row for row in values["centres"]], float)
            found = cls(centres, axes, variances, float(values["rest"]), np.array(values["distances"], float))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelProblem("open set", f"the model's record is damaged ({error})", "train it again") from error
        sound = centres.ndim == 2 and centres.shape[1:] == axes.shape[1:] and len(axes) == len(variances)
        if not sound or not found.distances.size or not found.rest > 0 or not (variances > 0).all():
            raise ModelProblem("open set", "the model's record is damaged", "train it again")
        return found


def fit_open_set(
    features: np.ndarray, labels: np.ndarray, held_out: np.ndarray, held_out_labels: np.ndarray, classes: int
) -> OpenSet:
    """Find where classes lie, and how far cubes of these classes are from them.

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
        No cube with a class was held out, or there is none to find classes from.
    """
    known, measured = labels >= 0, held_out_labels >= 0
    if not known.any() or not measured.any():
        raise ParameterProblem("open set", "needs cubes with a class, and some held out", "hold out a share of them")
    features, labels = np.asarray(features[known], np.float64), labels[known]
    centres = np.full((classes, features.shape[1]), np.nan)
    for label in np.unique(labels):
        centres[label] = features[labels == label].mean(0)
    apart = features - centres[labels]
    total = float(np.square(apart).sum() / len(apart))
    width = features.shape[1]
    least = SHRINKAGE * total / width or 1.0
    _, lengths, axes = np.linalg.svd(apart, full_matrices=False)
    axes, variances = axes[:AXES], (np.square(lengths) / len(apart))[:AXES]
    others = width - len(axes)
    rest = max(0.0, total - float(variances.sum())) / others if others else 0.0
    found = OpenSet(centres, axes, variances + least, rest + least, np.zeros(1))
    away = found.distance(held_out[measured])[0]
    return dataclasses.replace(found, distances=np.quantile(away, np.linspace(0, 1, QUANTILES)))


def record_known_job(model: Model, data: TrainingData, *, device: str = "cpu") -> Job[Model]:
    """Let a classifier's card know where its classes lie among its features, a job.

    Parameters
    ----------
    model
        The classifier.
    data
        What it was trained on; something must be held out.
    device
        Of torch.
    """
    from ais_app.core.particles.classify import answers_job, middle

    if data.held_out is None:
        raise ParameterProblem("open set", "nothing was held out", "hold out a share of the subtomograms")
    seen = []
    for boxes in (data.training, data.held_out):
        cubes = middle(boxes.images, data.held_out.images.shape[1])
        answers = yield from answers_job(model, cubes, with_features=True, device=device)
        assert answers.features is not None  # asked for
        seen.append(answers.features)
    classes = answers.logits.shape[1]
    found = fit_open_set(seen[0], data.training.labels, seen[1], data.held_out.labels, classes)
    card = dataclasses.replace(model.card, training={**model.card.training, "known": found.to_dict()})
    return dataclasses.replace(model, card=card)


record_known = direct(record_known_job)


def known_classes(model: Model, path: str | Path | None = None) -> OpenSet:
    """Return where the classes of a model lie among its features; `path` is its file, for the message.

    Raises
    ------
    ModelProblem
        Its card does not say.
    """
    record = model.card.training.get("known")
    if record is None:
        name = model.card.feature if path is None else path
        if "target" in model.card.training.get("data", {}).get("cubes", {}):  # no class of a target is known
            problem = "was adapted, and no adapted network knows how far its classes reach"
            raise ModelProblem(name, problem, "give the network that it was adapted from")
        problem = "does not say how far subtomograms of its classes lie from each other"
        raise ModelProblem(name, problem, "train it to the end with something held out")
    return OpenSet.from_dict(record)


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
