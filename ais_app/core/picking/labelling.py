"""Connected components with their sizes, and what is too small to count: thin over `runs` and edt.

    mask ──► runs ──► Components: one label volume, and a table with a row per component
                      └─ dust (too small) loses its row; the label volume is not written again

Everything after that works on one component's own box (`Components.crop`), so that the cost of a picker, a mesh or a
measurement grows with the voxels of the components and not with components x volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX, LazyArray, Region

Connectivity = Literal[6, 26]  # neighbours share a face; or a face, an edge or a corner


@dataclass(frozen=True)
class Components:
    """The connected components of a mask.

    Parameters
    ----------
    labels
        (z, y, x) unsigned: 0 background; also holds the labels of dust, which have no row below.
    ids
        (n,) label of each component in `labels`, ascending.
    voxel_counts
        (n,) voxels of each component.
    boxes_zyx
        (n, 3, 2) first voxel and one past the last along z, y, x.
    centroids_zyx
        (n, 3) mean voxel index.
    voxel_size_zyx
        Å.
    """

    labels: np.ndarray
    ids: np.ndarray
    voxel_counts: np.ndarray
    boxes_zyx: np.ndarray
    centroids_zyx: np.ndarray
    voxel_size_zyx: ZYX

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def volumes(self) -> np.ndarray:
        """(n,) Å³."""
        return self.voxel_counts * voxel_volume(self.voxel_size_zyx)

    def region(self, index: int, pad: int = 0) -> Region:
        """Return the box of a component, `pad` voxels wider, clipped to the volume."""
        z, y, x = (
            slice(max(0, int(low) - pad), min(size, int(high) + pad))
            for (low, high), size in zip(self.boxes_zyx[index], self.labels.shape, strict=True)
        )
        return z, y, x

    def crop(self, index: int, pad: int = 0) -> tuple[np.ndarray, Region]:
        """Return the mask of one component in its box, and the box."""
        region = self.region(index, pad)
        return self.labels[region] == self.ids[index], region

    def mask(self) -> np.ndarray:
        """Return (z, y, x) bool: every component, without dust."""
        known = np.zeros(int(self.labels.max(initial=0)) + 1, dtype=bool)
        known[self.ids] = True
        return known[self.labels]


def voxel_volume(voxel_size_zyx: ZYX) -> float:
    """Return the volume of a voxel, Å³."""
    z, y, x = voxel_size_zyx
    return float(z * y * x)


def at_least(volume: LazyArray, threshold: float) -> np.ndarray:
    """Return (z, y, x) bool: where a volume reaches the threshold; a lazy volume is read some slices at a time."""
    mask = np.empty(volume.shape, dtype=bool)
    step = max(1, 2**22 // max(1, mask[:1].size))
    for z in range(0, len(mask), step):
        np.greater_equal(volume[z : z + step], threshold, out=mask[z : z + step])
    return mask


def components(
    mask: np.ndarray, voxel_size_zyx: ZYX, min_volume: float = 0.0, connectivity: Connectivity = 26
) -> Components:
    """Find the connected components of a mask, without dust.

    Parameters
    ----------
    mask
        (z, y, x) bool.
    voxel_size_zyx
        Å.
    min_volume
        Å³; components smaller than this get no row.
    connectivity
        26 for what is there; 6 for the space between, so that it does not leak through a wall at a corner.

    Returns
    -------
    Components
        In the order of their first voxel, so always the same for the same mask.
    """
    from ais_app.core.picking.runs import label_components

    if mask.ndim != 3:
        raise ParameterProblem("mask", f"has {mask.ndim} axes", "give a volume (z, y, x)")
    if mask.size == 0 or not mask.any():
        none: np.ndarray = np.zeros(mask.shape, dtype=np.uint16)
        empty = np.empty((0, 3))
        return Components(none, np.arange(0), np.arange(0), np.empty((0, 3, 2), int), empty, voxel_size_zyx)
    found = label_components(mask, connectivity)
    # a hair of tolerance: 100 voxels of 1.1³ Å³ are not smaller than "133.1"
    large = np.flatnonzero(found.counts * voxel_volume(voxel_size_zyx) >= min_volume * (1 - 1e-9))
    counts, boxes, centroids = (values[large] for values in (found.counts, found.boxes_zyx, found.centroids_zyx))
    return Components(found.labels, large + 1, counts, boxes, centroids, voxel_size_zyx)


def depth(mask: np.ndarray, voxel_size_zyx: ZYX, threads: int = 1) -> np.ndarray:
    """Return how deep each voxel lies inside a mask: Å to the nearest voxel outside of it, float32, (z, y, x).

    Distances run between centres of voxels, so a voxel at the surface has the depth of one voxel. The faces of the
    array are no surface: what touches them is taken to go on.
    """
    import edt

    # where nothing is outside, the distance has no end; the size of the array stands for it
    if mask.all():
        longest = float(np.linalg.norm(np.array(mask.shape) * voxel_size_zyx))
        return np.full(mask.shape, longest, dtype=np.float32)
    # as bytes: edt is three times slower on bool
    return edt.edt(np.ascontiguousarray(mask).view(np.uint8), anisotropy=voxel_size_zyx, parallel=threads)


def distance_to(mask: np.ndarray, voxel_size_zyx: ZYX, threads: int = 0) -> np.ndarray:
    """Return the distance of each voxel to the nearest voxel of a mask: Å, float32, (z, y, x); 0 inside.

    Infinite everywhere when the mask is empty. `threads` 0 uses all cores.
    """
    if not mask.any():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    return depth(~mask, voxel_size_zyx, threads)
