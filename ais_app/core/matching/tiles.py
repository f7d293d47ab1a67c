"""Cut a volume into tiles for Fourier transforms: as few voxels in all as the memory allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

from ais_app.core.matching.template import fast_size
from ais_app.core.tomogram import Region

_MOST_PARTS = 64  # of an axis


@dataclass(frozen=True)
class Tiling:
    """Tiles of one size.

    Parameters
    ----------
    cores
        The voxels that each tile answers for, together all of the volume.
    padded
        Voxels of the transforms, z y x.
    reach
        Voxels around the cores that their correlations depend on.
    """

    cores: tuple[Region, ...]
    padded: tuple[int, int, int]
    reach: int

    def read_region(self, core: Region, shape: tuple[int, ...]) -> Region:
        """Return what is read for a core: it and its halo, as far as the volume goes."""
        z, y, x = (
            slice(max(0, part.start - self.reach), min(length, part.stop + self.reach))
            for part, length in zip(core, shape, strict=True)
        )
        return z, y, x


def tiling(shape: tuple[int, ...], support: int, most_voxels: int) -> Tiling:
    """Choose tiles.

    Parameters
    ----------
    shape
        Of the volume.
    support
        Edge of the kernels, odd.
    most_voxels
        In the transform of one tile; exceeded only where a tile of one kernel's size has more.
    """
    reach = support // 2
    options = [_axis(length, reach) for length in shape]
    plans = list(product(*options))

    def cost(plan: tuple[tuple[int, int], ...]) -> tuple[bool, int]:
        voxels = math.prod(size for _, size in plan)
        return voxels > most_voxels, voxels if voxels > most_voxels else voxels * math.prod(n for n, _ in plan)

    best = min(plans, key=cost)
    z, y, x = (_parts(length, count) for length, (count, _) in zip(shape, best, strict=True))
    return Tiling(tuple(product(z, y, x)), (best[0][1], best[1][1], best[2][1]), reach)


def _axis(length: int, reach: int) -> list[tuple[int, int]]:
    """Return numbers of parts with the size of their transforms; each size once, with the fewest parts."""
    sizes: dict[int, int] = {}
    for count in range(1, min(_MOST_PARTS, length) + 1):
        # zeros at one end serve both ends of a whole axis, as transforms are periodic; parts need a halo at both
        padding = reach if count == 1 else 2 * reach
        sizes.setdefault(fast_size(math.ceil(length / count) + padding), count)
    return [(count, size) for size, count in sizes.items()]


def _parts(length: int, count: int) -> list[slice]:
    bounds = [length * part // count for part in range(count + 1)]
    return [slice(low, high) for low, high in zip(bounds, bounds[1:], strict=False)]
