"""Edge- and coherence-enhancing diffusion, compiled: along filaments and sheets, not across edges.

Weickert (1998), Anisotropic Diffusion in Image Processing, Teubner; of tomograms: Frangakis and Hegerl (2001), J.
Struct. Biol. 135, 239; Fernández and Li (2003), J. Struct. Biol. 144, 152.

    a few times:  smoothed volume ──► gradient ──► structure tensor J, mu1 >= mu2 >= mu3 ──► diffusion tensor D
                  several steps of  u += tau div(D grad u)

Where mu1 - mu3 is small, D keeps edges: it flows freely in direction 3 and as far as the gradient is weak in 1 and 2.
Elsewhere it follows what is coherent: in direction 3, and in 2 as well where there is a sheet. "Small" and "weak" are
measured around each voxel, so that a slab gives what the whole volume gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from ais_app.core.filtering.diffusion import gradient_of
from ais_app.core.filtering.gaussian import gaussian, gaussian_reach
from ais_app.core.filtering.missing import Voxels, filled
from ais_app.core.filtering.neighbours import padded
from ais_app.core.filtering.structure_tensor import spreads, tensors
from ais_app.core.parallel import in_parallel
from ais_app.core.tomogram import ZYX

TAU = 0.1  # squared voxels, of a step; below 1/6 with room for the mixed terms
_UPDATES = 3  # times that directions are looked for anew
_WINDOW = 2.0  # over how many times the scale of structures the usual values are measured
_RIM = np.ones(3, dtype=np.int64)
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


@dataclass(frozen=True)
class Coherence:
    """How long it flows, and what is an edge or coherent.

    Parameters
    ----------
    steps
        How many, of `TAU`.
    gradient_scale, structure_scale
        Å; standard deviations of the Gaussians before the gradient and of the structure tensor.
    contrast
        A gradient this many times the usual one around it is an edge.
    coherence
        Where mu1 - mu3 is this many times the usual one around it, flow follows structures.
    voxel_size_zyx
        Å.
    three_d
        Whether grey values also flow through the slices.
    """

    steps: int
    gradient_scale: float
    structure_scale: float
    contrast: float
    coherence: float
    voxel_size_zyx: ZYX
    three_d: bool

    def sigmas(self, length: float) -> ZYX:
        """Return a length in voxels along the axes in which it flows."""
        z, y, x = (length / size for size in self.voxel_size_zyx)
        return (z if self.three_d else 0.0), y, x

    def inverse(self) -> np.ndarray:
        """Return the smallest side of a voxel over each side, (3,) float32; 0 where nothing flows."""
        sizes = self.voxel_size_zyx[0 if self.three_d else 1 :]
        inverse = np.array([min(sizes) / size for size in self.voxel_size_zyx], np.float32)
        inverse[0] *= self.three_d
        return inverse

    def reach(self) -> Voxels:
        """Return how far away the result takes from, along z, y, x."""
        lengths = (self.gradient_scale, self.structure_scale, self.structure_scale * _WINDOW)
        fine, rough, window = ([gaussian_reach(s) for s in self.sigmas(length)] for length in lengths)
        updates = min(_UPDATES, self.steps)
        z, y, x = (self.steps + updates * (a + b + 2) + c + 2 for a, b, c in zip(fine, rough, window, strict=True))
        return (z if self.three_d else 0), y, x


def coherence_diffusion(volume: np.ndarray, how: Coherence) -> np.ndarray:
    """Smooth along structures and not across edges.

    Parameters
    ----------
    volume
        (z, y, x) float32.
    how
        Amount, scales and limits.

    Returns
    -------
    ndarray
        float32, a new array; NaN where a voxel is missing.
    """
    values, known = filled(volume, (1 if how.three_d else 0, 1, 1))
    usable = np.pad(np.ones(values.shape, np.float32) if known is None else known.astype(np.float32), 1)
    current, limits = np.array(values, dtype=np.float32), None
    updates = min(_UPDATES, how.steps)
    for part in range(updates):
        gradient = gradient_of(current, known, how.sigmas(how.gradient_scale), how.inverse())
        structure = _structure(gradient, known, how)
        if limits is None:
            limits = _limits(gradient, structure, known, how)  # they stay, as noise becomes weaker and edges do not
        tensor = np.stack([padded(component, _RIM) for component in _tensor(gradient, structure, limits, how)])
        for _ in range(how.steps * (part + 1) // updates - how.steps * part // updates):
            current = _flow(padded(current, _RIM), usable, tensor, how.inverse())
    if known is not None:
        current[~known] = np.nan
    return current


def _structure(gradient: np.ndarray, known: np.ndarray | None, how: Coherence) -> np.ndarray:
    """Return the structure tensor, (6, z, y, x): zz, yy, xx, zy, zx, yx."""
    sigmas = how.sigmas(how.structure_scale)
    out = np.zeros((6, *gradient.shape[1:]), np.float32)
    for number, (a, b) in enumerate(_PAIRS):
        if how.three_d or a > 0:
            product = gradient[a] * gradient[b]
            smooth = gaussian(product if known is None else np.where(known, product, np.float32(np.nan)), sigmas)
            out[number] = np.nan_to_num(smooth)
    return out


def _limits(gradient: np.ndarray, structure: np.ndarray, known: np.ndarray | None, how: Coherence) -> np.ndarray:
    """Return what is an edge and what is coherent at each voxel, (2, z, y, x)."""
    sigmas = how.sigmas(how.structure_scale * _WINDOW)
    usual = [np.sqrt(np.sum(np.square(gradient), axis=0)), _spread(structure, how.three_d)]
    found = []
    for values, times in zip(usual, (how.contrast, how.coherence), strict=True):
        mean = gaussian(values if known is None else np.where(known, values, np.float32(np.nan)), sigmas)
        found.append(np.float32(times) * np.nan_to_num(mean))
    return np.stack(found)


def _spread(structure: np.ndarray, three_d: bool) -> np.ndarray:
    out = np.empty(structure.shape[1:], np.float32)
    flat, result = structure.reshape(6, -1), out.reshape(-1)
    in_parallel(lambda low, high: spreads(flat, three_d, result, low, high), result.size)
    return out


def _tensor(gradient: np.ndarray, structure: np.ndarray, limits: np.ndarray, how: Coherence) -> np.ndarray:
    out = np.empty_like(structure)
    steepness = np.sqrt(np.sum(np.square(gradient), axis=0)).reshape(-1)
    flat, bounds, result = structure.reshape(6, -1), limits.reshape(2, -1), out.reshape(6, -1)
    coherence = np.float32(how.coherence)
    in_parallel(
        lambda low, high: tensors(flat, steepness, bounds, coherence, how.three_d, result, low, high), result.shape[1]
    )
    return out


def _flow(current: np.ndarray, usable: np.ndarray, tensor: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    depth, height, width = (length - 2 for length in current.shape)
    result = np.empty((depth, height, width), np.float32)
    strides = np.array([current.shape[1] * current.shape[2], current.shape[2], 1])
    flat = current.reshape(-1), usable.reshape(-1), tensor.reshape(6, -1)

    def work(low: int, high: int) -> None:
        _step(*flat, strides, inverse, np.float32(TAU), result, low, high)

    in_parallel(work, depth * height)
    return result


@njit(cache=True, nogil=True, fastmath={"contract"})
def _step(values, usable, tensor, strides, inverse, tau, out, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Let grey values flow for `tau`; the volumes come padded by one voxel and raveled."""
    _, height, width = out.shape
    change = np.empty(width, np.float32)
    for number in range(low, high):
        z, y = number // height, number % height
        first = (z + 1) * strides[0] + (y + 1) * strides[1] + 1
        change[:] = 0
        for axis in range(3):
            if inverse[axis] > 0:
                _face(values, usable, tensor, strides, inverse, axis, first, np.float32(1), change)
                _face(values, usable, tensor, strides, inverse, axis, first - strides[axis], np.float32(-1), change)
        for x in range(width):
            out[z, y, x] = values[first + x] + tau * change[x]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _face(values, usable, tensor, strides, inverse, axis, near, sign, change):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add what flows through the faces between the voxels from `near` on and the next ones along `axis`."""
    width = change.size
    far = near + strides[axis]
    open_p, open_q = usable[near : near + width], usable[far : far + width]
    p, q = values[near : near + width], values[far : far + width]
    own_p, own_q = tensor[axis, near : near + width], tensor[axis, far : far + width]
    straight = sign * np.float32(0.5) * inverse[axis] * inverse[axis]
    for x in range(width):
        change[x] += straight * open_p[x] * open_q[x] * (own_p[x] + own_q[x]) * (q[x] - p[x])
    for other in range(3):
        if other == axis or inverse[other] == 0:
            continue
        step, pair = strides[other], 2 + axis + other
        aslant = sign * np.float32(0.125) * inverse[axis] * inverse[other]
        mixed_p, mixed_q = tensor[pair, near : near + width], tensor[pair, far : far + width]
        p_after, p_before = values[near + step : near + step + width], values[near - step : near - step + width]
        q_after, q_before = values[far + step : far + step + width], values[far - step : far - step + width]
        for x in range(width):
            along = p_after[x] - p_before[x] + q_after[x] - q_before[x]
            change[x] += aslant * open_p[x] * open_q[x] * (mixed_p[x] + mixed_q[x]) * along
