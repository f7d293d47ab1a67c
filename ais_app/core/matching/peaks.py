"""From scores to places: local maxima, their sub-voxel positions, the threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.matching.steps import slabs
from ais_app.core.matching.store import Scores

_FEWEST = 100  # peaks from which the distribution of their heights is known
_LOW = 0.16  # a deviation below the middle of a normal distribution
_TOGETHER = 20000  # maxima whose distances are looked at between two steps


@dataclass(frozen=True)
class Peaks:
    """Local maxima, the highest first.

    Parameters
    ----------
    positions_zyx
        (n, 3) float64, voxels, between voxels by a parabola along each axis.
    scores
        (n,) float64.
    angles
        (n,) int: numbers of rotations.
    """

    positions_zyx: np.ndarray
    scores: np.ndarray
    angles: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: np.ndarray | slice) -> Peaks:
        return Peaks(self.positions_zyx[rows], self.scores[rows], self.angles[rows])


def apart_job(
    maxima: tuple[np.ndarray, np.ndarray], spacing: float, number: int | None = None
) -> Job[tuple[np.ndarray, np.ndarray]]:
    """Return maxima, the highest first, each at least `spacing` from all higher ones that are returned.

    Parameters
    ----------
    maxima
        Of `local_maxima`: (n, 3) voxels, in the order of the volume, and (n,) heights.
    spacing
        Voxels.
    number
        At most so many.
    """
    voxels, heights = maxima
    left = np.arange(len(heights))
    wanted = len(left) if number is None else number
    chosen, total = left[:0], len(left)
    while len(left) and len(chosen) < wanted:
        yield Progress(total - len(left), total, "peaks")
        # the spacing is decided from the top, so that what lies far below need not be looked at
        least = np.partition(heights[left], -_TOGETHER)[-_TOGETHER] if len(left) > _TOGETHER else -np.inf
        high = heights[left] >= least
        order, left = left[high], left[~high]
        # maxima come in the order of their voxels, which decides between equal heights
        order = order[np.argsort(-heights[order], kind="stable")]
        order = order[_away(voxels[order], voxels[chosen], spacing)]
        chosen = np.concatenate([chosen, order[_spaced(voxels[order], spacing)]])
    return voxels[chosen[:wanted]], heights[chosen[:wanted]]


apart = direct(apart_job)


def peaks(scores: Scores, maxima: tuple[np.ndarray, np.ndarray]) -> Peaks:
    """Return where maxima are between voxels, with their scores and rotations.

    Parameters
    ----------
    scores
        Of `search.search_job`; may be mapped files.
    maxima
        Of `apart`, (n, 3) and (n,).
    """
    voxels, heights = maxima
    return Peaks(_between_voxels(scores.score, voxels), heights.astype(float), scores.angle[tuple(voxels.T)])


def _away(voxels: np.ndarray, chosen: np.ndarray, spacing: float) -> np.ndarray:
    """Return which voxels, (n, 3), are at least `spacing` from all that were chosen."""
    from scipy.spatial import cKDTree

    if not len(chosen) or not len(voxels):
        return np.ones(len(voxels), dtype=bool)
    near = cKDTree(chosen).query(voxels, distance_upper_bound=spacing * (1 - 1e-9))[0]
    return np.asarray(np.isinf(near))


def _spaced(voxels: np.ndarray, spacing: float) -> np.ndarray:
    from ais_app.core.picking.spacing import spaced

    return spaced(voxels.astype(float), spacing)


def local_maxima_job(score: np.ndarray, lowest: float = 0.0) -> Job[tuple[np.ndarray, np.ndarray]]:
    """Return voxels that no neighbour exceeds, (n, 3) z y x, and their scores, (n,); of a plateau all.

    Parameters
    ----------
    score
        (z, y, x); read slab by slab.
    lowest
        Scores below are left out, and all of 0 or less.
    """
    from scipy.ndimage import maximum_filter

    depth, height, width = score.shape
    voxels, heights = [np.empty((0, 3), dtype=int)], [np.empty(0, dtype=np.float32)]
    for part in slabs(depth, height * width):
        first, last = max(0, part.start - 1), min(depth, part.stop + 1)
        slab = np.asarray(score[first:last])
        top = (slab >= maximum_filter(slab, size=3, mode="nearest")) & (slab > 0) & (slab >= lowest)
        found = np.argwhere(top[part.start - first : part.stop - first]) + [part.start, 0, 0]
        voxels.append(found)
        heights.append(np.asarray(score[tuple(found.T)]))
        yield Progress(part.stop, depth, "local maxima")
    return np.concatenate(voxels), np.concatenate(heights)


local_maxima = direct(local_maxima_job)


def _between_voxels(score: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Move peaks to the top of the parabola through each and its two neighbours, axis by axis."""
    positions = voxels.astype(float)
    middle = np.asarray(score[tuple(voxels.T)], dtype=float)
    for axis, length in enumerate(score.shape):
        inside = (voxels[:, axis] > 0) & (voxels[:, axis] < length - 1)
        sides = []
        for step in (-1, 1):
            place = voxels.copy()
            place[:, axis] = np.clip(place[:, axis] + step, 0, length - 1)
            sides.append(np.asarray(score[tuple(place.T)], dtype=float))
        before, after = sides
        bend = before - 2 * middle + after
        # scores beside flat or outer voxels are 0 and no part of a parabola
        usable = inside & (bend < 0) & (before > 0) & (after > 0)
        positions[:, axis] += np.where(usable, np.clip((before - after) / (2 * np.where(bend, bend, 1)), -0.5, 0.5), 0)
    return positions


def noise_threshold(scores: Scores, false_positives: float = 1.0) -> float:
    """Return the score that noise alone exceeds so many times (Rickgauer, Grigorieff & Denk 2017, eLife 6:e25648).

    Scores of noise are normal: of N of them ``N erfc(t / (sqrt(2) d)) / 2`` exceed t, d their deviation.
    """
    from scipy.special import erfcinv

    share = min(1.0, 2 * false_positives / max(1.0, scores.searched))
    return float(np.sqrt(2) * scores.deviation * erfcinv(share))


def tail_threshold(heights: np.ndarray, false_positives: float = 1.0) -> float | None:
    """Return the height that so many false peaks exceed, from the peaks themselves; ``None`` of fewer than 100.

    Peaks that are apart are what a person would look at one by one. Most are no particles, but noise and whatever
    else is there: their median and their 16th percentile are those of a normal distribution, whose upper tail is
    extrapolated. What exceeds it does not belong to them, so they are counted again without it, until nothing changes.

    Parameters
    ----------
    heights
        (n,), of all peaks that are apart, the low ones too.
    false_positives
        How many that are no particles may exceed the threshold.
    """
    from scipy.special import ndtri

    if len(heights) < _FEWEST:
        return None
    others = heights
    while True:
        low, middle = np.percentile(others, [100 * _LOW, 50])
        deviation = (middle - low) / -ndtri(_LOW)
        threshold = float(middle - deviation * ndtri(min(0.5, false_positives / len(others))))
        kept = others[others <= threshold]
        if len(kept) == len(others):
            return threshold
        others = kept
