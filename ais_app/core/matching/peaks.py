"""From scores to places: local maxima, their sub-voxel positions, the threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.matching.steps import slabs
from ais_app.core.matching.store import Scores

_FEWEST_MAXIMA = 100
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


def peaks_job(
    scores: Scores,
    maxima: tuple[np.ndarray, np.ndarray],
    spacing: float,
    lowest: float = 0.0,
    number: int | None = None,
) -> Job[Peaks]:
    """Return local maxima, each farther than `spacing` from all higher ones that are returned.

    Parameters
    ----------
    scores
        Of `search.search_job`; may be mapped files.
    maxima
        Of `local_maxima`.
    spacing
        Voxels.
    lowest
        Score that is still returned.
    number
        At most so many.
    """
    voxels, heights = maxima
    left = np.flatnonzero(heights >= lowest)
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
    chosen = chosen[:wanted]
    found = voxels[chosen]
    return Peaks(_between_voxels(scores.score, found), heights[chosen].astype(float), scores.angle[tuple(found.T)])


peaks = direct(peaks_job)


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
    """Return the height that so many maxima of noise exceed, from the maxima themselves; ``None`` of fewer than 100.

    The lower half of all local maxima is noise; its median and its 16th percentile are those of a normal distribution,
    whose upper tail is extrapolated. Particles are few and hardly move the two, unlike the deviation of all scores.

    Parameters
    ----------
    heights
        (n,), of all local maxima, not only of those that are apart.
    false_positives
        How many maxima of noise may exceed the threshold.
    """
    from scipy.special import ndtri

    if len(heights) < _FEWEST_MAXIMA:
        return None
    low, middle = np.percentile(heights, [100 * _LOW, 50])
    deviation = (middle - low) / -ndtri(_LOW)
    return float(middle - deviation * ndtri(min(0.5, false_positives / len(heights))))
