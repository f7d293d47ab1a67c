"""Edge-enhancing diffusion, compiled: grey values even out along edges and not across them.

Weickert (1998), Anisotropic Diffusion in Image Processing, Teubner, section 5.1; of tomograms: Frangakis and Hegerl
(2001), J. Struct. Biol. 135, 239.

    a few times:  smoothed volume ──► gradient ──► across = sqrt(1 - g) gradient / |gradient|
                  several steps of  u += tau div((1 - across acrossᵀ) grad u)

g falls from 1 to 0 where the gradient exceeds a limit, which is measured around each voxel, so that a slab gives what
the whole volume gives. Nothing flows through a face of the volume, nor into or out of a missing voxel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from ais_app.core.errors import ParameterProblem
from ais_app.core.filtering.gaussian import gaussian, gaussian_reach
from ais_app.core.filtering.missing import Voxels, filled
from ais_app.core.filtering.neighbours import padded
from ais_app.core.parallel import in_parallel
from ais_app.core.tomogram import ZYX

_UPDATES = 4  # times that the edges are looked for anew
_MOST_STEPS = 400
_STEP = {2: 0.2, 3: 0.14}  # of the squared voxel; an explicit step is stable below 1/4 and 1/6
_WINDOW = 3.0  # over how many times the scale of edges their usual steepness is measured
_RIM = np.ones(3, dtype=np.int64)


@dataclass(frozen=True)
class Diffusion:
    """How much is smoothed, and what is an edge.

    Parameters
    ----------
    smoothing
        Å; standard deviation of the Gaussian that flat regions see.
    edge_scale
        Å; standard deviation of the Gaussian before the gradient.
    contrast
        A gradient this many times the usual one around it is an edge.
    voxel_size_zyx
        Å.
    three_d
        Whether grey values also flow through the slices.
    """

    smoothing: float
    edge_scale: float
    contrast: float
    voxel_size_zyx: ZYX
    three_d: bool

    @property
    def axes(self) -> range:
        """The axes along which grey values flow."""
        return range(0 if self.three_d else 1, 3)

    @property
    def unit(self) -> float:
        """The smallest side of a voxel along these axes, Å: the unit of length of the computation."""
        return min(self.voxel_size_zyx[axis] for axis in self.axes)

    @property
    def time(self) -> float:
        """How long it flows: half the variance of the Gaussian, squared units."""
        return 0.5 * (self.smoothing / self.unit) ** 2

    @property
    def steps(self) -> int:
        """How many steps that takes.

        Raises
        ------
        ParameterProblem
            They are so many that a person would take the program for dead.
        """
        steps = int(np.ceil(self.time / _STEP[len(self.axes)] - 1e-9))
        if steps > _MOST_STEPS:
            problem = f"{self.smoothing:g} Å takes {steps:,} steps with voxels of {self.unit:g} Å"
            raise ParameterProblem("smoothing", problem, "choose less, or bin the tomogram first")
        return steps

    def sigmas(self, times: float = 1.0) -> ZYX:
        """Return `times` the scale of edges, in voxels along z, y, x."""
        z, y, x = (
            times * self.edge_scale / size if axis in self.axes else 0.0
            for axis, size in enumerate(self.voxel_size_zyx)
        )
        return z, y, x

    def reach(self) -> Voxels:
        """Return how far away the result takes from, along z, y, x."""
        updates = min(_UPDATES, self.steps) + 1
        far = [
            self.steps + updates * (gaussian_reach(edge) + 2) + gaussian_reach(window) + 1 if axis in self.axes else 0
            for axis, (edge, window) in enumerate(zip(self.sigmas(), self.sigmas(_WINDOW), strict=True))
        ]
        return far[0], far[1], far[2]


def diffuse(volume: np.ndarray, how: Diffusion) -> np.ndarray:
    """Smooth along edges.

    Parameters
    ----------
    volume
        (z, y, x) float32.
    how
        Amount, scale and contrast.

    Returns
    -------
    ndarray
        float32, a new array; NaN where a voxel is missing.
    """
    z, y, x = (1 if axis in how.axes else 0 for axis in range(3))
    values, known = filled(volume, (z, y, x))
    usable = np.pad(np.ones(values.shape, np.float32) if known is None else known.astype(np.float32), 1)
    current, limit = np.array(values, dtype=np.float32), None
    inverse = np.array([how.unit / s if a in how.axes else 0 for a, s in enumerate(how.voxel_size_zyx)], np.float32)
    updates = max(1, min(_UPDATES, how.steps))
    for part in range(updates):
        gradient = gradient_of(current, known, how.sigmas(), inverse)
        steepness = np.sqrt(np.sum(np.square(gradient), axis=0))
        if limit is None:
            # the limit stays: were it measured anew, noise would look like edges again once it is weaker
            usual = gaussian(steepness if known is None else np.where(known, steepness, np.nan), how.sigmas(_WINDOW))
            limit = np.float32(how.contrast) * usual
        across = np.stack([padded(a, _RIM) for a in _across(gradient, steepness, limit)])
        steps = how.steps * (part + 1) // updates - how.steps * part // updates
        for _ in range(steps):
            current = _flow(padded(current, _RIM), usable, across, inverse, how.time / how.steps)
    if known is not None:
        current[~known] = np.nan
    return current


def gradient_of(current: np.ndarray, known: np.ndarray | None, sigmas: ZYX, inverse: np.ndarray) -> np.ndarray:
    """Return the gradient of the smoothed volume, (3, z, y, x)."""
    if known is None:
        smooth = gaussian(current, sigmas)
    else:
        smooth = gaussian(np.where(known, current, np.float32(np.nan)), sigmas)
        smooth = np.where(np.isfinite(smooth), smooth, current)
    wide = padded(smooth, _RIM)
    result = np.empty((3, *smooth.shape), np.float32)
    for axis in range(3):
        after, before = (
            tuple(slice(1 + side * (a == axis), length - 1 + side * (a == axis)) for a, length in enumerate(wide.shape))
            for side in (1, -1)
        )
        np.subtract(wide[after], wide[before], out=result[axis])
        result[axis] *= inverse[axis] / 2
    return result


def _across(gradient: np.ndarray, steepness: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Return the direction in which nothing flows, its length the share that is held back, (3, z, y, x)."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(steepness > 0, limit / steepness, np.float32(np.inf))
        held = np.exp(np.float32(-3.31488) * np.square(np.square(np.square(ratio))))  # 1 - g
        length = np.where(steepness > 0, np.sqrt(held) / steepness, np.float32(0))
    return gradient * np.where(np.isfinite(length), length, np.float32(0))


def _flow(current: np.ndarray, usable: np.ndarray, across: np.ndarray, inverse: np.ndarray, time: float) -> np.ndarray:
    depth, height, width = (length - 2 for length in current.shape)
    result = np.empty((depth, height, width), np.float32)
    strides = np.array([current.shape[1] * current.shape[2], current.shape[2], 1])
    flat = current.reshape(-1), usable.reshape(-1), across.reshape(3, -1)

    def work(low: int, high: int) -> None:
        _step(*flat, strides, inverse, np.float32(time), result, low, high)

    in_parallel(work, depth * height)
    return result


@njit(cache=True, nogil=True, fastmath={"contract"})
def _step(values, usable, across, strides, inverse, time, out, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Let grey values flow for `time`; the volumes come padded by one voxel and raveled."""
    _, height, width = out.shape
    change = np.empty(width, np.float32)
    for number in range(low, high):
        z, y = number // height, number % height
        first = (z + 1) * strides[0] + (y + 1) * strides[1] + 1
        change[:] = 0
        for axis in range(3):
            if inverse[axis] > 0:
                _face(values, usable, across, strides, inverse, axis, first, np.float32(1), change)
                _face(values, usable, across, strides, inverse, axis, first - strides[axis], np.float32(-1), change)
        for x in range(width):
            out[z, y, x] = values[first + x] + time * change[x]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _face(values, usable, across, strides, inverse, axis, near, sign, change):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add what flows through the faces between the voxels from `near` on and the next ones along `axis`."""
    width = change.size
    far = near + strides[axis]
    half, eighth = np.float32(0.5), np.float32(0.125)
    open_p, open_q = usable[near : near + width], usable[far : far + width]
    p, q = values[near : near + width], values[far : far + width]
    own_p, own_q = across[axis, near : near + width], across[axis, far : far + width]
    straight = sign * inverse[axis] * inverse[axis]
    for x in range(width):
        through = np.float32(1) - half * (own_p[x] * own_p[x] + own_q[x] * own_q[x])
        change[x] += straight * open_p[x] * open_q[x] * through * (q[x] - p[x])
    for other in range(3):
        if other == axis or inverse[other] == 0:
            continue
        step, aslant = strides[other], sign * inverse[axis] * inverse[other] * eighth
        side_p, side_q = across[other, near : near + width], across[other, far : far + width]
        p_after, p_before = values[near + step : near + step + width], values[near - step : near - step + width]
        q_after, q_before = values[far + step : far + step + width], values[far - step : far - step + width]
        for x in range(width):
            along = p_after[x] - p_before[x] + q_after[x] - q_before[x]
            change[x] -= aslant * open_p[x] * open_q[x] * (own_p[x] * side_p[x] + own_q[x] * side_q[x]) * along
