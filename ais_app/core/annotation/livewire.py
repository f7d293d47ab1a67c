"""Live-wire: the path along a ridge between two clicks, such as a membrane in cross-section.

    window around the two points ──► ridge strength ──► cost ──► path of least cost

A ridge is where the smoothed image curves strongly across one direction: the greater eigenvalue of its matrix of second
derivatives (Lindeberg 1998, Int. J. Comput. Vis. 30, 117). The path minimises the sum of the costs of its voxels
(Mortensen and Barrett 1998, Graph. Models Image Process. 60, 349).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy  # its parts load when they are first used: the window is up 0.1 s sooner

from ais_app.core.annotation.brush import disk
from ais_app.core.annotation.in_plane import Points
from ais_app.core.annotation.labels import FEATURE, Edit, Labels
from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX

# found on simulated membranes at a signal-to-noise ratio of 0.3
_STRONG = 95.0  # percentile of the ridge strength around the two points that counts as fully on a ridge
_FLOOR = 0.1  # cost of a step on a ridge, where one beside any costs 1.1: how long a detour a ridge is worth
_DETOUR, _ROOM = 1.25, 32.0  # a path may leave the straight line as an arc of 150 degrees does, and some voxels more


class LiveWire:
    """Finds paths along the ridges of one plane.

    Parameters
    ----------
    image_plane
        2D grey values, any real type. Only windows of it are read.
    scale_voxels
        Standard deviation of the Gaussian that the image is smoothed with: about half the width of the ridges.
    dark
        Follow what is darker than its surroundings; bright ridges when ``False``.

    Raises
    ------
    ParameterProblem
        The image is not 2D, or the scale is not positive.
    """

    def __init__(self, image_plane: np.ndarray, *, scale_voxels: float = 2.0, dark: bool = True) -> None:
        if image_plane.ndim != 2 or not image_plane.size:
            raise ParameterProblem("image", f"of shape {image_plane.shape} is no plane", "give 2D grey values")
        if not (np.isfinite(scale_voxels) and scale_voxels > 0):
            raise ParameterProblem("scale", f"{scale_voxels} is no width", "give a positive number of voxels")
        self._image, self._scale, self._sign = image_plane, float(scale_voxels), 1.0 if dark else -1.0

    def path(self, start_yx: Sequence[float], end_yx: Sequence[float]) -> np.ndarray:
        """Return the path of least cost between two points.

        Parameters
        ----------
        start_yx, end_yx
            Indices within the plane; rounded to voxels.

        Returns
        -------
        ndarray
            (n, 2) voxel indices from start to end, each a neighbour of the one before, int64.

        Raises
        ------
        ParameterProblem
            A point lies outside the plane.
        """
        from skimage.graph import MCP_Geometric

        start, end = self._voxel(start_yx), self._voxel(end_yx)
        corner, around = self._domain(start, end)
        begin, finish = tuple(start - corner), tuple(end - corner)
        paths = MCP_Geometric(self._cost(corner, around))
        paths.find_costs([begin], [finish])
        return np.array(paths.traceback(finish), dtype=np.int64) + corner

    def _voxel(self, point_yx: Sequence[float]) -> np.ndarray:
        point = np.array(point_yx, dtype=float)
        if point.shape != (2,) or not ((point >= -0.5) & (point <= np.array(self._image.shape) - 0.5)).all():
            problem = f"{tuple(point_yx)} lies outside the plane of {tuple(self._image.shape)}"
            raise ParameterProblem("live-wire", problem, "click inside the slice")
        return np.clip(np.rint(point), 0, np.array(self._image.shape) - 1).astype(np.int64)

    def _domain(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the voxels a path may use, an ellipse around the two points: its first voxel and 2D bool."""
        most = _DETOUR * float(np.linalg.norm(end - start)) + _ROOM
        low = np.maximum(np.floor((start + end) / 2 - most / 2), 0).astype(np.int64)
        high = np.minimum(np.ceil((start + end) / 2 + most / 2) + 1, self._image.shape).astype(np.int64)
        y, x = np.ogrid[low[0] : high[0], low[1] : high[1]]
        inside = np.hypot(y - start[0], x - start[1]) + np.hypot(y - end[0], x - end[1]) <= most
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return low + (rows[0], columns[0]), inside[part]

    def _cost(self, corner: np.ndarray, domain: np.ndarray) -> np.ndarray:
        """Return the cost of each voxel of a domain, float64; -1 outside of it, where no path goes."""
        strength = self._ridges(corner, domain.shape)
        strong = float(np.percentile(strength[domain], _STRONG))
        # where there is no ridge at all, every step costs the same and the path is straight
        share = np.minimum(strength / strong, 1) if strong > 0 else np.zeros_like(strength)
        return np.where(domain, _FLOOR + 1 - share, -1.0)

    def _ridges(self, corner: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
        """Return the ridge strength of a window: the greater eigenvalue of the second derivatives, 0 or more."""
        margin = int(np.ceil(3 * self._scale)) + 1
        low = np.maximum(corner - margin, 0)
        high = corner + size + margin
        window = np.asarray(self._image[low[0] : high[0], low[1] : high[1]], dtype=float)
        known = np.isfinite(window)
        window = np.where(known, window - (np.median(window[known]) if known.any() else 0.0), 0.0)
        window = (self._sign * window).astype(np.float32)  # the offset is gone, so this is precise enough, and faster
        smooth = scipy.ndimage.gaussian_filter(window, self._scale, mode="nearest", truncate=3.0)
        # central differences of what is that smooth; one voxel of border is repeated for them
        f = np.pad(smooth, 1, mode="edge")
        yy = f[2:, 1:-1] - 2 * smooth + f[:-2, 1:-1]
        xx = f[1:-1, 2:] - 2 * smooth + f[1:-1, :-2]
        yx = (f[2:, 2:] - f[2:, :-2] - f[:-2, 2:] + f[:-2, :-2]) / 4
        greater = (yy + xx) / 2 + np.hypot((yy - xx) / 2, yx)
        part = tuple(slice(a, a + n) for a, n in zip(corner - low, size, strict=True))
        return np.maximum(greater[part], 0)


def trace(
    labels: Labels,
    points_zyx: Points,
    radius: float,
    *,
    label: int = FEATURE,
    axis: str = "z",
    voxel_size_zyx: ZYX = (1.0, 1.0, 1.0),
) -> Edit:
    """Paint a path by sweeping a disk along it; parameters, result and errors as of `brush.disk`."""
    return replace(
        disk(labels, points_zyx, radius, label=label, axis=axis, voxel_size_zyx=voxel_size_zyx), title="Trace"
    )
