"""Minimum, maximum, mean and deviation of many voxels, piece by piece, as fast as the memory delivers them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.jobs import Job, Progress

if TYPE_CHECKING:
    from ais_app.core.tomogram import LazyArray

_BLOCK = 2**22  # voxels read at a time by each thread
_PIECE = 2**16  # voxels: 256 KiB of float32 stay in a core's own cache through the four passes below


@dataclass(frozen=True)
class Moments:
    """What is known about a set of voxels; sets are joined with ``+``.

    Parameters
    ----------
    count
        Finite voxels.
    low, high
        Least and greatest of them; +inf and -inf of none.
    mean
        Their mean.
    squares
        Sum of their squared distances from the mean.
    nans, infinities
        Voxels that are no number, or infinite; they enter nothing else.
    """

    count: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    mean: float = 0.0
    squares: float = 0.0
    nans: int = 0
    infinities: int = 0

    @property
    def deviation(self) -> float:
        """Standard deviation (of the whole set, not of a sample)."""
        return float(np.sqrt(self.squares / self.count)) if self.count else 0.0

    def __add__(self, other: Moments) -> Moments:
        """Join two sets (Chan, Golub and LeVeque 1983, Am. Stat. 37, 242)."""
        count = self.count + other.count
        share = other.count / count if count else 0.0
        step = other.mean - self.mean
        return Moments(
            count,
            min(self.low, other.low),
            max(self.high, other.high),
            self.mean + step * share,
            self.squares + other.squares + step * step * share * self.count,
            self.nans + other.nans,
            self.infinities + other.infinities,
        )


def moments(block: np.ndarray) -> Moments:
    """Return the moments of an array of any shape and real type.

    Sums are taken in float32 over pieces of 65,536 voxels, about a reference value, and joined in float64.
    """
    flat = block.reshape(-1)
    return join(_of_piece(flat[low : low + _PIECE]) for low in range(0, flat.size, _PIECE))


def moments_job(data: LazyArray, slices: Sequence[int] | None = None) -> Job[Moments]:
    """Return the moments of a lazy (z, y, x) array, or of some of its slices, on all cores.

    Memory does not grow with the volume: each thread holds one block of slices.
    """
    depth, height, width = data.shape
    step = max(1, _BLOCK // max(1, height * width))
    if slices is None:
        blocks = [slice(z, z + step) for z in range(0, depth, step)]
    else:
        blocks = [slice(z, z + 1) for z in slices]
    found = Moments()
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    try:
        for done, part in enumerate(pool.map(lambda block: moments(np.asarray(data[block])), blocks), start=1):
            found = found + part
            yield Progress(done, len(blocks), "reading")
    finally:
        pool.shutdown(cancel_futures=True)  # a job that is stopped does not read on
    return found


def join(parts: Iterable[Moments]) -> Moments:
    """Join any number of sets."""
    return sum(parts, Moments())


def _of_piece(piece: np.ndarray) -> Moments:
    values = piece.astype(np.float32, copy=False)
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return _of_odd_piece(values)
    reference = np.float32(0.5) * values[0] + np.float32(0.5) * values[-1]
    with np.errstate(over="ignore", invalid="ignore"):
        offset, squares = _about(values, reference)
        if values.size * offset * offset > squares:  # the ends lie off the rest, which loses its digits
            reference = np.float32(reference + offset)
            offset, squares = _about(values, reference)
    if not np.isfinite(squares):  # too large to be squared in float32
        return _of_odd_piece(values)
    return Moments(values.size, low, high, float(reference) + offset, squares)


def _about(values: np.ndarray, reference: np.float32) -> tuple[float, float]:
    """Return how far the mean lies from a reference, and the sum of squared distances from the mean."""
    away = values - reference
    offset = float(away.sum()) / away.size
    return offset, max(0.0, float(np.dot(away, away)) - away.size * offset * offset)


def _of_odd_piece(values: np.ndarray) -> Moments:
    nans = int(np.isnan(values).sum())
    infinities = int(np.isinf(values).sum())
    rest = values[np.isfinite(values)].astype(np.float64)
    if not rest.size:
        return Moments(nans=nans, infinities=infinities)
    mean = float(rest.mean())
    squares = float(np.square(rest - mean).sum())
    return Moments(rest.size, float(rest.min()), float(rest.max()), mean, squares, nans, infinities)
