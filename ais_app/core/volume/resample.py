"""Cropping, binning and rescaling between voxel sizes, lazily, with the geometry kept right.

    cropped(tomogram, region)           voxels as they are
    binned(tomogram, 2)                 means (or maxima) of cubes
    rescaled(tomogram, 10.0)            to another voxel size, per axis, without aliasing
    rotated_x(tomogram)                 turned by -90° about x
    regridded(array, shape, step)       the same for a bare array, onto a grid of a given shape
    rescaled_slices(slices, ...)        the same for slices that come one after the other

Each but the last gives a `Tomogram` whose data are computed when they are read, and whose origin says where
its first voxel lies: a cube of b voxels has its centre (b - 1)/2 voxels from the centre of its first voxel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX, LazyArray, Region, Tomogram
from ais_app.core.volume.blocks import BlockArray, Cropped, RotatedX
from ais_app.core.volume.grid_axis import GridAxis, Kernel

Reduce = Literal["mean", "max"]


def cropped(tomogram: Tomogram, region: Region) -> Tomogram:
    """Return a region of a tomogram; its origin (or nstart, where the file counts with that) moves along.

    Parameters
    ----------
    tomogram
        Any.
    region
        z, y, x slices with both bounds inside the volume, no step: what `parse_region` returns.
    """
    data = tomogram.data[region] if isinstance(tomogram.data, np.ndarray) else Cropped(tomogram.data, region)
    first = [part.start for part in region]
    return _regridded(tomogram, data, first, (1.0, 1.0, 1.0))


def binned(tomogram: Tomogram, factor: int, reduce: Reduce = "mean") -> Tomogram:
    """Return a tomogram of cubes of `factor` voxels; what does not fill a cube at the far ends is left out.

    Parameters
    ----------
    tomogram
        Any.
    factor
        Voxels per cube and axis.
    reduce
        ``"mean"``, float32; or ``"max"`` in the tomogram's own type, for masks.

    Raises
    ------
    ParameterProblem
        The volume is thinner than one cube.
    """
    if factor < 1 or min(tomogram.shape) < factor:
        problem = f"{tomogram.shape} voxels (z, y, x) cannot be binned by {factor}"
        raise ParameterProblem(tomogram.path or tomogram.name, problem, "choose a smaller factor")
    if factor == 1:
        return tomogram
    return _regridded(tomogram, _Binned(tomogram.data, factor, reduce), [(factor - 1) / 2] * 3, [float(factor)] * 3)


def rotated_x(tomogram: Tomogram) -> Tomogram:
    """Return a tomogram turned by -90° about x, so that a beam along y lies along z; handedness is kept.

    The origin is turned with it, about the origin of space.
    """
    sizes, origin = tomogram.voxel_size_zyx, tomogram.origin_zyx
    turned = replace(tomogram, data=RotatedX(tomogram.data), nstart_zyx=(0, 0, 0))
    if sizes is None:
        return turned
    base = origin if any(origin) else tuple(n * s for n, s in zip(tomogram.nstart_zyx, sizes, strict=True))
    last_y = base[1] + (tomogram.shape[1] - 1) * sizes[1]
    placed = (-last_y, base[0], base[2]) if any(base) else (0.0, 0.0, 0.0)
    return replace(turned, voxel_size_zyx=(sizes[1], sizes[0], sizes[2]), origin_zyx=placed)


def rescaled(tomogram: Tomogram, voxel_size: float | Sequence[float], kernel: Kernel = "cubic") -> Tomogram:
    """Return a tomogram on a grid of another voxel size, about the same centre, float32.

    Parameters
    ----------
    tomogram
        With a known voxel size.
    voxel_size
        Å, one number or three in z, y, x.
    kernel
        ``"cubic"`` (Keys 1981, IEEE Trans. ASSP 29, 1153) for grey values; ``"linear"`` never leaves the range
        of its input. Where the new voxels are larger, the kernel is widened by the factor, so nothing aliases.

    Raises
    ------
    ParameterProblem
        The tomogram's voxel size is not known.
    """
    new = np.broadcast_to(np.asarray(voxel_size, dtype=float), 3)
    step = new / np.array(tomogram.require_voxel_size_zyx())
    shape = rescaled_shape(tomogram.shape, step)
    grids = [GridAxis(n, m, float(s), kernel) for n, m, s in zip(tomogram.shape, shape, step, strict=True)]
    return _regridded(tomogram, _Rescaled(tomogram.data, grids), [grid.first for grid in grids], step)


def regridded(
    data: LazyArray, shape: tuple[int, int, int], step_zyx: Sequence[float] | np.ndarray, kernel: Kernel = "linear"
) -> LazyArray:
    """Return an array on another grid about the same centre, float32, computed when it is read.

    Parameters
    ----------
    data
        (z, y, x), real.
    shape
        Voxels of the new grid along z, y, x.
    step_zyx
        Size of the new voxels in old ones.
    kernel
        As `rescaled`; the default keeps probabilities within 0 and 1.
    """
    grids = [GridAxis(n, m, float(s), kernel) for n, m, s in zip(data.shape, shape, step_zyx, strict=True)]
    return _Rescaled(data, grids)


def rescaled_shape(shape: Sequence[int], step_zyx: Sequence[float] | np.ndarray) -> tuple[int, int, int]:
    """Return how many voxels remain along each axis when one new voxel is `step_zyx` old ones, at least 1."""
    z, y, x = (max(1, int(np.floor(n / s + 0.5))) for n, s in zip(shape, step_zyx, strict=True))
    return z, y, x


def rescaled_slices(
    slices: Iterable[np.ndarray],
    shape: tuple[int, int, int],
    new_shape: tuple[int, int, int],
    step_zyx: Sequence[float],
    kernel: Kernel = "linear",
) -> Iterator[np.ndarray]:
    """Rescale a volume that arrives slice by slice; only the slices that are still needed are kept.

    Parameters
    ----------
    slices
        The slices of the volume from z = 0 on, each (y, x), real.
    shape, new_shape
        (z, y, x) of the volume that comes and of the one wanted.
    step_zyx
        Size of the new voxels in old ones. The inverse of ``rescaled(tomogram, v)`` has the reciprocal of its step
        and the tomogram's shape: both grids share their centre.
    kernel
        As `rescaled`; the default keeps probabilities within 0 and 1.

    Yields
    ------
    ndarray
        (y, x) float32, the new slices in order.
    """
    along_z, *in_plane = [GridAxis(n, m, s, kernel) for n, m, s in zip(shape, new_shape, step_zyx, strict=True)]
    source = iter(slices)
    kept: dict[int, np.ndarray] = {}
    arrived = 0
    spans = [along_z.span(z, z + 1) for z in range(new_shape[0])]
    still_needed = np.minimum.accumulate([span.start for span in spans[::-1]])[::-1]
    for z, span in enumerate(spans):
        while arrived < span.stop:
            kept[arrived] = np.asarray(next(source), dtype=np.float32)
            arrived += 1
        for old in [at for at in kept if at < still_needed[z]]:
            del kept[old]
        window = np.stack([kept[at] for at in range(span.start, span.stop)])
        plane = along_z.apply(window, z, z + 1, span.start)[0]
        yield _in_plane(plane, in_plane[0], in_plane[1], slice(0, new_shape[1]), slice(0, new_shape[2]), 0, 0)


def _regridded(
    tomogram: Tomogram, data: LazyArray, first: Sequence[float], step: Sequence[float] | np.ndarray
) -> Tomogram:
    """Return the tomogram with other data: voxel 0 lies at `first` in old voxels, one voxel is `step` old ones.

    Viewers place a map by its origin where that is not zero, else by nstart. A crop moves both; other grids do
    not fall on whole old voxels, so they carry an origin and no nstart.
    """
    sizes, nstart = tomogram.voxel_size_zyx, np.array(tomogram.nstart_zyx)
    origin, shift = np.array(tomogram.origin_zyx), np.array(first, dtype=float)
    whole = np.allclose(step, 1) and np.array_equal(shift, np.round(shift))
    if whole and (nstart.any() or sizes is None):
        nstart = nstart + shift.astype(int)
        origin = origin + shift * np.array(sizes) if origin.any() and sizes is not None else origin
    elif sizes is not None:
        base = origin if origin.any() else nstart * np.array(sizes)
        origin, nstart = base + shift * np.array(sizes), np.zeros(3, dtype=int)
    return replace(
        tomogram,
        data=data,
        voxel_size_zyx=None if sizes is None else _floats(np.array(sizes) * step),
        origin_zyx=_floats(origin),
        nstart_zyx=(int(nstart[0]), int(nstart[1]), int(nstart[2])),
    )


def _floats(values: np.ndarray) -> ZYX:
    z, y, x = (float(value) for value in values)
    return z, y, x


class _Binned(BlockArray):
    """Means or maxima of cubes, one new slice at a time so that memory stays small."""

    def __init__(self, source: LazyArray, factor: int, reduce: Reduce) -> None:
        self._source, self._factor, self._reduce = source, factor, reduce
        shape = tuple(length // factor for length in source.shape)
        super().__init__(shape, np.float32 if reduce == "mean" else source.dtype)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        out = np.empty((z.stop - z.start, y.stop - y.start, x.stop - x.start), self.dtype)
        rows, columns = (slice(part.start * self._factor, part.stop * self._factor) for part in (y, x))
        for at, new in enumerate(range(z.start, z.stop)):
            cube = np.asarray(self._source[new * self._factor : (new + 1) * self._factor, rows, columns])
            out[at] = binned_slice(cube.astype(self.dtype, copy=False), (self._factor,) * 3, self._reduce)
        return out


def binned_slice(slab: np.ndarray, factors_zyx: tuple[int, int, int], reduce: Reduce = "mean") -> np.ndarray:
    """Bin a slab of as many slices as the factor along z to one slice.

    Parameters
    ----------
    slab
        (factor z, y, x); rows and columns that do not fill a bin are left out.
    factors_zyx
        Voxels per bin.
    reduce
        ``"mean"`` or ``"max"``.

    Returns
    -------
    ndarray
        (y // factor, x // factor), in the slab's type.
    """
    combine = np.add if reduce == "mean" else np.maximum
    _, down, across = factors_zyx
    plane = combine.reduce(slab, axis=0)
    height, width = (plane.shape[0] // down, plane.shape[1] // across)
    plane = combine.reduce(plane[: height * down].reshape(height, down, -1), axis=1)
    plane = combine.reduce([plane[:, at : width * across : across] for at in range(across)], axis=0)
    return plane / plane.dtype.type(np.prod(factors_zyx)) if reduce == "mean" else plane


class _Rescaled(BlockArray):
    """A rescaled volume; z first, then rows, then columns, each new slice from the old slices it needs."""

    def __init__(self, source: LazyArray, grids: list[GridAxis]) -> None:
        self._source, self._grids = source, grids
        super().__init__(tuple(grid.new for grid in grids), np.float32)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        out = np.empty((z.stop - z.start, y.stop - y.start, x.stop - x.start), np.float32)
        if not out.size:
            return out
        along_z, along_y, along_x = self._grids
        rows, columns = along_y.span(y.start, y.stop), along_x.span(x.start, x.stop)
        for at, new in enumerate(range(z.start, z.stop)):
            old = along_z.span(new, new + 1)
            plane = along_z.apply(np.asarray(self._source[old, rows, columns]), new, new + 1, old.start)[0]
            out[at] = _in_plane(plane, along_y, along_x, y, x, rows.start, columns.start)
        return out


def _in_plane(
    plane: np.ndarray, along_y: GridAxis, along_x: GridAxis, y: slice, x: slice, row: int, column: int
) -> np.ndarray:
    tall = along_y.apply(plane, y.start, y.stop, row)
    return along_x.apply(np.ascontiguousarray(tall.T), x.start, x.stop, column).T
