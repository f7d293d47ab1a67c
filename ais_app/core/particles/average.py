"""Averages of subtomograms, with their two halves.

    average_now(cubes, poses, wedges, wedge_of) ─► average, its two halves, their Fourier shell correlation

The formula is in `ais_app.core.particles.average_sums`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ais_app.core.jobs import Job, direct
from ais_app.core.parallel import small_steps
from ais_app.core.particles.average_sums import Sums, sums_job

if TYPE_CHECKING:
    from ais_app.core.particles.fsc import ShellCorrelation
    from ais_app.core.particles.poses import Poses
    from ais_app.core.particles.wedge import Wedge
    from ais_app.core.tomogram import LazyArray


class Averages(NamedTuple):
    """An average with its halves.

    Parameters
    ----------
    average, half1, half2
        (n, n, n) float32, z y x, of mean 0.
    fsc
        Fourier shell correlation of the halves within the mask; ``None`` where one of them holds nothing.
    """

    average: np.ndarray
    half1: np.ndarray
    half2: np.ndarray
    fsc: ShellCorrelation | None


@small_steps
def average_now_job(
    cubes: np.ndarray | LazyArray,
    poses: Poses,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    *,
    voxel_size: float = 1.0,
    symmetry: str = "C1",
    mask: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    fine: bool = False,
    seed: int = 0,
    device: str = "auto",
) -> Job[Averages]:
    """Average cubes with the poses they have, at once: no alignment. `average_now_job` is the same as a job.

    Parameters
    ----------
    cubes
        (n, e, e, e), density bright; an array, or a lazy one that is read in batches.
    poses
        Where the reference is found in each.
    wedges, wedge_of
        The missing wedges, and which of them each cube has, (n,) int.
    voxel_size
        Å; for the resolution.
    symmetry
        C1, C2 ... D2, D3 ...
    mask
        (e, e, e), 0 to 1, within which the halves are compared; a soft sphere if not given.
    weights
        (n,), how much each cube counts; 1 if not given.
    fine
        Keep the finest details when cubes are turned; takes three times as long.
    seed
        Of the division into halves.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    Averages
        A tuple ``average, half1, half2, fsc``.

    Raises
    ------
    ParameterProblem
        There is no cube, numbers do not fit each other, or voxels are no number.
    """
    half_of = split_halves(len(poses), seed)
    kept: dict[str, object] = {"weights": weights, "symmetry": symmetry, "fine": fine, "device": device}
    first, second = yield from sums_job(cubes, poses, wedges, wedge_of, groups=half_of, **kept)  # type: ignore[arg-type]
    return averages_of(first, second, voxel_size, mask)


average_now = direct(average_now_job)


def averages_of(first: Sums, second: Sums, voxel_size: float, mask: np.ndarray | None = None) -> Averages:
    """Return the average of two halves, each half and how well they agree; `mask` as of `average_now`."""
    from ais_app.core.particles.fourier import soft_sphere
    from ais_app.core.particles.fsc import fourier_shell_correlation

    half1, half2 = first.average(), second.average()
    outline = soft_sphere(first.edge) if mask is None else mask
    holds = bool(np.ptp(half1)) and bool(np.ptp(half2))
    fsc = fourier_shell_correlation(half1, half2, voxel_size, outline) if holds else None
    return Averages((first + second).average(), half1, half2, fsc)


def split_halves(count: int, seed: int = 0) -> np.ndarray:
    """Return a random half, 0 or 1, for each of `count` cubes, (count,) int64; the halves are equally large."""
    order = np.random.default_rng((seed, 11)).permutation(count)
    half_of = np.empty(count, np.int64)
    half_of[order] = np.arange(count) % 2
    return half_of
