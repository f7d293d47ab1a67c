"""Thumbnails: a small picture of the middle of a tomogram, from a few slices."""

from __future__ import annotations

import numpy as np

from ais_app.core.display.contrast import auto_contrast
from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.tomogram import Tomogram

_SLICES = 5  # averaged
_ROWS = 4  # read for each row of the picture at most


def thumbnail_job(tomogram: Tomogram, size: int = 96) -> Job[np.ndarray]:
    """Make a thumbnail of the central slab.

    Parameters
    ----------
    tomogram
        Lazy or not; parts of five slices are read, whatever its size.
    size
        Longest side of the picture, pixels; small tomograms are not enlarged.

    Yields
    ------
    Progress
        In slices.

    Returns
    -------
    ndarray
        (h, w) uint8, row 0 at y = 0, contrast set; black where there are no numbers.

    Raises
    ------
    ParameterProblem
        The size is below 1.
    """
    if size < 1:
        raise ParameterProblem("size", f"{size} pixels", "choose 1 or more")
    depth, height, width = tomogram.shape
    factor = -(-max(height, width) // size)
    stride = max(1, factor // _ROWS)
    first = max(0, (depth - _SLICES) // 2)
    slices = range(first, min(depth, first + _SLICES))
    total = np.zeros((-(-height // factor), -(-width // factor)))
    count = np.zeros(total.shape)
    for done, z in enumerate(slices):
        yield Progress(done, len(slices), "thumbnail")
        plane = np.asarray(tomogram.data[z, ::stride, :])[:, ::stride].astype(np.float32)
        known = np.isfinite(plane)
        total += _sums(np.where(known, plane, 0), stride, factor)
        count += _sums(known.astype(np.float32), stride, factor)
    with np.errstate(invalid="ignore"):  # 0 / 0 where there are no numbers
        picture = (total / count).astype(np.float32)
    return auto_contrast(picture).grey(picture)


def _sums(plane: np.ndarray, stride: int, factor: int) -> np.ndarray:
    """Sum squares of `factor` voxels, of which every `stride`-th row and column is there."""
    # the thinned rows that fall into each row of the picture: from the first at or after its first voxel
    rows, columns = (-(-np.arange(0, length * stride, factor) // stride) for length in plane.shape)
    return np.add.reduceat(np.add.reduceat(plane, rows, axis=0), columns, axis=1)
