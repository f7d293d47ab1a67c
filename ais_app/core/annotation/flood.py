"""The flood brush: paints what looks like the voxel under the cursor, and stops at edges.

    window of the image ──► smoothed ──► grey values in units of the disk's own deviation ──► connected to the cursor

What "looks like" means is measured within the brush, so neither the grey offset nor the scale of the image matters,
and a slope of grey across the slice does no harm.
"""

from __future__ import annotations

import cc3d
import numpy as np
import scipy  # its parts load when they are first used: the window is up 0.1 s sooner

from ais_app.core.annotation.in_plane import Points, checked_points, within
from ais_app.core.annotation.labels import AXES, FEATURE, Edit, Index, Labels
from ais_app.core.annotation.stroke import Stroke
from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX, LazyArray

_STEP = 0.5  # of the radius: how far the cursor may move before it grows from a new place
_REACH = 0.6  # deviations that differ at a sensitivity of 0.5; found on simulated membranes and ribosomes
_STANDS_OUT = 0.25  # deviations from the median of the brush, from where on the cursor is on something
_WIDER = 1.1  # of the smoothing: how much more the value under the cursor is smoothed
_PINHOLE = 12.0  # voxels at a smoothing of 1: a hole of two deviations' radius
_NORMAL = 1.4826  # median absolute deviation to standard deviation, for normal noise


def flood(
    labels: Labels,
    image_plane: np.ndarray,
    points_zyx: Points,
    radius: float,
    *,
    sensitivity: float = 0.5,
    smoothing_voxels: float = 2.0,
    label: int = FEATURE,
    axis: str = "z",
    voxel_size_zyx: ZYX = (1.0, 1.0, 1.0),
) -> Edit:
    """Paint what is connected to the cursor and similar to it, within the brush.

    Parameters
    ----------
    labels
        What is painted on.
    image_plane
        2D grey values of the plane that is painted on, any real type; its axes in the order z, y, x without `axis`.
        Only the surroundings of the path are read.
    points_zyx
        (n, 3) path of the cursor, or a single point, voxel indices. The first point says which plane.
    radius
        In the unit of `voxel_size_zyx`: voxels as it stands. Nothing farther from the path is painted.
    sensitivity
        0 … 1: from only what is exactly as the place under the cursor to everything within the brush. A voxel is
        similar when its grey value differs by at most ``sensitivity / (1 - sensitivity)`` times 0.6 robust
        deviations of the grey values within the brush. Where the cursor is on something darker than most of the
        brush, what is darker still belongs to it, and the limit is half the way back to the median if that is
        more: at 0.5 the edges of what stands out clearly are exact. The same holds for brighter.
    smoothing_voxels
        Standard deviation of the Gaussian that the image is smoothed with before.
    label
        1 paints, 0 erases, 2 marks as ignore.
    axis
        The axis the plane is perpendicular to.
    voxel_size_zyx
        Å, for voxels that are not cubes.

    Returns
    -------
    Edit
        Its plane becomes annotated. Small holes, which noise leaves, are filled.

    Raises
    ------
    ParameterProblem
        A parameter is out of its bounds, the plane lies outside, or the image is not that of the plane.
    """
    stroke = FloodStroke(
        labels,
        image_plane,
        radius,
        sensitivity=sensitivity,
        smoothing_voxels=smoothing_voxels,
        label=label,
        axis=axis,
        voxel_size_zyx=voxel_size_zyx,
    )
    for point in checked_points(points_zyx, "stroke"):
        stroke.to(point)
    return stroke.edit()


class FloodStroke(Stroke):
    """A flood brush that takes its path point by point; parameters as of `flood`, use as of `Stroke`."""

    def __init__(
        self,
        labels: Labels,
        image_plane: np.ndarray,
        radius: float,
        *,
        sensitivity: float = 0.5,
        smoothing_voxels: float = 2.0,
        label: int = FEATURE,
        axis: str = "z",
        voxel_size_zyx: ZYX = (1.0, 1.0, 1.0),
        allowed: LazyArray | None = None,
    ) -> None:
        super().__init__(labels, radius, label=label, axis=axis, voxel_size_zyx=voxel_size_zyx, allowed=allowed)
        wanted = tuple(int(n) for n in within(np.array(labels.shape), axis))
        if tuple(image_plane.shape) != wanted:
            problem = f"has {tuple(image_plane.shape)} voxels, the plane {wanted}"
            raise ParameterProblem("image", problem, f"give the plane perpendicular to {axis}")
        if not 0 <= sensitivity <= 1:
            raise ParameterProblem("sensitivity", f"{sensitivity} is out of its bounds", "choose between 0 and 1")
        if not (np.isfinite(smoothing_voxels) and smoothing_voxels >= 0):
            raise ParameterProblem("smoothing", f"{smoothing_voxels} is no deviation", "give 0 or more voxels")
        self._image, self._smoothing = image_plane, float(smoothing_voxels)
        self._tolerance = sensitivity / max(1 - sensitivity, 1e-9)

    def footprint(self, begin: np.ndarray, end: np.ndarray, start: Index, size: Index) -> tuple[np.ndarray, np.ndarray]:
        """Return what is similar to the cursor on its way, as `Stroke.footprint`."""
        first, covered = super().footprint(begin, end, start, size)
        along = AXES.index(self.axis)
        grown = np.zeros_like(covered)
        steps = int(np.ceil(np.linalg.norm((end - begin) * self.spacing) / (_STEP * self.radius)))
        reach = self.radius / self.spacing
        for step in _steps_near(begin, end, steps, np.subtract(start, reach), np.add(start, size) + reach):
            at = begin + (end - begin) * (step / max(steps, 1))
            low, disk = super().footprint(at, at, start, size)
            if disk.size:
                corner = within(low, self.axis)
                part = tuple(slice(a, a + n) for a, n in zip(low - first, disk.shape, strict=True))
                seed = np.rint(within(at, self.axis)).astype(int) - corner
                grown[part] |= np.expand_dims(self._grow(corner, disk.squeeze(along), seed), along)
        return first, grown

    def _grow(self, corner: np.ndarray, disk: np.ndarray, seed: np.ndarray) -> np.ndarray:
        """Return which voxels of a disk, 2D bool with its `corner` in the image, belong to those at its `seed`."""
        none = np.zeros_like(disk)
        row, column = (int(value) for value in seed)
        if not (0 <= row < disk.shape[0] and 0 <= column < disk.shape[1]):
            return none  # the cursor is beside the slice
        values, known = self._smoothed(corner, disk.shape)
        inside = disk & known
        if not inside[row, column]:
            return none
        offsets = values - self._under_cursor(values, inside, row, column)
        seen = offsets[inside]
        typical, deviation = float(np.median(seen)), _deviation(seen)
        apart, unit = np.abs(offsets), _REACH * deviation
        if abs(typical) > _STANDS_OUT * deviation:
            # a cursor on something that stands out takes all of it, also what stands out more than the place under
            # the cursor does: only the way back to the surroundings counts, and half of it is where a blurred edge is
            apart, unit = offsets * np.sign(typical), max(unit, abs(typical) / 2)
        similar = inside & (apart <= self._tolerance * unit)
        similar[row, column] = True
        regions = cc3d.connected_components(similar, connectivity=4)
        return _without_pinholes(regions == regions[row, column], _PINHOLE * self._smoothing**2) & inside

    def _under_cursor(self, values: np.ndarray, inside: np.ndarray, row: int, column: int) -> float:
        """Return the grey value under the cursor, from a somewhat wider surrounding than that of the other voxels.

        Every comparison is with this one number, so its noise counts more than that of any other.
        """
        if self._smoothing == 0:
            return float(values[row, column])
        y, x = np.ogrid[: values.shape[0], : values.shape[1]]
        squared = ((y - row) ** 2 + (x - column) ** 2) / (_WIDER * self._smoothing) ** 2
        return float(np.average(values, weights=np.exp(-squared / 2) * inside))

    def _smoothed(self, corner: np.ndarray, size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return a window of the image, smoothed, float64, and which of its values are numbers."""
        margin = int(np.ceil(3 * self._smoothing))
        low = np.maximum(corner - margin, 0)
        high = corner + size + margin
        window = np.asarray(self._image[low[0] : high[0], low[1] : high[1]], dtype=float)
        known = np.isfinite(window)
        # taken relative to the middle, so that a great offset does not cost the small differences their digits
        window = np.where(known, window - (np.median(window[known]) if known.any() else 0.0), 0.0)
        smooth = scipy.ndimage.gaussian_filter(window, self._smoothing, mode="nearest", truncate=3.0)
        part = tuple(slice(a, a + n) for a, n in zip(corner - low, size, strict=True))
        return smooth[part], known[part]


def _steps_near(begin: np.ndarray, end: np.ndarray, steps: int, low: np.ndarray, high: np.ndarray) -> range:
    """Return which of `steps` equal steps from `begin` to `end` end inside a box; of no step, the only place."""
    if steps == 0:
        return range(1)
    path = end - begin
    moving = path != 0
    entries = np.sort([(low - begin)[moving] / path[moving], (high - begin)[moving] / path[moving]], axis=0)
    first, last = max(0.0, entries[0].max()), min(1.0, entries[1].min())
    return range(max(1, int(np.floor(first * steps))), int(np.ceil(last * steps)) + 1)


def _deviation(values: np.ndarray) -> float:
    """Return a standard deviation that a few outliers do not move."""
    apart = np.abs(values - np.median(values))
    typical = float(np.median(apart))
    # where more than half of the voxels are all the same, the others are what the deviation has to tell apart
    return _NORMAL * typical if typical > 0 else float(apart.mean())


def _without_pinholes(region: np.ndarray, largest: float) -> np.ndarray:
    """Return a 2D region with the holes filled that noise leaves: those of no more than `largest` voxels."""
    gaps = cc3d.connected_components(~region, connectivity=4)
    small = np.bincount(gaps.ravel()) <= largest
    return region | small[gaps]
