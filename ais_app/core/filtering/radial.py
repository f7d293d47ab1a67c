"""A filter that is a function of spatial frequency alone, with a reach that ends.

    response W(|k|) ──► kernel ──► times a window that ends at the reach, sum zero ──► exact convolution by cosines

A filter in Fourier space would reach through the whole volume, and a slab would not be that slab of the filtered
volume. This one is the convolution with a kernel of finite reach. Beyond a face the volume is reflected, for which a
cosine transform gives the convolution without any padding (Martucci 1994, IEEE Trans. Signal Process. 42, 1038).
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.filtering.missing import Voxels, filled
from ais_app.core.tomogram import ZYX

_MOST = 2**24  # voxels of an eighth of a kernel


def check_reach(name: str, reach: Voxels) -> Voxels:
    """Return the reach, or raise `ParameterProblem` that names a parameter where the kernel would be too large."""
    if np.prod([float(side + 2) for side in reach]) > _MOST:
        problem = f"reaches {max(reach):,} voxels around each voxel"
        raise ParameterProblem(name, problem, "choose a smaller one, filter in 2D, or bin the tomogram first")
    return reach


def radial_filter(
    volume: np.ndarray, response: Callable[[np.ndarray], np.ndarray], voxel_size_zyx: ZYX, reach: Voxels
) -> np.ndarray:
    """Filter a volume; its mean becomes 0.

    Parameters
    ----------
    volume
        (z, y, x) float32. Missing voxels count as the mean of the known ones within reach.
    response
        ``response(k)`` at spatial frequencies of 1/Å, any shape; 0 at 0.
    voxel_size_zyx
        Å.
    reach
        Voxels along z, y, x that the kernel reaches; 0 leaves an axis as it is.

    Returns
    -------
    ndarray
        float32, a new array; missing voxels hold what their neighbours give.
    """
    from scipy import fft

    values, known = filled(volume, reach)
    axes = [axis for axis in range(3) if reach[axis] > 0]
    kernel = _kernel(response, voxel_size_zyx, reach)
    # any constant may be subtracted, as the kernel sums to zero; without it fewer digits would be left
    level = np.float32(values.mean() if known is None else values[known].mean() if known.any() else 0)
    transform = fft.dctn(values - level, type=2, axes=axes, workers=os.cpu_count())
    transform *= _at_cosines(kernel, values.shape, axes)
    return np.asarray(fft.idctn(transform, type=2, axes=axes, workers=os.cpu_count()), dtype=np.float32)


def _kernel(response: Callable[[np.ndarray], np.ndarray], voxel_size_zyx: ZYX, reach: Voxels) -> np.ndarray:
    """Return the kernel at offsets 0…reach along each axis, (z, y, x) float64: it is the same on all sides."""
    from scipy import fft

    squares, distances = np.zeros((1, 1, 1)), np.zeros((1, 1, 1))
    for axis, (side, size) in enumerate(zip(reach, voxel_size_zyx, strict=True)):
        if side == 0:
            continue
        shape = [-1 if a == axis else 1 for a in range(3)]
        steps = np.arange(side + 2).reshape(shape) / (2 * (side + 1))
        squares = squares + (steps / size) ** 2
        distances = distances + (2 * steps) ** 2
    kernel = response(np.sqrt(squares))
    axes = [axis for axis in range(3) if reach[axis] > 0]
    kernel = fft.dctn(kernel, type=1, axes=axes) if axes else kernel
    window = np.where(distances < 1, 0.5 + 0.5 * np.cos(np.pi * np.sqrt(np.minimum(distances, 1))), 0)
    kernel = kernel * window / np.prod([2.0 * (side + 1) for side in reach if side > 0])
    kernel -= window * (_sum(kernel, axes) / _sum(window, axes))
    inside: np.ndarray = kernel[tuple(slice(0, side + 1) for side in reach)]
    return inside


def _sum(kernel: np.ndarray, axes: list[int]) -> float:
    """Return the sum over all sides of a kernel of which one is given."""
    for axis in axes:
        kernel = 2 * kernel.sum(axis=axis, keepdims=True) - np.take(kernel, [0], axis=axis)
    return float(kernel.sum())


def _at_cosines(kernel: np.ndarray, shape: tuple[int, ...], axes: list[int]) -> np.ndarray:
    """Return the response of the kernel at the frequencies of a cosine transform of `shape`, float32."""
    from scipy import fft

    for axis in axes:
        kernel = _folded(kernel, axis, shape[axis])
    response = fft.dctn(kernel, type=1, axes=axes) if axes else kernel
    return np.asarray(
        response[tuple(slice(0, n) if a in axes else slice(None) for a, n in enumerate(shape))], np.float32
    )


def _folded(kernel: np.ndarray, axis: int, length: int) -> np.ndarray:
    """Add up what falls on the same offset of a period of ``2 length``, at offsets 0…length."""
    kernel = np.moveaxis(kernel, axis, 0)
    period = 2 * length
    folded = np.zeros((length + 1, *kernel.shape[1:]))
    for offset in range(-len(kernel) + 1, len(kernel)):
        place = offset % period
        if place <= length:
            folded[place] += kernel[abs(offset)]
    return np.moveaxis(folded, 0, axis)
