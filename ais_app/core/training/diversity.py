"""Which of many examples to choose so that they are not all of one kind.

Sener and Savarese (2018), "Active Learning for Convolutional Neural Networks: A Core-Set Approach", ICLR: greedily,
the example farthest from all that are chosen or labelled already (k-centre). They measure distances in the last layer
of the network; here a description by histograms stands for it, because it does not depend on the architecture, says
the same of any two networks of a feature, and can be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

Rule: TypeAlias = Callable[[Sequence[int], int], bool]

# of probability: fine at both ends, where most voxels are
_EDGES = np.array([0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.0])
_CELLS = 4  # along each axis of the layout
_SCALES = 5  # octaves of the texture


def describe(grey: np.ndarray, probabilities: Sequence[np.ndarray], *, layout: bool) -> np.ndarray:
    """Describe what a slice or a box shows.

    Parameters
    ----------
    grey
        (y, x) grey values; their scale and offset do not matter.
    probabilities
        One (y, x) per feature, each of one shape, which may be coarser than the grey values.
    layout
        Whether it matters where in the plane things are: for slices, of which neighbours show nearly the same, but
        not for boxes.

    Returns
    -------
    ndarray
        Float32, 1D. Three parts, each of which differs by at most about 1 between two descriptions: the texture (how
        the variance of the grey values is shared among octaves of size), the histogram of probability of each
        feature, and its means in a grid of cells. Shares and histograms enter as square roots, whose Euclidean
        distance is Hellinger's.
    """
    histograms = [np.histogram(plane, _EDGES)[0] / plane.size for plane in probabilities]
    parts = [np.sqrt(_octaves(grey)), np.sqrt(histograms).ravel() / np.sqrt(len(histograms))]
    if layout:
        cells = np.stack([_cells(plane) for plane in probabilities])
        parts.append(np.sqrt(cells).ravel() / np.sqrt(cells.size / 4))
    return np.concatenate(parts).astype(np.float32) / np.float32(np.sqrt(2))


def _octaves(grey: np.ndarray) -> np.ndarray:
    """Return which share of the variance is lost by each halving of the resolution, and which is left at the end."""
    plane = np.where(np.isfinite(grey), grey, np.float32(0)).astype(np.float64)
    variances = [float(plane.var())]
    for _ in range(_SCALES):
        if min(plane.shape) >= 2:
            height, width = (size // 2 * 2 for size in plane.shape)
            plane = plane[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        variances.append(min(variances[-1], float(plane.var())))
    shares = np.append(-np.diff(variances), variances[-1])
    return shares / variances[0] if variances[0] > 0 else np.eye(len(shares))[-1]


def _cells(plane: np.ndarray) -> np.ndarray:
    """Return the mean in each cell of a grid, 1D; fewer cells where there are fewer pixels."""
    rows, columns = (np.unique(np.linspace(0, n, _CELLS + 1).astype(int))[:-1] for n in plane.shape)
    sums = np.add.reduceat(np.add.reduceat(plane.astype(np.float64), rows, axis=0), columns, axis=1)
    counts = np.outer(np.diff(np.append(rows, plane.shape[0])), np.diff(np.append(columns, plane.shape[1])))
    grid = np.zeros((_CELLS, _CELLS))
    grid[: len(rows), : len(columns)] = np.clip(sums / counts, 0, 1)
    return grid.ravel()


@dataclass(frozen=True)
class Choice:
    """One example that was chosen.

    Parameters
    ----------
    number
        Which.
    score
        What it was chosen by.
    novelty
        Its distance to the nearest of what was covered or chosen before it; 1 at most, and where there was nothing.
    """

    number: int
    score: float
    novelty: float


def choose(
    worth: np.ndarray,
    descriptions: np.ndarray,
    count: int,
    *,
    covered: Sequence[np.ndarray] = (),
    weight: float = 0.5,
    rules: Sequence[Rule] = (),
) -> list[Choice]:
    """Choose examples that are worth most and differ most, one after the other.

    Parameters
    ----------
    worth
        (n,) 0 to 1.
    descriptions
        (n, d).
    count
        How many at most.
    covered
        Descriptions, (d,), of what need not be chosen again.
    weight
        Of the difference: 0 chooses by worth alone, 1 by difference alone.
    rules
        ``rule(chosen, candidate)`` says whether an example may follow those. The first rule holds until nothing is
        left that it allows, then the next.

    Returns
    -------
    list of Choice
        In the order chosen. The score is ``worth^(1 - weight) novelty^weight``, so that neither makes up for a lack
        of the other.
    """
    nearest = np.full(len(worth), np.inf)
    for known in covered:
        nearest = np.minimum(nearest, _distances(descriptions, known))
    left = np.ones(len(worth), bool)
    chosen: list[Choice] = []
    waiting = list(rules) or [_anything]
    while len(chosen) < count and left.any() and waiting:
        novelty = np.minimum(1, nearest)
        scores = worth ** (1 - weight) * novelty**weight
        before = [choice.number for choice in chosen]
        order = (int(n) for n in np.argsort(-scores, kind="stable") if left[n])
        best = next((n for n in order if waiting[0](before, n)), None)
        if best is None:
            waiting.pop(0)
            continue
        chosen.append(Choice(best, float(scores[best]), float(novelty[best])))
        left[best] = False
        nearest = np.minimum(nearest, _distances(descriptions, descriptions[best]))
    return chosen


def _distances(descriptions: np.ndarray, one: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(descriptions - one, axis=1))


def _anything(chosen: Sequence[int], candidate: int) -> bool:
    return True
