"""The slow reference of the alignments: every rotation of a grid and every shift, in real space, one after the other.

Written to be obviously right, and apart from what it is compared with: the reference is turned by cubic splines, its
wedge taken away in Fourier space, and the correlation at all shifts is one Fourier transform of full size.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from ais_app.core.particles.correlation import Reference, prepared
from ais_app.core.particles.orientations import all_rotations, rotations_near
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge


def exhaustive(
    reference: Reference,
    cube: np.ndarray,
    wedge: Wedge,
    *,
    step: float = 15.0,
    finest: float | None = None,
    farthest: float = math.inf,
    shells: float = math.inf,
    rotations: np.ndarray | None = None,
    symmetry: str = "C1",
) -> Poses:
    """Return the one pose of a reference in a subtomogram with the largest constrained correlation.

    Parameters
    ----------
    reference
        What is turned.
    cube
        (e, e, e), density bright.
    wedge
        Its tilts.
    step
        Degrees, of the grid over all rotations.
    finest
        Then the grid about the best is halved until its step is at most this; not without.
    farthest
        Largest shift, voxels.
    shells
        Highest shell compared.
    rotations
        (k, 3, 3) to try instead of those of a grid.
    symmetry
        Of the reference.
    """
    edge = cube.shape[0]
    k = np.fft.fftfreq(edge, 1 / edge)
    radius = np.sqrt(k[:, None, None] ** 2 + k[:, None] ** 2 + np.fft.rfftfreq(edge, 1 / edge) ** 2)
    seen = (wedge.mask(edge).numpy() > 0) & (radius > 0) & (radius <= min(shells, (edge - 1) // 2))
    transform = np.fft.rfftn(np.fft.ifftshift(cube)) * seen
    density = prepared(reference).numpy().astype(np.float64)
    known = None if reference.measured is None else _full(np.asarray(reference.measured))
    tried = all_rotations(step, symmetry) if rotations is None else rotations
    best = _best(density, known, transform, seen, tried, farthest)
    while finest is not None and step > finest:
        step /= 2
        near = rotations_near(step, 1.8 * step) @ best[1]
        best = max(best, _best(density, known, transform, seen, near, farthest), key=lambda found: found[0])
    return Poses(best[1][None], best[2][None], np.array([best[0]]))


def _best(
    density: np.ndarray,
    known: np.ndarray | None,
    transform: np.ndarray,
    seen: np.ndarray,
    rotations: np.ndarray,
    farthest: float,
) -> tuple[float, np.ndarray, np.ndarray]:
    edge = len(density)
    along = np.fft.fftfreq(edge, 1 / edge)
    allowed = np.sqrt(along[:, None, None] ** 2 + along[:, None] ** 2 + along**2) <= farthest
    twice = np.full(edge // 2 + 1, 2.0)
    twice[0] = 1
    if edge % 2 == 0:
        twice[-1] = 1
    best = (-math.inf, rotations[0], np.zeros(3))
    for rotation in rotations:
        common = seen if known is None else seen & (_turned(known, rotation, 1)[..., : edge // 2 + 1] > 0.5)
        turned = np.fft.rfftn(np.fft.ifftshift(_turned(density, rotation, 3))) * common
        own = transform * common
        power = (twice * np.abs(turned) ** 2).sum() * (twice * np.abs(own) ** 2).sum()
        scores = (
            np.fft.irfftn(own * np.conj(turned), s=(edge,) * 3, axes=(0, 1, 2)) * edge**3 / math.sqrt(max(power, 1e-30))
        )
        scores[~allowed] = -math.inf
        place = np.unravel_index(int(scores.argmax()), scores.shape)
        if scores[place] > best[0]:
            best = (float(scores[place]), rotation, _peak(scores, place))
    return best


def _turned(cube: np.ndarray, rotation: np.ndarray, order: int) -> np.ndarray:
    """Return a cube turned about its central voxel; for masks of Fourier space, frequency 0 first, about that."""
    back = rotation.T[::-1, ::-1]
    centre = np.full(3, len(cube) // 2)
    shifted = order == 1
    source = np.fft.fftshift(cube) if shifted else cube
    turned = ndimage.affine_transform(source, back, centre - back @ centre, order=order, mode="constant")
    return np.asarray(np.fft.ifftshift(turned) if shifted else turned)


def _peak(scores: np.ndarray, place: tuple[np.intp, ...]) -> np.ndarray:
    """Return the shift of a peak, by parabolas through its neighbours."""
    edge, shift = len(scores), np.zeros(3)
    for axis in range(3):
        at = list(place)
        at[axis] = (place[axis] - 1) % edge
        before = scores[tuple(at)]
        at[axis] = (place[axis] + 1) % edge
        after, here = scores[tuple(at)], scores[place]
        curve = before - 2 * here + after
        part = 0.5 * (before - after) / curve if np.isfinite(curve) and curve < 0 else 0.0
        shift[axis] = (place[axis] + edge // 2) % edge - edge // 2 + part
    return shift


def _full(measured: np.ndarray) -> np.ndarray:
    """Return the whole of a mask of Fourier space, (e, e, e), from its half."""
    edge = len(measured)
    k = np.arange(edge)
    full = np.zeros((edge,) * 3)
    full[..., : edge // 2 + 1] = measured
    rest = np.arange(edge // 2 + 1, edge)
    full[..., rest] = measured[np.ix_(-k % edge, -k % edge, edge - rest)]
    return full
