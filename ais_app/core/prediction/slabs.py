"""Which slices go through a network together, and which of them it answers.

    network of slices    z − half ── z ── z + half            one is kept; beyond the ends the end slice is repeated
    network of volumes   halo ── kept ── kept ── … ── halo    a block is kept; beyond the ends slices are mirrored

Prediction knows no other difference between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ais_app.core.prediction.tiles import Lens, Stretch, layout, mirrored

BLOCK_BYTES = 2**30  # of the slices that are held for one block: those read, those coming, those computed
ENDLESS = 2**60


class Slabs(Protocol):
    """How the slices of a volume are taken through a network."""

    @property
    def thickness(self) -> int:
        """Slices that are kept of a slab."""

    def about(self, z: int) -> Stretch:
        """Return the slab that answers slice z: slices seen, which may lie beyond the ends, and slices kept."""

    def places(self, seen: slice) -> list[int]:
        """Return the slice of the volume that stands at each place of `seen`."""


@dataclass(frozen=True)
class SliceSlabs:
    """For networks of slices.

    Parameters
    ----------
    size
        Slices of the volume.
    depth
        Slices the network sees; the one in the middle is kept.
    """

    size: int
    depth: int
    thickness: int = 1

    def about(self, z: int) -> Stretch:
        """Return the slices about slice z."""
        half = self.depth // 2
        return Stretch(slice(z - half, z + half + 1), slice(z, z + 1))

    def places(self, seen: slice) -> list[int]:
        """Return the slices themselves, and the first or the last beyond the ends."""
        return [min(max(at, 0), self.size - 1) for at in range(seen.start, seen.stop)]


@dataclass(frozen=True)
class VolumeSlabs:
    """For networks of volumes: blocks of a fixed thickness, counted from the first slice.

    Parameters
    ----------
    size
        Slices of the volume.
    lens
        What the network can see along z.
    thickness
        Slices of a block.
    """

    size: int
    lens: Lens
    thickness: int

    def about(self, z: int) -> Stretch:
        """Return the block of slice z, with its halo."""
        start = z // self.thickness * self.thickness
        kept = slice(start, min(start + self.thickness, self.size))
        (stretch,) = layout(self.size, kept, self.lens, ENDLESS).stretches
        return stretch

    def places(self, seen: slice) -> list[int]:
        """Return the slices themselves, mirrored at the ends."""
        return [int(at) for at in mirrored(seen, self.size)]


def block_thickness(shape: tuple[int, int, int], lens: Lens, voxels: int, run: int) -> int:
    """Return how many slices of a volume a network of volumes shall answer at once.

    Windows as near to cubes as fit waste least on their halo. One slice that is wanted alone needs no thick block, and
    a block of large slices shall not fill the memory.

    Parameters
    ----------
    shape
        (z, y, x) of the volume.
    lens
        What the network can see.
    voxels
        Most voxels of a window.
    run
        Slices that will be wanted one after another.

    Returns
    -------
    int
        A multiple of the stride.
    """
    stride, halo = lens.stride, lens.halo
    edge = round(voxels ** (1 / 3))
    height, width = (min(edge, size + 2 * lens.border) for size in shape[1:])
    deep = voxels // (height * width) - 2 * halo
    # three arrays of the block's slices, one of its halo: what is seen, what comes next, and the answer
    held = (BLOCK_BYTES // (4 * shape[1] * shape[2]) - 2 * halo) // 3
    fitting = min(deep, held) // stride * stride
    wanted = -(-min(run, shape[0]) // stride) * stride
    return max(stride, min(fitting, wanted))
