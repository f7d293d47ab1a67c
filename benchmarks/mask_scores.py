"""How well masks of particles in cubes agree with the truth; the benchmarks of subtomograms share it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.scoring import dice


@dataclass(frozen=True)
class MaskScores:
    """Agreement of masks with the truth.

    Parameters
    ----------
    right
        Share of voxels.
    mean_iou
        IoU, the mean over cubes and over particle and background, as in the papers of SSN3D and EDSS3D.
    dice
        Of the particles, all voxels of all cubes together.
    """

    right: float
    mean_iou: float
    dice: float


def mask_scores(found: np.ndarray, truth: np.ndarray) -> MaskScores:
    """Compare masks, (n, z, y, x) bool."""
    ious = []
    for value in (False, True):
        one, two = found == value, truth == value
        either = (one | two).sum((1, 2, 3))
        ious.append(np.where(either > 0, (one & two).sum((1, 2, 3)) / np.maximum(either, 1), 1.0))
    return MaskScores(float((found == truth).mean()), float(np.mean(ious)), dice(found, truth))
