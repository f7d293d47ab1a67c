"""How unsure networks are of what they see, and where in a slice most.

Settles (2009), "Active Learning Literature Survey", Computer Sciences Technical Report 1648, University of
Wisconsin-Madison: uncertainty sampling by entropy, and query by committee.
"""

from __future__ import annotations

import numpy as np


def uncertainty(probability: np.ndarray, variance: np.ndarray | None = None) -> np.ndarray:
    """Return how unsure a prediction is, voxel by voxel.

    Parameters
    ----------
    probability
        Any shape, float 0 to 1.
    variance
        Of the probability over symmetries or models, the same shape.

    Returns
    -------
    ndarray
        Float32, 0 to 1: the binary entropy in bits, 1 where the probability is a half. With a variance, the mean of
        the entropy and of twice the standard deviation, 1 where one half says yes and the other no: what the
        predictions disagree about can be learned, while the edge of a structure stays unsharp in all of them.
    """
    p = np.clip(np.asarray(probability, dtype=np.float32), _SURE, 1 - _SURE)
    entropy = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    if variance is None:
        return entropy
    return 0.5 * (entropy + np.minimum(1, 2 * np.sqrt(variance, dtype=np.float32)))


_SURE = np.float32(1e-6)  # an entropy of 2e-5 bits, and a logarithm that is a number


def top_mean(values: np.ndarray, fraction: float) -> float:
    """Return the mean of the largest values, at least one: `fraction` of them.

    Most of a slice is background that no network doubts; a mean over all of it would rank slices by how much of them
    is not background.
    """
    flat = np.ravel(values)
    count = max(1, round(fraction * flat.size))
    return float(np.partition(flat, flat.size - count)[flat.size - count :].mean())


def best_squares(values: np.ndarray, edge: int, count: int) -> list[tuple[int, int]]:
    """Return the squares with the highest means, highest first, none overlapping another.

    Parameters
    ----------
    values
        (y, x), not negative.
    edge
        Of a square; no longer than either axis.
    count
        How many at most; squares of nothing but zeros are not among them.

    Returns
    -------
    list
        (y, x) of the first pixel of each.
    """
    sums = np.pad(values.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    whole = sums[edge:, edge:] - sums[:-edge, edge:] - sums[edge:, :-edge] + sums[:-edge, :-edge]
    found: list[tuple[int, int]] = []
    while len(found) < count and whole.max() > _NOTHING:
        y, x = (int(at) for at in np.unravel_index(int(whole.argmax()), whole.shape))
        found.append((y, x))
        whole[max(0, y - edge + 1) : y + edge, max(0, x - edge + 1) : x + edge] = 0
    return found


_NOTHING = 1e-6  # rounding of the running sums
