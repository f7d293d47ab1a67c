"""What a slice view shows: a plane of a tomogram, averaged over a slab, filtered.

    SliceRequest ──► planes of the slab and of the margin of 3D filters ──► running mean over the slab ──► filters

Filters act on the running mean as on a volume whose slices are the planes shown: 2D filters in the plane that is seen,
whichever it is, 3D filters through its neighbours as well. Of an XY plane without a slab this is exactly what
``ais-app filter`` writes. Planes that the slab lacks at an end of the tomogram are left out of the mean.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ais_app.core.annotation.labels import AXES
from ais_app.core.errors import ParameterProblem
from ais_app.core.filtering.chain import FilterSetting, filtered
from ais_app.core.filtering.missing import Voxels
from ais_app.core.tomogram import ZYX, LazyArray, Region, Tomogram

__all__ = ["FilterSetting", "SliceRequest", "plane_shape", "read_slice"]

_READERS = 4  # threads; reading one column of every row waits for memory, not for the processor


@dataclass(frozen=True)
class SliceRequest:
    """What is wanted; equal requests give equal planes, so it serves as the key of a cache.

    Parameters
    ----------
    axis
        The axis the plane is perpendicular to: ``"z"`` for XY, ``"y"`` for XZ, ``"x"`` for YZ.
    index
        Voxel index along that axis.
    slab
        Odd number of planes that are averaged, centred on `index`.
    filters
        In the order in which they act.
    """

    axis: str
    index: int
    slab: int = 1
    filters: tuple[FilterSetting, ...] = ()

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise ParameterProblem("axis", f"{self.axis!r} is not an axis", "choose z, y or x")
        if self.slab < 1 or self.slab % 2 == 0:
            raise ParameterProblem("slab", f"{self.slab} slices have no middle one", "choose an odd number")


def plane_shape(shape: Voxels, axis: str) -> tuple[int, int]:
    """Return (h, w) of the planes perpendicular to an axis: z, y, x without the axis itself."""
    height, width = (length for name, length in zip(AXES, shape, strict=True) if name != axis)
    return height, width


def read_slice(tomogram: Tomogram, request: SliceRequest) -> np.ndarray:
    """Read a plane as it is shown.

    Parameters
    ----------
    tomogram
        Lazy or not; no more of it is read than needed.
    request
        Which plane, averaged over how many, filtered how.

    Returns
    -------
    ndarray
        (h, w) float32, a new array: (y, x) of an XY plane, (z, x) of XZ, (z, y) of YZ. NaN where no plane of the slab
        has a number.

    Raises
    ------
    ParameterProblem
        There is no such plane; a filter or parameter does not fit; filters are wanted and the voxel size is not known.
    """
    along = AXES.index(request.axis)
    length = tomogram.shape[along]
    if not 0 <= request.index < length:
        problem = f"there is no plane {request.axis} = {request.index}"
        raise ParameterProblem(tomogram.path or tomogram.name, problem, f"planes run from 0 to {length - 1}")
    height, width = plane_shape(tomogram.shape, request.axis)
    size = None
    if any(setting.enabled for setting in request.filters):
        size = _moved(tomogram.require_voxel_size_zyx(), along)
    half = request.slab // 2

    def read(region: Region) -> np.ndarray:
        return _running_means(tomogram.data, along, region[0], half)

    region = (slice(request.index, request.index + 1), slice(0, height), slice(0, width))
    return filtered(read, (length, height, width), size, request.filters, region)[0]


def _moved(sizes: ZYX, along: int) -> ZYX:
    first, second, third = (sizes[axis] for axis in (along, *(a for a in range(3) if a != along)))
    return first, second, third


def _running_means(data: LazyArray, along: int, wanted: slice, half: int) -> np.ndarray:
    """Return the means over ``2 half + 1`` planes around each of those wanted, (n, h, w) float32."""
    low, high = max(0, wanted.start - half), min(data.shape[along], wanted.stop + half)
    planes = _planes(data, along, low, high)
    if half == 0:
        return planes
    return np.stack(
        [_mean(planes[max(0, at - half - low) : at + half + 1 - low]) for at in range(wanted.start, wanted.stop)]
    )


def _mean(planes: np.ndarray) -> np.ndarray:
    total = planes.sum(axis=0)
    if np.isfinite(total.sum()):
        return np.asarray(total / np.float32(len(planes)))
    known = np.isfinite(planes)
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 where no plane has a number
        return np.where(known, planes, 0).sum(axis=0, dtype=np.float32) / known.sum(axis=0, dtype=np.float32)


def _planes(data: LazyArray, along: int, low: int, high: int) -> np.ndarray:
    """Read planes as (n, h, w) float32, a copy."""
    if along == 0:
        return np.array(data[low:high], dtype=np.float32)
    if along == 1:
        return np.array(data[:, low:high].transpose(1, 0, 2), dtype=np.float32)
    depth, height = data.shape[:2]
    columns = np.empty((high - low, depth, height), np.float32)

    def read(first: int, last: int) -> None:
        columns[:, first:last] = np.asarray(data[first:last, :, low:high]).transpose(2, 0, 1)

    bounds = [depth * part // _READERS for part in range(_READERS + 1)]
    with ThreadPoolExecutor(_READERS) as pool:
        list(pool.map(read, bounds[:-1], bounds[1:]))
    return columns
