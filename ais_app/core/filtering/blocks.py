"""Whole volumes through a chain of filters, block by block.

    blocks of whole slices, or of some rows of them ──► read with the margin ──► filter ──► crop ──► slab

Memory does not grow with the number of slices, and the result is that of the whole volume at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ais_app.core.filtering.chain import Settings, chain_margin, filtered
from ais_app.core.filtering.missing import Voxels
from ais_app.core.tomogram import Region, Tomogram

BLOCK = 2**25  # voxels filtered at a time, margin included; some filters need ten times as much memory
_STEP = 2**22  # voxels filtered at a time where no margin has to be read again


def filtered_slabs(
    tomogram: Tomogram, settings: Settings, block_voxels: int = BLOCK
) -> Iterator[tuple[int, np.ndarray]]:
    """Filter a volume.

    Parameters
    ----------
    tomogram
        With a known voxel size, where a filter is enabled.
    settings
        Filters in their order.
    block_voxels
        Voxels to filter at a time, margin included; more where the margin alone is more.

    Yields
    ------
    z, slab
        (n, y, x) float32, slices ``z ... z + n - 1``, from the first slice to the last.

    Raises
    ------
    ParameterProblem
        A filter or parameter is not known or does not fit, or the voxel size is not known.
    """
    depth, height, width = tomogram.shape
    sizes = tomogram.require_voxel_size_zyx() if any(setting.enabled for setting in settings) else None
    margin = chain_margin(settings, sizes) if sizes is not None else (0, 0, 0)
    slices, rows = block_size(tomogram.shape, margin, block_voxels)

    def read(region: Region) -> np.ndarray:
        return np.array(tomogram.data[region], dtype=np.float32)

    for z in range(0, depth, slices):
        slab = np.empty((min(slices, depth - z), height, width), np.float32)
        for y in range(0, height, rows):
            region = (slice(z, z + len(slab)), slice(y, min(height, y + rows)), slice(0, width))
            slab[:, region[1]] = filtered(read, tomogram.shape, sizes, settings, region)
        yield z, slab


def block_size(shape: Voxels, margin: Voxels, block_voxels: int = BLOCK) -> tuple[int, int]:
    """Return how many slices and rows to filter at a time: those that read the least in all and fit into a block.

    Parameters
    ----------
    shape, margin
        Voxels along z, y, x.
    block_voxels
        What fits, margin included.
    """
    depth, height, width = shape
    if margin[0] == 0:
        return max(1, min(depth, min(_STEP, block_voxels) // (height * width))), height

    def padded(slices: int, rows: int) -> int:
        return min(depth, slices + 2 * margin[0]) * min(height, rows + 2 * margin[1]) * width

    sides = [(-(-depth // a), -(-height // b)) for a in range(1, depth + 1) for b in (1, 2, 4, 8, 16)]
    fitting = [side for side in sides if padded(*side) <= block_voxels]
    if not fitting:
        return min(sides, key=lambda side: padded(*side))
    return min(fitting, key=lambda side: padded(*side) * -(-depth // side[0]) * -(-height // side[1]))
