"""Principal components: the few numbers in which many cubes differ most.

scikit-learn finds them too, but through routines that keep the interpreter's lock for up to 0.1 s at a time, in which
the window halts; numpy's give it up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MORE = 10  # directions beyond those that are wanted, as in the paper
_ROUNDS = 5  # of power iteration
_FEW = 5  # times the wanted components: of fewer rows or columns all components are calculated


@dataclass(frozen=True)
class Components:
    """Principal components of some rows.

    Parameters
    ----------
    mean
        (p,) of the rows.
    directions
        (k, p), orthonormal, the one with the largest variance first.
    """

    mean: np.ndarray
    directions: np.ndarray

    def codes(self, rows: np.ndarray) -> np.ndarray:
        """Return the coordinates of rows (n, p) along the directions, (n, k)."""
        return rows @ self.directions.T - self.mean @ self.directions.T

    def rows(self, codes: np.ndarray) -> np.ndarray:
        """Return the rows (n, p) that have these coordinates (n, k), and are the mean otherwise."""
        return codes @ self.directions + self.mean


def principal_components(rows: np.ndarray, count: int, seed: int = 0) -> Components:
    """Return the directions in which rows differ most.

    Of many rows and columns they are found by random projection and power iteration (Halko, Martinsson and Tropp 2011,
    SIAM Review 53, 217, algorithms 4.4 and 5.1). Signs are chosen so that the largest number of each is positive.

    Parameters
    ----------
    rows
        (n, p) float32 or float64; they are neither changed nor copied where there are many.
    count
        Directions, at most the smaller of n and p.
    seed
        Of the projection.
    """
    mean = rows.mean(axis=0)
    if min(rows.shape) <= _FEW * count:
        directions = np.linalg.svd(rows - mean, full_matrices=False)[2]
    else:
        start = np.random.default_rng((seed, 17)).standard_normal((rows.shape[1], count + _MORE))
        within = _basis(_forth(rows, mean, start.astype(rows.dtype)))
        for _ in range(_ROUNDS):
            within = _basis(_forth(rows, mean, _basis(_back(rows, mean, within))))
        directions = np.linalg.svd(_back(rows, mean, within).T, full_matrices=False)[2]
    directions = directions[:count]
    largest = np.abs(directions).argmax(axis=1)
    signs = np.where(np.take_along_axis(directions, largest[:, None], axis=1) < 0, -1, 1)
    return Components(mean, directions * signs.astype(directions.dtype))


def _forth(rows: np.ndarray, mean: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return rows @ columns - mean @ columns


def _back(rows: np.ndarray, mean: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return rows.T @ columns - np.outer(mean, columns.sum(axis=0))


def _basis(columns: np.ndarray) -> np.ndarray:
    return np.linalg.qr(columns)[0]
