"""How much of what is seen is signal: from aligned pairs of subtomograms, and from one volume alone.

pairs:  soft sphere ─► turned into one frame ─► what both wedges have measured, below 2/3 of Nyquist
        ─► correlation of each pair, their mean C ─► C / (1 - C)          Frank & Al-Ali 1975, Nature 256, 376
volume: power in bands of frequency, cube by cube ─► noise = the quietest cubes ─► (all - noise) / noise
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.parallel import small_steps
from ais_app.core.params import Params, param
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge

if TYPE_CHECKING:
    import torch

    from ais_app.core.tomogram import LazyArray

CUBE = 12  # voxels a side of the cubes whose power is compared
_QUIET = 0.005  # share of the cubes that count as noise alone
_FEWEST = 20  # of these cubes
# waves per voxel; in the coarse bands a specimen outshines its noise everywhere, so these are handled apart
_BANDS = (0.015, 0.03, 0.05, 0.07, 0.1, 0.16, 0.87)
_COARSER = 2  # the first band whose waves fit into a cube
_SHOWN = 1.1  # power of the finest band over that of its quietest cubes, from which it shows the specimen itself
_OUTSHONE = 1.5  # power of a band over that of its quiet cubes, from which these cannot be trusted
_BATCH = 8


@dataclass(frozen=True)
class PairParams(Params):
    """How pairs are compared."""

    pairs: int = param(100, "Pairs, drawn at random", low=1, high=100000)
    band: float = param(2 / 3, "Highest frequency that counts, as a share of Nyquist", low=0.05, high=1.0)
    radius: float | None = param(None, "Radius of the sphere around the particle", unit="voxels", low=2)
    seed: int = param(0, "Which pairs are drawn", low=0)


@dataclass(frozen=True)
class PairSnr:
    """Signal-to-noise ratio within a sphere, from aligned pairs.

    Parameters
    ----------
    snr
        ``C / (1 - C)`` of the mean correlation C; negative where pairs do not agree at all.
    low, high
        The same one standard error of C below and above.
    correlations
        (p,) of the pairs.
    pairs
        (p, 2) rows.
    """

    snr: float
    low: float
    high: float
    correlations: np.ndarray
    pairs: np.ndarray


@small_steps
def pair_snr_job(
    cubes: LazyArray | np.ndarray,
    poses: Poses,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    classes: np.ndarray | None = None,
    params: PairParams | None = None,
) -> Job[PairSnr]:
    """Estimate the signal-to-noise ratio of aligned subtomograms. A job.

    Parameters
    ----------
    cubes
        (n, e, e, e) float32.
    poses
        Where the reference lies in each.
    wedges, wedge_of
        The wedges, and (n,) which of them each cube has.
    classes
        (n,): pairs are drawn within a class; rows below 0 are left out.
    params
        See `PairParams`.

    Raises
    ------
    ParameterProblem
        There is no pair.
    """
    chosen = params or PairParams()
    pairs = _drawn(np.zeros(len(poses), np.int64) if classes is None else classes, chosen.pairs, chosen.seed)
    rows = np.unique(pairs)
    transforms: list[torch.Tensor] = []
    masks: list[torch.Tensor] = []
    for start in range(0, len(rows), _BATCH):
        yield Progress(start, len(rows), "turn into one frame")
        some = rows[start : start + _BATCH]
        block = np.asarray(cubes[some], dtype=np.float32)
        found = _in_one_frame(block, poses[some], [wedges[wedge_of[row]] for row in some], chosen)
        transforms.extend(found[0])
        masks.extend(found[1])
    place = {int(row): number for number, row in enumerate(rows)}
    values = np.array([_correlation(transforms, masks, place[int(a)], place[int(b)], len(block[0])) for a, b in pairs])
    values = values[np.isfinite(values)]
    if not len(values):
        raise ParameterProblem("wedges", "no two cubes have measured the same", "is the wedge right?")
    mean = float(values.mean())
    error = float(values.std() / np.sqrt(len(values)))
    return PairSnr(_ratio(mean), _ratio(mean - error), _ratio(mean + error), values, pairs)


def _ratio(correlation: float) -> float:
    return correlation / (1 - correlation) if correlation < 1 else float("inf")


def _drawn(classes: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return (p, 2) different rows of one class each; each row as seldom as can be."""
    random = np.random.default_rng((seed, 11))
    members = [np.flatnonzero(classes == label) for label in np.unique(classes[classes >= 0])]
    members = [rows for rows in members if len(rows) > 1]
    if not members:
        raise ParameterProblem("subtomograms", "no two of one class", "two are needed, with their orientations")
    possible = sum(len(rows) * (len(rows) - 1) // 2 for rows in members)
    found: dict[tuple[int, int], None] = {}
    while len(found) < min(count, possible):
        for rows in members:
            mixed = random.permutation(rows)
            half = len(mixed) // 2
            found.update({(int(min(p)), int(max(p))): None for p in zip(mixed[:half], mixed[half:], strict=False)})
    return np.array(list(found)[:count])


def _in_one_frame(
    block: np.ndarray, poses: Poses, wedges: list[Wedge], params: PairParams
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return transforms and masks, (k, e, e, e // 2 + 1), in the frame of the reference."""
    import torch

    from ais_app.core.particles.fourier import from_fourier, radii, shifted, soft_sphere, to_fourier
    from ais_app.core.particles.poses import turned

    edge = block.shape[-1]
    radius = edge / 2 - 1 if params.radius is None else min(params.radius, edge / 2 - 1)
    sphere = torch.from_numpy(soft_sphere(edge, radius))
    back = torch.from_numpy(poses.rotations.swapaxes(1, 2).copy())
    cubes = torch.from_numpy(block)
    cubes = cubes - cubes.mean((1, 2, 3), keepdim=True)
    # the particle to the middle first, so that the sphere cuts all alike
    middle = from_fourier(shifted(to_fourier(cubes), -torch.from_numpy(poses.shifts_zyx.copy()), edge), edge)
    transforms = to_fourier(turned(middle * sphere, back, fine=True))
    band = (radii(edge) <= params.band * edge / 2) & (radii(edge) > 0)
    rotations = torch.from_numpy(poses.rotations.copy())
    masks = [wedge.mask(edge, rotations[[number]])[0] for number, wedge in enumerate(wedges)]
    return transforms, torch.stack(masks) * band


def _correlation(transforms: list[torch.Tensor], masks: list[torch.Tensor], a: int, b: int, edge: int) -> float:
    from ais_app.core.particles.fourier import multiplicity

    weights = masks[a] * masks[b] * multiplicity(edge)
    first, second = transforms[a], transforms[b]
    both = (weights * (first * second.conj()).real).double().sum()
    norm = (weights * first.abs() ** 2).double().sum() * (weights * second.abs() ** 2).double().sum()
    return float(both / norm.sqrt()) if norm > 0 else float("nan")


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


def volume_snr_job(
    blocks: Sequence[np.ndarray], near: Sequence[np.ndarray] | None = None, seed: int = 0
) -> Job[VolumeSnr]:
    """Estimate the signal-to-noise ratio of a volume from blocks of it. A job.

    Noise alone is where the power in a band of frequencies is lowest: the quietest 0.5 % of all cubes of 12 voxels (20
    at least). How much quieter these are than noise on average is measured on the same block with random phases. Where
    the finest band, which holds most of the noise, shows the specimen, the cubes that coarser bands call empty are
    measured too. In the coarse bands, where even the quietest cubes hold specimen, noise is taken to be as dense as in
    the next finer band.

    Parameters
    ----------
    blocks
        (z, y, x) float32, finite, at least 36 voxels along y and x and 12 along z.
    near
        For each block which voxels count as signal with noise; noise is looked for in the others. All if not given.
    seed
        Of the random phases.

    Raises
    ------
    ParameterProblem
        No block is large enough or varies; nothing is near, or nothing is far from the picks.
    """
    usable = [number for number, block in enumerate(blocks) if min(block.shape) >= CUBE and np.ptp(block)]
    if not usable or sum(blocks[number].size for number in usable) < 64 * CUBE**3:
        raise ParameterProblem("volume", "it is too small or empty", f"give at least {64 * CUBE**3:,} voxels")
    parts = []
    for done, number in enumerate(usable):
        yield Progress(done, len(usable), "power in bands")
        parts.append(_powers(blocks[number], None if near is None else near[number], (seed, number)))
    return _judged([np.concatenate(part, axis=1) for part in zip(*parts, strict=True)], near is None)


def _powers(block: np.ndarray, near: np.ndarray | None, seed: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Return columns, one for each cube of a block.

    Power in each band; the same of the voxels near; with random phases; the share of voxels near; of Fourier space
    each band is.
    """
    from scipy.fft import irfftn, rfftn

    shape = block.shape
    transform = rfftn((block - block.mean()).astype(np.float32), workers=-1)
    noise = rfftn(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32), workers=-1)
    mixed = np.abs(transform) * noise / np.maximum(np.abs(noise), 1e-12)
    z, y, x = np.fft.fftfreq(shape[0]), np.fft.fftfreq(shape[1]), np.fft.rfftfreq(shape[2])
    radius = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    inside = np.ones(shape, np.float32) if near is None else near.astype(np.float32)
    own: list[np.ndarray] = []
    of_near: list[np.ndarray] = []
    random: list[np.ndarray] = []
    places: list[float] = []
    for low, high in pairwise(_BANDS):
        band = (radius >= low) & (radius < high)
        power = irfftn(np.where(band, transform, 0), s=shape, workers=-1) ** 2
        own.append(_in_cubes(power))
        of_near.append(own[-1] if near is None else _in_cubes(power * inside))
        even = _in_cubes(irfftn(np.where(band, mixed, 0), s=shape, workers=-1) ** 2)
        random.append(even / max(float(even.mean()), 1e-12))
        places.append(float(band.mean()))
    share = _in_cubes(inside)[None]
    return np.stack(own), np.stack(of_near), np.stack(random), share, np.tile(np.array(places)[:, None], share.shape[1])


def _in_cubes(values: np.ndarray) -> np.ndarray:
    z, y, x = (side // CUBE for side in values.shape)
    cut = values[: z * CUBE, : y * CUBE, : x * CUBE]
    return np.asarray(cut.reshape(z, CUBE, y, CUBE, x, CUBE).mean((1, 3, 5)).ravel())


def _judged(columns: list[np.ndarray], everywhere: bool) -> VolumeSnr:
    own, of_near, random, (share,), fractions = columns
    apart = np.ones(len(share), bool) if everywhere else share < 0.01
    if not share.sum() or apart.sum() < _FEWEST:
        raise ParameterProblem("picks", "nothing is near them, or nothing far from them", "give another --radius")
    quiet = max(_QUIET, _FEWEST / int(apart.sum()))
    usual = np.quantile(random, quiet, axis=1)
    noise = np.quantile(own[:, apart], quiet, axis=1) / usual
    noise[-1] = _finest(own[:, apart], noise, max(int(quiet * apart.sum()), _FEWEST))
    power = of_near.sum(axis=1) / share.sum()
    places = fractions.mean(axis=1)
    density = noise / places
    for band in range(len(noise) - 3, -1, -1):  # from fine to coarse; the two finest are as they are
        if power[band] > _OUTSHONE * noise[band]:
            density[band] = min(density[band], density[band + 1])
    noise = density * places
    ratio = float((power - noise).sum() / noise.sum())
    # of the mean over the voxels near, and of the level of the quiet cubes
    of_mean = 2 * power**2 / np.maximum(share.sum() * CUBE**3 * places, 1)
    of_level = (noise * random.std(axis=1) / usual) ** 2 / (quiet * apart.sum())
    error = float(np.sqrt((of_mean + of_level).sum()) / noise.sum())
    return VolumeSnr(ratio, 1 / (1 + max(ratio, 0.0)), error)


def _finest(own: np.ndarray, noise: np.ndarray, count: int) -> float:
    """Return the noise of the finest band, which holds most of it.

    Where that band shows the specimen itself, coarser bands tell better where there is none.
    """
    quietest = float(noise[-1])
    if own[-1].mean() < _SHOWN * quietest:
        return quietest
    coarser = (own[_COARSER:-1] / noise[_COARSER:-1, None]).sum(axis=0)
    return min(quietest, float(own[-1, np.argsort(coarser)[:count]].mean()))
