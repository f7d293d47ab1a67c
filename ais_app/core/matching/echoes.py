"""Peaks that a particle makes around itself: where the template overlaps it by a part, the score is not nothing.

Beside a particle of score h, at a distance d, the template has up to c(d) h, with c its correlation with itself, moved
and turned. Noise comes on top of it; as c is its share that both places have in common, it counts by the rest:

    a peak is kept where it exceeds  c h + 2 (1 - c) deviation of noise  for all higher ones
"""

from __future__ import annotations

import numpy as np

from ais_app.core.jobs import Job, Progress
from ais_app.core.matching.peaks import Peaks
from ais_app.core.matching.template import Template
from ais_app.core.particles.orientations import all_rotations

_STEP = 60.0  # degrees between the rotations that are tried: the highest of many is wanted, not each
_AT_ONCE = 4_000_000  # voxels of kernels that are moved together
_NOISE = 2.0  # deviations
_REACH = 2.0  # radii: farther away nothing overlaps


def self_correlation_job(template: Template) -> Job[np.ndarray]:
    """Return the highest correlation of a template with itself, at each distance in voxels; a job.

    Parameters
    ----------
    template
        With the wedge among its weights.

    Returns
    -------
    ndarray
        (b,) float64 of the distances 0, 1, 2 ..., up to two radii: 1 at 0, then falling, at least 0.
    """
    import torch

    rotations = all_rotations(_STEP)
    edge = 2 * template.support
    shape, axes = (edge,) * 3, (1, 2, 3)
    placed = template.images(rotations[:1])[0]
    seen = torch.fft.rfftn(placed, s=shape)
    itself = (template.kernels(rotations[:1])[0] * placed).sum()
    highest = torch.zeros(shape)
    several = max(1, _AT_ONCE // edge**3)
    for first in range(0, len(rotations), several):
        kernels = template.kernels(rotations[first : first + several])
        moved = torch.fft.irfftn(torch.fft.rfftn(kernels, s=shape, dim=axes).conj() * seen, s=shape, dim=axes)
        highest = torch.maximum(highest, (moved / itself).amax(dim=0))
        yield Progress(first, len(rotations), "what the template makes beside itself")
    along = np.fft.fftfreq(edge) * edge
    distances = np.sqrt(along[:, None, None] ** 2 + along[:, None] ** 2 + along**2).round().astype(int)
    count = int(_REACH * template.radius) + 1
    profile = np.zeros(distances.max() + 1)
    np.maximum.at(profile, distances.ravel(), highest.numpy().ravel().astype(float))
    # the highest at this distance or farther away, so that it falls
    return np.minimum(np.maximum.accumulate(profile[:count][::-1])[::-1], 1.0)


def echoes(found: Peaks, profile: np.ndarray, deviation: float) -> np.ndarray:
    """Return which peaks are no more than others make there.

    Parameters
    ----------
    found
        The highest first.
    profile
        Of `self_correlation_job`.
    deviation
        Of the scores of noise.

    Returns
    -------
    ndarray
        (n,) bool.
    """
    from scipy.spatial import cKDTree

    are = np.zeros(len(found), dtype=bool)
    if len(found) < 2:
        return are
    near = cKDTree(found.positions_zyx).query_ball_point(found.positions_zyx, len(profile) - 1)
    for place, others in enumerate(near):
        higher = np.array([other for other in others if other < place and not are[other]], dtype=int)
        away = np.linalg.norm(found.positions_zyx[higher] - found.positions_zyx[place], axis=1)
        share = np.interp(away, np.arange(len(profile)), profile)
        are[place] = (found.scores[place] <= share * found.scores[higher] + _NOISE * (1 - share) * deviation).any()
    return are
