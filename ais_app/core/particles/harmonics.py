"""Fast rotational matching: all rotations at once, from spherical harmonics of Fourier amplitudes.

Amplitudes do not depend on where a particle lies, so rotations can be searched without shifts. On each shell the
amplitudes of the subtomogram, a, and of the reference, b, less their means, are expanded in spherical harmonics; the
constrained correlation (u, v: where each is measured)

    C(R) = <u a, R(v b)> / sqrt(<u a², R v> <u, R(v b²)>)

needs three correlations over all rotations, and each is one three-dimensional Fourier transform (Kovacs & Wriggers,
2002, Acta Crystallographica D 58, 1282; the constraint as in Xu, Beck & Alber, 2012, Journal of Structural Biology 178,
152). Amplitudes are the same at k and -k, so only even degrees occur.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.linalg import expm
from scipy.sparse import csr_array
from scipy.special import gammaln, lpmv

from ais_app.core.geometry import rotation_about

DEGREE = 16
POINTS = 36
"""Angles along each axis of the grid of rotations: every 10 degrees."""


class RotationalMatching:
    """One reference, and one wedge of subtomograms, made ready.

    Parameters
    ----------
    reference
        (e, e, e // 2 + 1) amplitudes of the transform of the reference.
    wedge
        (e, e, e // 2 + 1) 1 where the subtomograms are measured.
    shells
        Highest shell compared.
    measured
        (e, e, e // 2 + 1) 1 where the reference is known; everywhere if not given.
    """

    def __init__(
        self, reference: np.ndarray, wedge: np.ndarray, shells: int, measured: np.ndarray | None = None
    ) -> None:
        self._radii = np.arange(min(2, shells), shells + 1)
        self._onto = _onto_shells(len(reference), tuple(self._radii.tolist()))
        self._wedge = self._mask(wedge)
        known = np.ones_like(self._wedge) if measured is None else self._mask(measured)
        amplitudes = self._centred(reference, known)
        self._reference = _harmonics(amplitudes * known)
        self._power = _correlation(_harmonics(self._wedge), _harmonics(amplitudes**2 * known), self._radii)
        self._known = None if measured is None else _harmonics(known)

    @property
    def rotations(self) -> np.ndarray:
        """(n, 3, 3), those that `scores` are of."""
        return _grid()

    def scores(self, amplitudes: np.ndarray) -> np.ndarray:
        """Return the correlation of a subtomogram with all rotations of the reference, (n,).

        Parameters
        ----------
        amplitudes
            (e, e, e // 2 + 1), of its transform.
        """
        values = self._centred(amplitudes, self._wedge) * self._wedge
        found = _correlation(_harmonics(values), self._reference, self._radii)
        # what a limited degree leaves of a small sum may be negative
        length = np.maximum(self._power, 0.05 * self._power.max())
        if self._known is not None:
            own = _correlation(_harmonics(values**2), self._known, self._radii)
            length = length * np.maximum(own, 0.05 * own.max())
        return np.asarray(found / np.sqrt(np.maximum(length, 1e-30)))

    def _mask(self, mask: np.ndarray) -> np.ndarray:
        shape = (len(self._radii), DEGREE + 1, 2 * DEGREE + 2)
        return ((self._onto @ mask.ravel().astype(np.float64)).reshape(shape) > 0.99).astype(np.float64)

    def _centred(self, amplitudes: np.ndarray, mask: np.ndarray) -> np.ndarray:
        values = (self._onto @ amplitudes.ravel().astype(np.float64)).reshape(mask.shape)
        weights = mask * _nodes()[1][None, :, None]
        mean = (values * weights).sum(axis=(1, 2)) / np.maximum(weights.sum(axis=(1, 2)), 1e-12)
        return np.asarray(values - mean[:, None, None])


@cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Return the cosines of the polar angles of Gauss-Legendre integration, and their weights."""
    return np.polynomial.legendre.leggauss(DEGREE + 1)


@cache
def _onto_shells(edge: int, radii: tuple[int, ...]) -> csr_array:
    """Return the matrix that interpolates transforms linearly on shells: polar angles times azimuths each."""
    cosine, _ = _nodes()
    sine = np.sqrt(1 - cosine**2)
    azimuth = np.arange(2 * DEGREE + 2) * (2 * np.pi / (2 * DEGREE + 2))
    direction = np.stack(
        np.broadcast_arrays(sine[:, None] * np.cos(azimuth), sine[:, None] * np.sin(azimuth), cosine[:, None]), axis=-1
    )
    places = (np.asarray(radii)[:, None, None, None] * direction).reshape(-1, 3)
    base = np.floor(places)
    part = places - base
    rows, columns, weights = [], [], []
    for corner in np.ndindex(2, 2, 2):
        k = base + corner
        k = np.where(k[:, :1] < 0, -k, k).astype(int)
        columns.append(((k[:, 2] % edge) * edge + k[:, 1] % edge) * (edge // 2 + 1) + np.minimum(k[:, 0], edge // 2))
        weights.append(np.where(np.asarray(corner) == 1, part, 1 - part).prod(axis=1))
        rows.append(np.arange(len(places)))
    shape = (len(places), edge * edge * (edge // 2 + 1))
    return csr_array((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


@cache
def _legendre() -> np.ndarray:
    """Return the normalised associated Legendre functions at the nodes, (even degrees, orders, nodes)."""
    cosine, _ = _nodes()
    table = np.zeros((DEGREE // 2 + 1, DEGREE + 1, len(cosine)))
    for place, degree in enumerate(range(0, DEGREE + 1, 2)):
        for order in range(degree + 1):
            norm = np.log((2 * degree + 1) / (4 * np.pi)) + gammaln(degree - order + 1) - gammaln(degree + order + 1)
            table[place, order] = np.exp(norm / 2) * lpmv(order, degree, cosine)
    return table


def _harmonics(values: np.ndarray) -> np.ndarray:
    """Return coefficients (shells, even degrees, 2 * DEGREE + 1 orders from -DEGREE) of values on shells."""
    _, weights = _nodes()
    around = np.fft.fft(values, axis=-1)[..., : DEGREE + 1] * (2 * np.pi / values.shape[-1])
    right = np.einsum("lmt,t,rtm->rlm", _legendre(), weights, around, optimize=True)
    signs = (-1.0) ** np.arange(1, DEGREE + 1)
    left = (np.conj(right[..., 1:]) * signs)[..., ::-1]
    return np.concatenate([left, right], axis=-1)


@cache
def _quarter_turns() -> np.ndarray:
    """Return Wigner's d(90 degrees), (even degrees, orders, orders), each in the middle of zeros."""
    table = np.zeros((DEGREE // 2 + 1, 2 * DEGREE + 1, 2 * DEGREE + 1))
    for place, degree in enumerate(range(0, DEGREE + 1, 2)):
        m = np.arange(-degree, degree)
        up = np.diag(np.sqrt(degree * (degree + 1) - m * (m + 1)), -1)
        turned = expm(-0.5j * np.pi * (up - up.T) / 2j)
        inside = slice(DEGREE - degree, DEGREE + degree + 1)
        table[place, inside, inside] = turned.real
    return table


def _correlation(first: np.ndarray, second: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return the integral of the first times the turned second over all shells, for all rotations of the grid."""
    pairs = np.einsum("r,rlm,rln->lmn", radii.astype(float) ** 2, np.conj(first), second, optimize=True)
    quarter = _quarter_turns()
    # d(β) = Z d(90°) exp(-iβ h) d(90°)^T Z^-1 with Z = diag((-i)^m): all three angles are angles of a transform
    orders = np.arange(-DEGREE, DEGREE + 1)
    table = np.einsum("lmh,lnh,lmn->mhn", quarter, quarter, pairs, optimize=True)
    table = table * ((-1j) ** orders)[:, None, None] * (1j**orders)[None, None, :]
    grid = np.zeros((POINTS,) * 3, dtype=complex)
    place = orders % POINTS
    grid[np.ix_(place, place, place)] = table
    return np.fft.fftn(grid).real[:, : POINTS // 2 + 1].ravel()


@cache
def _grid() -> np.ndarray:
    """Return the rotations of the grid: about z, then y, then z again, every (360 / POINTS) degrees."""
    angles = np.arange(POINTS) * (360 / POINTS)
    about_z, about_y = rotation_about("z", angles), rotation_about("y", angles[: POINTS // 2 + 1])
    return np.asarray(np.einsum("aij,bjk,ckl->abcil", about_z, about_y, about_z, optimize=True).reshape(-1, 3, 3))
