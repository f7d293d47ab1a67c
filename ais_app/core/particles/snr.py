"""How much of what is seen is signal, from aligned pairs of subtomograms; `volume_snr` is of one volume alone.

soft sphere ─► turned into one frame ─► what both wedges have measured, below 2/3 of Nyquist
─► correlation of each pair, their mean C ─► C / (1 - C)          Frank & Al-Ali 1975, Nature 256, 376
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.parallel import small_steps
from ais_app.core.params import Params, param
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge

if TYPE_CHECKING:
    import torch

    from ais_app.core.tomogram import LazyArray

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
    """Estimate the signal-to-noise ratio of aligned subtomograms.

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


pair_snr = direct(pair_snr_job)


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
