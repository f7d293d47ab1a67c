"""A matrix as a sum of one of low rank and one of few entries: principal component pursuit.

    minimise ‖L‖_* + λ ‖S‖₁  subject to  L + S = M

Candès, Li, Ma and Wright (2011), J. ACM 58, 11, algorithm 1 (alternating directions).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress

_TOLERANCE = 1e-7
_MOST = 1000  # steps; a matrix of features takes 100 to 300
_SHOWN = 10  # steps between two reports


@dataclass(frozen=True)
class Pursuit:
    """A matrix taken apart.

    Parameters
    ----------
    low_rank, sparse
        (m, n) float64, whose sum is the matrix.
    steps
        How many steps it took.
    converged
        Whether the sum is as exact as was asked.
    """

    low_rank: np.ndarray
    sparse: np.ndarray
    steps: int
    converged: bool


def robust_pca_job(
    matrix: np.ndarray, weight: float | None = None, tolerance: float = _TOLERANCE, most: int = _MOST
) -> Job[Pursuit]:
    """Take a matrix apart; a job.

    Parameters
    ----------
    matrix
        (m, n) finite numbers.
    weight
        λ; ``1 / sqrt(max(m, n))`` when ``None``, which needs no tuning.
    tolerance
        How much of the matrix may be missing from the sum, as a share of its norm.
    most
        Steps after which it ends in any case.

    Returns
    -------
    Pursuit
        The two parts.

    Raises
    ------
    ParameterProblem
        The matrix is empty, not a matrix or not finite.
    """
    given = np.asarray(matrix, dtype=np.float64)
    if given.ndim != 2 or given.size == 0 or not np.isfinite(given).all():
        raise ParameterProblem("matrix", f"is no matrix of finite numbers: {given.shape}", "give (m, n) numbers")
    size, total = float(np.linalg.norm(given)), float(np.abs(given).sum())
    low, sparse = np.zeros_like(given), np.zeros_like(given)
    if size == 0:
        return Pursuit(low, sparse, 0, True)
    weight = 1 / np.sqrt(max(given.shape)) if weight is None else weight
    penalty = given.size / (4 * total)
    dual = np.zeros_like(given)
    for step in range(1, most + 1):
        low = _singular_values_shrunk(given - sparse + dual / penalty, 1 / penalty)
        sparse = _shrunk(given - low + dual / penalty, weight / penalty)
        rest = given - low - sparse
        dual += penalty * rest
        left = float(np.linalg.norm(rest)) / size
        if step % _SHOWN == 0:
            yield Progress(step, most, "low rank and sparse", {"left": left})
        if left < tolerance:
            return Pursuit(low, sparse, step, True)
    return Pursuit(low, sparse, most, False)


def _shrunk(values: np.ndarray, by: float) -> np.ndarray:
    return np.sign(values) * np.maximum(np.abs(values) - by, 0)


def _singular_values_shrunk(values: np.ndarray, by: float) -> np.ndarray:
    """Return the matrix with singular values less by `by`, and those below it zero.

    By the eigenvectors of the smaller Gram matrix: some features of many supervoxels make a long and thin matrix.
    """
    if values.shape[0] > values.shape[1]:
        return _singular_values_shrunk(values.T, by).T
    squares, vectors = np.linalg.eigh(values @ values.T)
    singular = np.sqrt(np.maximum(squares, 0))
    kept = singular > by
    chosen = vectors[:, kept]
    shrunk: np.ndarray = (chosen * (1 - by / singular[kept])) @ (chosen.T @ values)
    return shrunk
