"""How good a network is on data it did not learn from."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ais_app.core.annotation.labels import IGNORE


@dataclass(frozen=True)
class Scores:
    """Agreement of probabilities with labels over all voxels that are not ignored.

    Parameters
    ----------
    dice, precision, recall
        At a probability of 0.5. 1 where there is nothing to find and nothing was found.
    average_precision
        Area under the precision-recall curve; NaN where no voxel is labelled 1.
    best_threshold
        Probability at which Dice would be highest.
    best_dice
        Dice there.
    """

    dice: float
    precision: float
    recall: float
    average_precision: float
    best_threshold: float
    best_dice: float

    def to_dict(self) -> dict[str, float | None]:
        """Return the scores as JSON-able values; NaN becomes ``None``."""
        return {name: None if np.isnan(value) else round(value, 6) for name, value in asdict(self).items()}


def scores(probability: np.ndarray, labels: np.ndarray) -> Scores:
    """Compare probabilities, any shape, float32 0 to 1, with labels of that shape (0, 1, 2 = ignore)."""
    counted = labels != IGNORE
    truth = labels[counted] == 1
    levels = np.clip((probability[counted] * _LEVELS).astype(np.int64), 0, _LEVELS - 1)
    hits = np.bincount(levels[truth], minlength=_LEVELS)[::-1].cumsum()[::-1].astype(float)
    found = np.bincount(levels, minlength=_LEVELS)[::-1].cumsum()[::-1].astype(float)
    wanted = float(np.count_nonzero(truth))
    dices = np.where(found + wanted > 0, 2 * hits / np.maximum(found + wanted, 1), 1.0)
    half = _LEVELS // 2
    best = int(dices.argmax())
    return Scores(
        dice=float(dices[half]),
        precision=float(hits[half] / found[half]) if found[half] else 1.0,
        recall=float(hits[half] / wanted) if wanted else 1.0,
        average_precision=_average_precision(hits, found, wanted),
        best_threshold=best / _LEVELS,
        best_dice=float(dices[best]),
    )


_LEVELS = 1000  # a thousandth of probability resolves the curve far below its own scatter, without sorting


def _average_precision(hits: np.ndarray, found: np.ndarray, wanted: float) -> float:
    """Sum precision times the recall each level adds, from the highest probability down."""
    if not wanted:
        return float("nan")
    hits, found = hits[::-1], found[::-1]
    precision = hits / np.maximum(found, 1)
    return float(np.sum(precision * np.diff(hits, prepend=0)) / wanted)
