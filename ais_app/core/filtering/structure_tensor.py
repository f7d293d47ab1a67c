"""What flows in which direction at each voxel, from the structure tensor there; compiled.

Frangakis and Hegerl (2001), J. Struct. Biol. 135, 239; Fernández and Li (2003), J. Struct. Biol. 144, 152. The
eigenvalues mu1 >= mu2 >= mu3 of the structure tensor say how much grey values change in three directions:

    no coherence:  1 - exp(-3.31488 (K / |grad|)^8) in 1 and 2, 1 in 3
    coherence:     alpha in 1, alpha + (1 - alpha) exp(-C / (mu1 - mu3)²) in 3, and likewise in 2 where there is a sheet

Tensors are (6, n): zz, yy, xx, zy, zx, yx.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ais_app.core.filtering.hessian import symmetric_eigenvalues

_FLOOR = 0.01  # what flows in any direction, alpha


@njit(cache=True, nogil=True)
def _turn(m, v, p, q):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Turn a symmetric matrix in place so that its element (p, q) becomes 0; `v` collects the turns."""
    theta = (m[q, q] - m[p, p]) / (2 * m[p, q])
    t = (1.0 if theta >= 0 else -1.0) / (abs(theta) + np.sqrt(theta * theta + 1))
    c = 1 / np.sqrt(t * t + 1)
    s = t * c
    for k in range(3):
        a, b = m[k, p], m[k, q]
        m[k, p], m[k, q] = c * a - s * b, s * a + c * b
    for k in range(3):
        a, b = m[p, k], m[q, k]
        m[p, k], m[q, k] = c * a - s * b, s * a + c * b
        a, b = v[k, p], v[k, q]
        v[k, p], v[k, q] = c * a - s * b, s * a + c * b


@njit(cache=True, nogil=True)
def _eigen(m, v, three_d):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Make a symmetric 3 x 3 matrix diagonal in place, with its eigenvectors in the columns of `v` (Jacobi).

    In 2D z stands alone, and one turn is enough.
    """
    v[:] = 0.0
    v[0, 0] = v[1, 1] = v[2, 2] = 1.0
    for _ in range(12 if three_d else 1):
        off = m[0, 1] ** 2 + m[0, 2] ** 2 + m[1, 2] ** 2
        if off <= 1e-22 * (m[0, 0] ** 2 + m[1, 1] ** 2 + m[2, 2] ** 2) + 1e-300:
            break
        for p, q in ((0, 1), (0, 2), (1, 2)):
            if m[p, q] != 0.0:
                _turn(m, v, p, q)


@njit(cache=True, nogil=True)
def _taken(structure, at, m):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Put the six components at a voxel into a matrix."""
    m[0, 0], m[1, 1], m[2, 2] = structure[0, at], structure[1, at], structure[2, at]
    m[0, 1], m[0, 2], m[1, 2] = structure[3, at], structure[4, at], structure[5, at]
    m[1, 0], m[2, 0], m[2, 1] = m[0, 1], m[0, 2], m[1, 2]


@njit(cache=True, nogil=True)
def _order(m, three_d, order):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Order the eigenvalues on the diagonal, largest first; in 2D that of z is left out of the first two."""
    order[0], order[1], order[2] = (0, 1, 2) if three_d else (1, 2, 0)
    for i in range(3 if three_d else 2):
        for j in range(i):
            if m[order[i], order[i]] > m[order[j], order[j]]:
                order[i], order[j] = order[j], order[i]


@njit(cache=True, nogil=True)
def spreads(structure, three_d, out, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Largest less smallest eigenvalue."""
    for at in range(low, high):
        yy, xx, yx = float(structure[1, at]), float(structure[2, at]), float(structure[5, at])
        if three_d:
            zz, zy, zx = float(structure[0, at]), float(structure[3, at]), float(structure[4, at])
            largest, _, smallest = symmetric_eigenvalues(zz, yy, xx, zy, zx, yx)
            out[at] = largest - smallest
        else:
            out[at] = np.sqrt((yy - xx) ** 2 + 4 * yx * yx)


@njit(cache=True, nogil=True)
def _along(gap, usual):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """How much flows in a direction in which the structure tensor is smaller by `gap`."""
    if gap <= 0 or usual <= 0:
        return _FLOOR
    ratio = usual / gap
    return _FLOOR + (1 - _FLOOR) * np.exp(-ratio * ratio)


@njit(cache=True, nogil=True)
def _flows(mu, spread, steepness, edge, limit, usual, three_d, flow):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Set how much flows in each of the directions."""
    if spread < limit or limit <= 0:
        ratio = edge / steepness if steepness > 0 else 9.0
        ratio = min(ratio, 9.0) ** 2
        ratio = ratio * ratio
        free = 1.0 - np.exp(-3.31488 * ratio * ratio)
        flow[0], flow[1], flow[2] = free, free, 1.0
        if not three_d:
            flow[1] = 1.0
        return
    flow[0] = _FLOOR
    if three_d:
        flat = mu[0] - mu[1] >= mu[1] - mu[2] and mu[0] - mu[1] >= mu[2]
        flow[1] = _along(mu[0] - mu[1], usual) if flat else _FLOOR
        flow[2] = _along(mu[0] - mu[2], usual)
    else:
        flow[1] = _along(mu[0] - mu[1], usual)


@njit(cache=True, nogil=True)
def tensors(structure, steepness, limits, coherence, three_d, out, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Build the diffusion tensor of each voxel."""
    m, v, order = np.empty((3, 3)), np.empty((3, 3)), np.empty(3, np.int64)
    mu, flow = np.empty(3), np.zeros(3)
    for at in range(low, high):
        _taken(structure, at, m)
        _eigen(m, v, three_d)
        _order(m, three_d, order)
        for i in range(3):
            mu[i] = m[order[i], order[i]]
        flow[2] = 0.0
        spread = mu[0] - (mu[2] if three_d else mu[1])
        usual = limits[1, at] / coherence
        _flows(mu, spread, steepness[at], limits[0, at], limits[1, at], usual, three_d, flow)
        for a in range(3):
            for b in range(a, 3):
                total = 0.0
                for i in range(3 if three_d else 2):
                    total += flow[i] * v[a, order[i]] * v[b, order[i]]
                out[a if a == b else 2 + a + b, at] = total
