"""How much of one volume is signal, from its own background.

power in bands of frequency ─► cubes, one each 4 voxels ─► for each band: the cubes that the OTHER bands call emptiest
─► their mean power in this band = noise ─► (all - noise) / noise

Two things keep the noise from coming out too high or too low.

- Cubes are chosen by other bands than the one that is measured. Gaussian noise of any colour is independent in
  disjoint parts of Fourier space, so the choice says nothing about the noise that is then measured.
- Bands rise and fall as a sine and are zero at their limits. Cut sharply, they ring: a specimen then shows up in empty
  cubes tens of voxels away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.volume.unknown import all_known, without_constant

CUBE = 12  # voxels a side of the cubes whose power is compared
_STEP = 4  # voxels from cube to cube
_AROUND = 20  # voxels a side of what is looked at around a cube, to tell whether it is empty
_EMPTY = 0.01  # share of the cubes that count as noise alone
_FEWEST = 40  # of these cubes, side by side
_TOO_FEW = 20
# waves per voxel; the narrower a band, the further it spreads the specimen, the wider, the fewer others judge it
_BANDS = (0.015, 0.03, 0.05, 0.07, 0.1, 0.14, 0.19, 0.25, 0.33, 0.42, 0.87)
_NYQUIST = 0.5  # where the finest band is no longer rounded off
_LOCAL = 3  # the first band whose waves fit into what is looked at
_COARSE = 5  # bands before this one can hold specimen everywhere
_OUTSHONE = 1.5  # power of a coarse band over that of its empty cubes, from which these cannot be trusted
_ROUNDS = 3  # the choice of cubes needs the noise, and the noise the choice
_LEAST = 0.001  # share of signal that a band is given at least, so that noise alone has cubes chosen too
_NEAR = 0.01  # share of a cube that may lie near picks where it counts as apart from them
_HOLE = 0.001  # share of what is looked at around a cube that may be unknown
_NOTHING = 1e-6  # share of the power below which a band holds nothing


@dataclass(frozen=True)
class VolumeSnr:
    """Signal-to-noise ratio of a volume, from its own background.

    Parameters
    ----------
    snr
        Variance of signal over variance of noise, in all voxels that were looked at, or those near picks.
    noise
        Share of the variance that is noise.
    error
        Of `snr`, from the number of voxels alone; what is less than that cannot be told.
    """

    snr: float
    noise: float
    error: float

    @property
    def certain(self) -> bool:
        """Whether the signal is more than chance; otherwise give picks, or a larger volume."""
        return self.snr > 3 * self.error


@dataclass(frozen=True)
class _Powers:
    """Power in b bands of k cubes.

    Parameters
    ----------
    cubes
        (b, k) of each cube.
    around
        (b, k) of each cube and of what lies around it, by which is judged whether it is empty.
    near
        (b,) sum over the voxels near picks.
    whole, rounded
        (b,) of the whole block, with bands cut sharply and as they are.
    measured
        (k,) which cubes have nothing unknown around them.
    apart
        (k,) which of these hold nothing near picks.
    voxels
        Number near picks, of those that are known.
    """

    cubes: np.ndarray
    around: np.ndarray
    near: np.ndarray
    whole: np.ndarray
    rounded: np.ndarray
    measured: np.ndarray
    apart: np.ndarray
    voxels: float


def volume_snr_job(
    blocks: Sequence[np.ndarray],
    near: Sequence[np.ndarray] | None = None,
    known: Sequence[np.ndarray | None] | None = None,
) -> Job[VolumeSnr]:
    """Estimate the signal-to-noise ratio of a volume from blocks of it.

    The noise of a band of frequencies is its power in the cubes of 12 voxels that are emptiest: 1 % of them, the volume
    of 40 at least. Which are emptiest is judged by all other bands, weighted by how many waves they hold and how much
    of their power is signal, in the cube and in 20 voxels around its middle. In coarse bands, where even the emptiest
    cubes hold specimen, noise is taken to be no denser than in the next finer band.

    Parameters
    ----------
    blocks
        (z, y, x) float32, finite, at least 36 voxels along y and x and 12 along z.
    near
        For each block which voxels count as signal with noise; noise is looked for in the others. All if not given.
    known
        For each block which voxels were measured, ``None`` for all: others, and cubes beside them, do not count. Nor
        do regions of exactly one value, such as padding.

    Raises
    ------
    ParameterProblem
        No block is large enough or varies; nothing is near, or nothing is far from the picks.
    """
    usable = [number for number, block in enumerate(blocks) if min(block.shape) >= CUBE and np.ptp(block)]
    size = sum(blocks[number].size for number in usable)
    if size < 64 * CUBE**3:
        raise _too_little(blocks, size)
    parts = []
    for done, number in enumerate(usable):
        yield Progress(done, len(usable), "power in bands")
        block, measured = without_constant(blocks[number], None if known is None else known[number])
        parts.append(_powers(block, None if near is None else near[number], measured))
    places = np.array([_places(blocks[number].shape) for number in usable])
    places = np.average(places, axis=0, weights=[blocks[number].size for number in usable])
    return _judged(parts, places, size, near is not None)


def _too_little(blocks: Sequence[np.ndarray], varied: int) -> ParameterProblem:
    """Return what to raise where too few voxels lie in blocks that can be used."""
    least, read = 64 * CUBE**3, sum(block.size for block in blocks)
    if read and not any(np.ptp(block) for block in blocks):
        remedy = "there is no noise in it to measure: copy it again from where it was made"
        return ParameterProblem("volume", f"all {read:,} voxels that were read have one value", remedy)
    problem = f"it is too small: {varied:,} voxels are in blocks that vary, of {CUBE} voxels a side or more"
    return ParameterProblem("volume", problem, f"give at least {least:,}")


volume_snr = direct(volume_snr_job)


def _radii(shape: tuple[int, ...]) -> np.ndarray:
    """Return waves per voxel on the grid of the half spectrum."""
    z, y, x = np.fft.fftfreq(shape[0]), np.fft.fftfreq(shape[1]), np.fft.rfftfreq(shape[2])
    return np.asarray(np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2), dtype=np.float32)


def _twice(shape: tuple[int, ...]) -> np.ndarray:
    """Return how often each column of the half spectrum counts in the whole one."""
    twice = np.full(shape[2] // 2 + 1, 2.0)
    twice[0] = 1
    if shape[2] % 2 == 0:
        twice[-1] = 1
    return twice


def _places(shape: tuple[int, ...]) -> np.ndarray:
    """Return (b,) the share of Fourier space that each band is."""
    radii, twice = _radii(shape), _twice(shape)
    return np.array([(((radii >= a) & (radii < b)) * twice).sum() for a, b in pairwise(_BANDS)]) / np.prod(shape)


def _powers(block: np.ndarray, near: np.ndarray | None, known: np.ndarray | None) -> _Powers:
    from scipy.fft import irfftn, rfftn

    shape = block.shape
    transform = rfftn((block - block.mean()).astype(np.float32), workers=-1)
    spectrum = (np.abs(transform) ** 2 * (_twice(shape) / block.size)).astype(np.float64)
    radii = _radii(shape)
    counts = all_known([near, known], block)
    inside = None if counts is None else counts.astype(np.float32)
    cubes, around, of_near, whole, rounded = [], [], [], [], []
    for low, high in pairwise(_BANDS):
        band = (radii >= low) & (radii < high)
        edge = np.minimum(radii - low, high - radii if high < _NYQUIST else np.inf)
        rise = np.sin(np.pi / 2 * np.clip(2 * edge / (min(high, _NYQUIST) - low), 0, 1)) * band
        power = irfftn(transform * rise.astype(np.float32), s=shape, workers=-1) ** 2
        cells = _cells(power)
        cubes.append(_sliding(cells, CUBE))
        around.append(cubes[-1] + _sliding(cells, _AROUND))
        of_near.append(float((power if inside is None else power * inside).sum(dtype=np.float64)))
        whole.append(float(spectrum[band].sum()))
        rounded.append(float((spectrum * rise**2).sum()))
    apart = measured = np.ones(cubes[0].shape, bool)
    if known is not None:  # bands reach a little beyond a hole, so that what lies beside it is quiet too
        apart = measured = _sliding(_cells((~known).astype(np.float32)), _AROUND) < _HOLE
    if near is not None:
        apart = measured & (_sliding(_cells(near.astype(np.float32)), CUBE) < _NEAR)
    voxels = float(block.size if inside is None else inside.sum(dtype=np.float64))
    sums = np.array(of_near), np.array(whole), np.array(rounded)
    return _Powers(np.stack(cubes), np.stack(around), *sums, measured, apart, voxels)


def _cells(values: np.ndarray) -> np.ndarray:
    """Return means over cells of a step's side."""
    z, y, x = (side // _STEP for side in values.shape)
    cut = values[: z * _STEP, : y * _STEP, : x * _STEP]
    return np.asarray(cut.reshape(z, _STEP, y, _STEP, x, _STEP).mean((1, 3, 5)))


def _sliding(cells: np.ndarray, side: int) -> np.ndarray:
    """Return (k,) means over boxes of a side, in voxels, around all cubes that lie within the block."""
    from scipy.ndimage import uniform_filter

    margin = CUBE // _STEP // 2
    means = uniform_filter(cells, side // _STEP, mode="nearest")
    return np.asarray(means[margin:-margin, margin:-margin, margin:-margin].ravel())


def _judged(parts: list[_Powers], places: np.ndarray, size: int, picked: bool) -> VolumeSnr:
    whole = np.sum([part.whole for part in parts], axis=0)
    there = whole > _NOTHING * whole.sum()
    # what rounding the bands off has taken away
    factor = (whole / np.maximum(np.sum([part.rounded for part in parts], axis=0), 1e-30))[there, None]
    cubes = np.concatenate([part.cubes for part in parts], axis=1)[there] * factor
    around = np.concatenate([part.around for part in parts], axis=1)[there] * factor
    apart = np.concatenate([part.apart for part in parts])
    measured = np.concatenate([part.measured for part in parts])
    voxels = sum(part.voxels for part in parts)
    overlap = len(apart) / (size / CUBE**3)  # cubes in the place of one
    if not picked and apart.sum() < _TOO_FEW * overlap:
        problem = f"too few cubes of {CUBE} voxels have only measured voxels around them"
        raise ParameterProblem("volume", problem, "crop it to what was measured: ais-app convert --crop")
    if not voxels or apart.sum() < _TOO_FEW * overlap:
        raise ParameterProblem("picks", "nothing is near them, or nothing far from them", "give another --pick-radius")
    power = np.sum([part.near for part in parts], axis=0)[there] * factor[:, 0] / voxels
    places = places[there]
    count = min(int(max(_EMPTY * apart.sum(), _FEWEST * overlap)), int(apart.sum()))
    noise, spread = _of_empty(
        cubes[:, apart], around[:, apart], cubes[:, measured].mean(axis=1), places, np.flatnonzero(there), count
    )
    density = noise / places
    for band in range(len(noise) - 2, -1, -1):  # from fine to coarse
        if np.flatnonzero(there)[band] < _COARSE and power[band] > _OUTSHONE * noise[band]:
            density[band] = min(density[band], density[band + 1])
    noise = density * places
    ratio = float((power - noise).sum() / noise.sum())
    # of the mean over the voxels near, and of the level of the empty cubes
    of_mean = 2 * power**2 / np.maximum(voxels * places, 1)
    of_level = spread**2 * overlap / count
    error = float(np.sqrt((of_mean + of_level).sum()) / noise.sum())
    return VolumeSnr(ratio, 1 / (1 + max(ratio, 0.0)), error)


def _of_empty(
    cubes: np.ndarray, around: np.ndarray, mean: np.ndarray, places: np.ndarray, bands: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return (b,) the mean and the deviation of power in the cubes that the other bands call emptiest."""
    noise, spread = np.quantile(cubes, 0.1, axis=1), np.zeros(len(cubes))
    for _ in range(_ROUNDS):
        # the more waves, the surer; the more of it is signal, the more it tells
        weights = places * np.maximum(1 - noise / mean, _LEAST) * (bands >= _LOCAL)
        scaled = around * (weights / noise)[:, None]
        total = scaled.sum(axis=0)
        for band, own in enumerate(scaled):
            chosen = cubes[band, np.argpartition(total - own, count - 1)[:count]]
            noise[band], spread[band] = chosen.mean(), chosen.std()
    return noise, spread
