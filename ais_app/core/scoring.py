"""Scores of a result against the truth: masks, picks, curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem


@dataclass(frozen=True)
class PickScore:
    """How picks compare with the truth, matched one to one.

    Parameters
    ----------
    found, truth, matched
        Numbers of picks, of true particles, and of pairs closer than the radius.
    distance
        Median distance of the matched pairs, Å; NaN when there is none.
    """

    found: int
    truth: int
    matched: int
    distance: float

    @property
    def precision(self) -> float:
        """Share of the picks that are right; 1 when there is no pick."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the true particles that were found; 1 when there is none to find."""
        return self.matched / self.truth if self.truth else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.found + self.truth
        return 2 * self.matched / total if total else 1.0


@dataclass(frozen=True)
class CurveScore:
    """How a traced curve compares with a true axis, Å.

    Parameters
    ----------
    median, worst
        Distance of the traced points to the nearest true curve.
    coverage
        Share of the true curves' length that has a traced point within twice the tolerance given.
    """

    median: float
    worst: float
    coverage: float


def dice(mask: np.ndarray, truth: np.ndarray, ignore: np.ndarray | None = None) -> float:
    """Return the Dice coefficient of two masks, 0 to 1; two empty masks agree perfectly.

    Parameters
    ----------
    mask, truth
        Arrays of one shape, true inside.
    ignore
        True where neither counts.
    """
    if mask.shape != truth.shape:
        raise ParameterProblem("dice", f"shapes {mask.shape} and {truth.shape} differ")
    mask, truth = mask.astype(bool), truth.astype(bool)
    if ignore is not None:
        mask, truth = mask & ~ignore, truth & ~ignore
    total = np.count_nonzero(mask) + np.count_nonzero(truth)
    return 2 * np.count_nonzero(mask & truth) / total if total else 1.0


def score_picks(found: np.ndarray, truth: np.ndarray, radius: float) -> PickScore:
    """Match picks with true positions one to one, as many as possible, none farther apart than `radius`.

    Parameters
    ----------
    found, truth
        (n, 3) positions in one frame and unit, Å.
    radius
        Largest distance of a match, Å; half the particle's radius is usual.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching
    from scipy.spatial import cKDTree

    found, truth = np.reshape(found, (-1, 3)), np.reshape(truth, (-1, 3))
    if not len(found) or not len(truth):
        return PickScore(len(found), len(truth), 0, float("nan"))
    near = cKDTree(found).query_ball_point(truth, radius)
    pairs = np.array([(row, column) for row, columns in enumerate(near) for column in columns], dtype=int).reshape(
        -1, 2
    )
    graph = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(truth), len(found)))
    partner = maximum_bipartite_matching(graph, perm_type="column")
    matched = np.flatnonzero(partner >= 0)
    distances = np.linalg.norm(truth[matched] - found[partner[matched]], axis=1)
    median = float(np.median(distances)) if len(matched) else float("nan")
    return PickScore(len(found), len(truth), len(matched), median)


def score_curves(traced: list[np.ndarray], truth: list[np.ndarray], tolerance: float) -> CurveScore:
    """Compare traced curves with true ones.

    Parameters
    ----------
    traced, truth
        Polylines, each (n, 3) in one frame and unit, Å.
    tolerance
        Å; a true point is covered when a traced one lies within twice this.
    """
    from scipy.spatial import cKDTree

    if not truth:
        raise ParameterProblem("truth", "has no curve", "give at least one")
    step = tolerance / 4
    true_points = np.concatenate([_dense(curve, step) for curve in truth])
    if not traced:
        return CurveScore(float("inf"), float("inf"), 0.0)
    points = np.concatenate([_dense(curve, step) for curve in traced])
    errors = cKDTree(true_points).query(points)[0]
    covered = cKDTree(points).query(true_points)[0] <= 2 * tolerance
    return CurveScore(float(np.median(errors)), float(errors.max()), float(covered.mean()))


def _dense(curve: np.ndarray, step: float) -> np.ndarray:
    """Return points along a polyline no farther apart than `step`."""
    curve = np.asarray(curve, dtype=float)
    lengths = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    at = np.linspace(0, along[-1], max(2, int(np.ceil(along[-1] / step)) + 1))
    return np.stack([np.interp(at, along, curve[:, axis]) for axis in range(curve.shape[1])], axis=1)
