"""How much of a tomogram is signal, from two halves that were made apart: of even and odd tilts, or frames.

the same block of both ─► sums of squares and products in cells of 32 voxels ─► correlation C ─► C / (1 - C)

This is Frank & Al-Ali 1975, Nature 256, 376, as for aligned subtomograms: the noise of the halves is independent, the
specimen the same. Nothing has to be empty, and every voxel counts, so that far less signal is seen than by
`volume_snr`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise, product

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particles.volume_snr import VolumeSnr
from ais_app.core.volume.unknown import all_known, without_constant

CELL = 32  # voxels a side: what varies is taken to be independent from cell to cell
_FEWEST = 4  # cells
_NOTHING = 1e-6  # share of noise in halves that are the same


def half_snr_job(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]], near: Iterable[np.ndarray | None] | None = None
) -> Job[VolumeSnr]:
    """Estimate the signal-to-noise ratio of one half of a tomogram by the other.

    Parameters
    ----------
    pairs
        Blocks of one half and the same of the other, (z, y, x) float32, finite. Regions of one value, such as
        padding, and what is constant in a block do not count.
    near
        For each pair which voxels count, (z, y, x) bool; all if not given, or ``None``.

    Returns
    -------
    VolumeSnr
        Of each half; where one is better than the other, a number between theirs. The mean of both halves has twice
        this ratio. Its error is that of the noise alone: the specimen is what it is.

    Raises
    ------
    ParameterProblem
        There are fewer than four cells, or nothing in them varies or is near.
    """
    found = []
    masks = iter(near) if near is not None else None
    for one, other in pairs:
        found += _sums(one, other, None if masks is None else next(masks))
        yield Progress(len(found), 0, "comparing the halves")
    sums = np.array([each for each in found if each[0]]).reshape(-1, 4)
    _, of_one, of_other, of_both = sums.T
    if len(sums) < _FEWEST or not (of_one.sum() > 0 and of_other.sum() > 0):
        problem = f"only {len(sums)} cells of {CELL} voxels a side hold anything to compare"
        raise ParameterProblem("halves", problem, "give larger volumes, or more picks")
    scale = of_one.sum() / of_other.sum()  # grey values of the halves may differ
    share = float(of_both.sum() * scale**0.5 / of_one.sum())
    noise = 1 - share
    if noise < _NOTHING:
        raise ParameterProblem("halves", "they are the same volume", "give halves that were made apart")
    # Of x = s + n and y = s + m the product is off by s (n + m) + n m, which varies as half of x² - y² does: that is
    # s (n - m) and (n² - m²) / 2. Unlike the product itself, it is 0 on average in every cell, whatever the specimen.
    of_share = float(np.sqrt(((of_one - scale * of_other) ** 2).sum()) / 2 / of_one.sum())
    return VolumeSnr(share / noise, noise, of_share / noise**2)


half_snr = direct(half_snr_job)


def _sums(one: np.ndarray, other: np.ndarray, near: np.ndarray | None) -> list[tuple[float, ...]]:
    """Return of each cell the number of voxels, the sums of squares of both halves, and of their product."""
    if one.shape != other.shape:
        raise ParameterProblem("halves", f"blocks of {one.shape} and {other.shape} voxels", "give halves of one size")
    (one, of_one), (other, of_other) = without_constant(one), without_constant(other)
    near = all_known([near, of_one, of_other], one)
    first, second = one - one.mean(dtype=np.float64), other - other.mean(dtype=np.float64)
    weight = np.ones(one.shape, bool) if near is None else near
    return [
        (
            float(weight[cell].sum()),
            float((first[cell] ** 2)[weight[cell]].sum(dtype=np.float64)),
            float((second[cell] ** 2)[weight[cell]].sum(dtype=np.float64)),
            float((first[cell] * second[cell])[weight[cell]].sum(dtype=np.float64)),
        )
        for cell in _cells(one.shape)
    ]


def _cells(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    edges = [np.linspace(0, n, max(1, n // CELL) + 1).round().astype(int).tolist() for n in shape]
    return product(*([slice(a, b) for a, b in pairwise(some)] for some in edges))
