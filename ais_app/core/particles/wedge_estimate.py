"""The missing wedge of a volume: which axes, which tilts, and how sure that is.

    blocks ─► power spectrum (tapered, averaged) ─► logarithm less its mean in each shell ─► six pairs of axes:
    sums over 1° of angle ─► correlation with every range of tilts, in closed form ─► the best ─► its limits, refined

The score is that of Xu et al.'s AITom (correlation of log amplitudes with the mask of a wedge; "log is essential"), but
from cumulative sums over angles instead of masks: all 48,000 wedges take milliseconds. Tapering blurs the faces of the
wedge, evenly in power but not in its logarithm; so the limits are read from power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.region import sample_regions
from ais_app.core.volume.spectrum import Spectrum, power_spectrum
from ais_app.core.volume.unknown import KnownVoxels, counted_as_mean

BLOCK = 96  # voxels a side
BLOCKS = 12  # of a tomogram, at most
SMALLEST = 16  # voxels a side; angles mean nothing in less
_SEEN_ABOVE = 0.3  # correlation; shapes alone reach 0.5 where nothing is missing, so power must agree
_CLEAR_ABOVE = 0.6  # correlation; tomograms of ice have 0.7 to 0.9, plastic sections 0.3 to 0.5
_SEEN_BELOW = 0.25  # power within the wedge, relative to that outside at the same frequencies
_LOWEST_SHELL = 3
_NEAR_AXIS = 3.0  # waves per block: closer to the tilt axis, angles are blurred too much
_GROUPS = 8  # of shells, each with a level of its own
_ANGLES = 180
_FLAT = 0.5  # share of neighbours with one value
_REACH = 16  # degrees inside the range that are looked at for its limit
_BLUR = 6  # degrees that the taper blurs it by


@dataclass(frozen=True)
class WedgeEstimate:
    """What the spectrum of a volume says about its tilt series.

    Parameters
    ----------
    wedge
        The wedge that fits best.
    correlation
        Of the log amplitudes with it, at most 1.
    power
        Mean power where nothing should be, relative to the rest at the same frequencies: about 0 to 1.
    next_best
        Correlation of the best wedge with other axes.
    """

    wedge: Wedge
    correlation: float
    power: float
    next_best: float

    @property
    def seen(self) -> bool:
        """Whether there is a missing wedge; otherwise `wedge` is only what fits by chance."""
        crosses_zero = self.wedge.tilt_min < 0 < self.wedge.tilt_max
        return crosses_zero and self.correlation > _SEEN_ABOVE and self.power < _SEEN_BELOW

    @property
    def certainty(self) -> str:
        """``"clear"``, ``"weak"`` (look at it, or give the tilts) or ``"none seen"``."""
        if not self.seen:
            return "none seen"
        return "clear" if self.correlation > _CLEAR_ABOVE else "weak"


def estimate_wedge(
    blocks: np.ndarray | Sequence[np.ndarray], voxel_size_zyx: Sequence[float] = (1.0, 1.0, 1.0)
) -> WedgeEstimate | None:
    """Estimate the missing wedge from a volume, or from blocks of one.

    Parameters
    ----------
    blocks
        (z, y, x) float32, or several of one shape; 16 voxels or more a side, 64 or more are better. Voxels that are
        no number count as the mean of their block.
    voxel_size_zyx
        Only the ratios count.

    Returns
    -------
    WedgeEstimate or None
        The best of all; `WedgeEstimate.seen` says whether it is more than chance. ``None`` where nothing can be
        said: blocks that are too small or constant.

    Raises
    ------
    ParameterProblem
        A block has not three axes, or another shape than the first.
    """
    chosen = [blocks] if isinstance(blocks, np.ndarray) and blocks.ndim <= 3 else list(blocks)
    for block in chosen:
        if block.ndim != 3 or block.shape != chosen[0].shape:
            problem = f"one has the shape {block.shape}" + (f", another {chosen[0].shape}" if block.ndim == 3 else "")
            raise ParameterProblem("blocks", problem, "give volumes (z, y, x), all of one shape")
    chosen = [counted_as_mean(block)[0] for block in chosen]
    usable = [block for block in chosen if min(block.shape) >= SMALLEST and np.ptp(block)]
    if not usable:
        return None
    return _fitted(power_spectrum(usable, voxel_size_zyx))


def estimate_wedge_job(tomogram: Tomogram) -> Job[WedgeEstimate | None]:
    """Estimate the missing wedge of a tomogram from up to 12 blocks spread over it; see `estimate_wedge`. A job.

    Raises
    ------
    ParameterProblem
        None of its voxels is a number.
    """
    found, voxels = [], KnownVoxels(tomogram)
    regions = sample_regions(tomogram.shape, BLOCK, BLOCKS)
    for number, region in enumerate(regions):
        yield Progress(number, len(regions), "read a block")
        found.append(voxels.block(region)[0])
    voxels.say()
    yield Progress(len(regions), len(regions), "fit")
    return estimate_wedge(_without_padding(found), tomogram.voxel_size_zyx or (1.0, 1.0, 1.0))


def _without_padding(blocks: list[np.ndarray]) -> list[np.ndarray]:
    """Leave out blocks that are half of one value, as the frame of a volume is, where there are others."""
    kept = [block for block in blocks if np.mean(block[..., 1:] == block[..., :-1]) < _FLAT]
    return kept or blocks


def wedge_of_mask(mask: np.ndarray) -> WedgeEstimate:
    """Return the wedge that a mask of Fourier space shows.

    Parameters
    ----------
    mask
        (n, n, n), larger where it is measured; frequency 0 at voxel ``n // 2``, as most programs save it, or at 0.

    Raises
    ------
    ParameterProblem
        It is no cube, all the same, or shows no wedge.
    """
    values = np.asarray(mask, dtype=np.float32)
    n = values.shape[0]
    if values.shape != (n,) * 3 or n < SMALLEST or not np.isfinite(values).all() or not np.ptp(values):
        shown = " × ".join(map(str, values.shape))
        raise ParameterProblem("mask", f"{shown} voxels, or all the same", f"give a cube of {SMALLEST} voxels or more")
    values = (values - values.min()) / np.ptp(values)
    halves = [one[..., : n // 2 + 1] for one in (np.fft.ifftshift(values), values)]
    fits = [_fitted(Spectrum.on_grid(half, values.shape), half) for half in halves]
    found = max(fits, key=lambda fit: fit.correlation)
    if not found.seen:
        raise ParameterProblem("mask", "it shows no missing wedge", "give --tilt MIN,MAX")
    return found


def wedge_of_tilts(tilts: Sequence[float] | np.ndarray, tilt_axis: str = "y", beam_axis: str = "z") -> Wedge:
    """Return the wedge from the lowest to the highest of the tilts, degrees.

    Raises
    ------
    ParameterProblem
        There are fewer than two different tilts, or they are no numbers.
    """
    found = np.asarray(tilts, dtype=float).ravel()
    if not np.isfinite(found).all() or len(np.unique(found)) < 2:
        raise ParameterProblem("tilts", f"{len(found)} tilts show no range", "give the tilts of the whole series")
    return Wedge(float(found.min()), float(found.max()), tilt_axis, beam_axis)


@dataclass(frozen=True)
class _Sample:
    """The places of a spectrum that count, as columns: (m,) each."""

    shells: np.ndarray
    logs: np.ndarray  # less their mean in each shell
    weights: np.ndarray
    frequencies: tuple[np.ndarray, np.ndarray, np.ndarray]  # z, y, x
    highest: int


def _fitted(spectrum: Spectrum, values: np.ndarray | None = None) -> WedgeEstimate:
    """Return the wedge that correlates best with the log amplitudes, or with `values` on their grid."""
    sample = _sampled(spectrum, values)
    deviation = float(np.sqrt(np.average(sample.logs**2, weights=sample.weights)))
    fits = []
    for beam, tilt in permutations(range(3), 2):
        angles, counted = _angles(sample, beam, 3 - beam - tilt)
        correlation, low, high = _best_range(sample, angles, counted, deviation)
        fits.append((correlation, low, high, beam, tilt, angles, counted))
    fits.sort(key=lambda fit: fit[0], reverse=True)
    correlation, low, high, beam, tilt, angles, counted = fits[0]
    edges, power = _refined(sample, angles, counted, low, high)
    first, last = round(max(-90.0, edges[0]), 1), round(min(90.0, edges[1]), 1)
    if first >= last:  # nothing like a wedge
        first, last = float(low - 90), float(high - 90)
    wedge = Wedge(first, last, "zyx"[tilt], "zyx"[beam])
    return WedgeEstimate(wedge, round(correlation, 4), round(power, 4), round(fits[1][0], 4))


def _sampled(spectrum: Spectrum, values: np.ndarray | None) -> _Sample:
    radius = spectrum.radius
    highest = spectrum.side // 2
    kept = (radius >= _LOWEST_SHELL) & (radius <= highest)
    shells = radius[kept].round().astype(np.int64)
    weights = np.broadcast_to(spectrum.occurrences, radius.shape)[kept]
    if values is None:
        power = spectrum.power[kept].astype(np.float64)
        logs = 0.5 * np.log(power + power.max() * 1e-14)
    else:
        logs = values[kept].astype(np.float64)
    means = np.bincount(shells, weights * logs) / np.maximum(np.bincount(shells, weights), 1)
    z, y, x = (np.broadcast_to(f, radius.shape)[kept] for f in spectrum.frequencies_zyx)
    return _Sample(shells, logs - means[shells], weights, (z, y, x), highest)


def _angles(sample: _Sample, beam: int, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the degree, 0 to 179 from -90°, of each place about a tilt axis, and which are far enough from it."""
    along, other = sample.frequencies[beam], sample.frequencies[across]
    degrees = np.degrees(np.arctan2(np.where(other < 0, -along, along), np.abs(other)))
    bins = np.clip(np.floor(degrees + 90).astype(np.int64), 0, _ANGLES - 1)
    return bins, np.hypot(along, other) >= _NEAR_AXIS


def _best_range(sample: _Sample, angles: np.ndarray, counted: np.ndarray, deviation: float) -> tuple[float, int, int]:
    """Return the highest correlation with a range of angles, and the range, degrees from -90°."""
    weights = np.where(counted, sample.weights, 0)
    count = np.bincount(angles, weights, _ANGLES)
    total = np.bincount(angles, weights * sample.logs, _ANGLES)
    total -= count * (total.sum() / count.sum())
    sums, counts = (np.concatenate([[0.0], np.cumsum(one)]) for one in (total, count))
    low, high = np.arange(1, 90)[:, None], np.arange(91, _ANGLES)[None]
    inside = counts[high] - counts[low]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (sums[high] - sums[low]) / (np.sqrt(inside * (counts[-1] - inside)) * deviation)
    found = np.where(np.isfinite(found), found, -1)
    row, column = np.unravel_index(int(np.argmax(found)), found.shape)
    return float(found[row, column]), int(row) + 1, int(column) + 91


def _refined(
    sample: _Sample, angles: np.ndarray, counted: np.ndarray, low: int, high: int
) -> tuple[tuple[float, float], float]:
    """Return the limits, degrees, where power falls to half, and how much power is left outside them.

    Power is a geometric mean over a degree and some shells, so that what shines in few places does not count much.
    """
    groups = np.minimum(
        (sample.shells - _LOWEST_SHELL) * _GROUPS // max(1, sample.highest - _LOWEST_SHELL), _GROUPS - 1
    )
    cell = (groups * _ANGLES + angles)[counted]
    weights = sample.weights[counted]
    count = np.bincount(cell, weights, _GROUPS * _ANGLES).reshape(_GROUPS, _ANGLES)
    total = np.bincount(cell, weights * sample.logs[counted], _GROUPS * _ANGLES).reshape(_GROUPS, _ANGLES)
    profile = np.exp(2 * total / np.maximum(count, 1)) * (count > 0)
    degree = np.arange(_ANGLES)
    inside, outside = (degree >= low) & (degree < high), (degree < low) | (degree >= high)
    levels = [(profile * count * part).sum(1) / np.maximum((count * part).sum(1), 1) for part in (inside, outside)]
    used = levels[0] > 0
    left = float(np.median(levels[1][used] / levels[0][used])) if used.any() else 1.0
    relative = profile[used] / levels[0][used, None]
    # neighbouring degrees share their power: the grid of a small block has many places at 45° and few beside it
    share = np.array([0.5, 1, 0.5])
    sums, counts = (np.convolve(one, share, "same") for one in ((relative * count[used]).sum(0), count[used].sum(0)))
    curve = sums / np.maximum(counts, 1)
    return (-_edge(curve[::-1], _ANGLES - low), _edge(curve, high)), left


def _edge(curve: np.ndarray, near: int) -> float:
    """Return where a curve over degrees from -90° steps down, near or inside a degree: what leaves equal areas.

    Levels are taken beside the step, as a specimen has more power in some directions than in others.
    """
    start, end = max(0, near - _REACH), min(_ANGLES, near + _BLUR)
    part = curve[start:end]
    split = max(range(2, len(part) - 1), key=lambda k: _explained(part, k), default=near - start)
    low, high = max(0, split - _REACH // 2), min(len(part), split + _REACH // 2)
    beside = max(1, split - low - _BLUR // 2), split - low + _BLUR // 2
    step = part[low:high]
    above, below = float(step[: beside[0]].mean()), float(step[beside[1] :].mean()) if beside[1] < len(step) else 0.0
    if above <= below:
        return float(near - 90)
    area = float((step - below).sum() / (above - below))
    return start + low + float(np.clip(area, 0, len(step))) - 90


def _explained(part: np.ndarray, split: int) -> float:
    """Return how much of the variance of a curve one step down explains."""
    fall = float(part[:split].mean() - part[split:].mean())
    return fall * abs(fall) * split * (len(part) - split)
