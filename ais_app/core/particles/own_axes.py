"""Turning particles to their own axes, so that those of one shape lie alike before anything is known of them.

    cube ─► Gaussian ─► outline: above Otsu's threshold ─┐
      └──────► density less that outside the outline ────┴─► centre of mass, covariance ─► axes, longest along z
    signs: the third moments along the two longest axes are positive; the third axis makes the frame right-handed

The Gaussian is for the outline alone. Weighted by what is smooth and above the threshold, axes are up to twice as far
off: the noise that moves the outline moves these weights along with it.

Zeng et al. (2018), Journal of Structural Biology 202, 150; Otsu (1979), IEEE Transactions on Systems, Man, and
Cybernetics 9, 62. A missing wedge draws every particle out along the beam, and with it the axes: on ellipsoids seen
at ±60° half of the axes are more than 20 degrees off. Particles without three unequal axes have none to turn to.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.params import Params, param
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import LazyArray

_AXES_ZYX = (2, 1, 0)  # reference axis x, y, z is the third, second, first longest


@dataclass(frozen=True)
class OwnAxesParams(Params):
    """How the axes of a particle are found."""

    smooth: float = param(2.0, "Gaussian before the threshold, its standard deviation", unit="voxels", low=0, high=20)


@dataclass(frozen=True)
class OwnAxes:
    """What was found in cubes.

    Parameters
    ----------
    poses
        From a frame with the longest axis along z, the second along y, to each cube; scores are 1, and 0 where a cube
        holds nothing to measure: its pose is then unturned.
    variances
        (n, 3) float64, voxels²: along the longest axis, the second and the third.
    """

    poses: Poses
    variances: np.ndarray


def own_axes(cubes: LazyArray, params: OwnAxesParams | None = None, wedges: Sequence[Wedge] = ()) -> OwnAxes:
    """Find the axes of the particle in each cube.

    Parameters
    ----------
    cubes
        (n, e, e, e) float32, bright; read one by one.
    params
        How.
    wedges
        Of the cubes: where something is missing, `DataWarning` says what that does to axes.

    Raises
    ------
    ParameterProblem
        A cube holds NaN or infinite voxels.
    """
    chosen = params or OwnAxesParams()
    if any(not wedge.is_full for wedge in wedges):
        words = "a missing wedge draws particles out along the beam: half of their axes may be 20 degrees off or more"
        warnings.warn(DataWarning(words), stacklevel=2)
    count = cubes.shape[0]
    rotations, shifts = np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3))
    variances, scores = np.zeros((count, 3)), np.zeros(count)
    for row in range(count):
        found = _axes(np.asarray(cubes[row], np.float32), chosen.smooth, row)
        if found is not None:
            rotations[row], shifts[row], variances[row] = found
            scores[row] = 1
    return OwnAxes(Poses(rotations, shifts, scores), variances)


def _axes(cube: np.ndarray, smooth: float, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_otsu

    if not np.isfinite(cube).all():
        raise ParameterProblem("cubes", f"cube {row} holds values that are no number", "leave it out")
    density = gaussian_filter(cube, smooth)
    if not np.ptp(density):
        return None
    inside = density > threshold_otsu(density)
    weights = cube[inside].astype(np.float64) - cube[~inside].mean(dtype=np.float64)
    total = weights.sum()
    if not total > 0:
        return None
    weights /= total
    places = np.argwhere(inside)
    away = places[:, ::-1] - np.array(cube.shape[::-1]) // 2  # x y z from the central voxel
    centre = weights @ away
    away = away - centre
    variances, axes = np.linalg.eigh((away * weights[:, None]).T @ away)
    variances, axes = variances[::-1], axes[:, ::-1]
    skewness = weights @ (away @ axes) ** 3
    axes = axes * np.where(skewness < 0, -1.0, 1.0)
    rotation = axes[:, _AXES_ZYX]
    if np.linalg.det(rotation) < 0:
        rotation[:, 0] *= -1  # along the shortest axis there is least to tell the sign by
    return rotation, centre[::-1], variances
