"""Cut a connected component into its lobes: watershed from the maxima of its depth, without over-splitting.

Every voxel of a component goes to the maximum of the depth (the distance to the outside) that it flows up to. Taken
plainly, the steps of a voxel surface give one round blob several maxima. So the depth is smoothed a little
(`SMOOTHING`), and two neighbouring lobes are joined again unless there is a **neck** between them: the best way from
one maximum to the other must lead through a place that is shallower than `neck` times the lower maximum, and
shallower than it by `STEP` voxels at least. This is the persistence of maxima (as in h-maxima) with an h that is
relative to the size of the lobe.

For two equal spheres of radius r with centres d apart, the neck has the depth r √(1 - d²/4r²): with 0.85 they are
two from d = 1.05 r on a fine grid, and from 1.5 r where r is at least 4 voxels. The depth of an ellipsoid has one
maximum, so it stays one at any length, where it is at least 5 voxels thick.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from ais_app.core.picking import labelling
from ais_app.core.tomogram import ZYX

SMOOTHING = 0.7  # voxels, standard deviation
STEP = 0.2  # voxels; what the steps of a voxel surface still change the smoothed depth by
_NEIGHBOURS = [offset for offset in product((-1, 0, 1), repeat=3) if offset > (0, 0, 0)]  # half of the 26
_ALL_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)


def smoothed_depth(mask: np.ndarray, voxel_size_zyx: ZYX) -> np.ndarray:
    """Return the distance of each voxel of a mask to the outside, Å, float32, without its steps; 0 outside."""
    from scipy.ndimage import gaussian_filter

    return np.where(mask, gaussian_filter(labelling.depth(mask, voxel_size_zyx), SMOOTHING), np.float32(0))


def split(mask: np.ndarray, depth: np.ndarray, neck: float, voxel_size: float) -> tuple[np.ndarray, int]:
    """Label the lobes of one component.

    Parameters
    ----------
    mask
        (z, y, x) bool: the component in its box.
    depth
        (z, y, x) float32, Å: from `smoothed_depth`.
    neck
        0…1: how thin a neck parts two lobes, as a fraction of the depth of the thinner one; 0 never splits.
    voxel_size
        Å, the smallest of the three axes.

    Returns
    -------
    labels
        (z, y, x) int32: 0 outside, 1…n the lobes.
    count
        n.
    """
    from skimage.morphology import local_maxima
    from skimage.segmentation import watershed

    whole = mask.astype(np.int32)
    if neck <= 0:
        return whole, 1
    markers, count = _number(local_maxima(depth, footprint=_ALL_NEIGHBOURS) & mask)
    if count <= 1:
        return whole, 1
    labels = watershed(-depth, markers, connectivity=3, mask=mask)
    peaks = np.zeros(count + 1)
    np.maximum.at(peaks, markers[markers > 0], depth[markers > 0])
    groups = _join(peaks, *_saddles(labels, depth), neck, STEP * voxel_size)
    return groups[labels], int(groups.max())


def _number(maxima: np.ndarray) -> tuple[np.ndarray, int]:
    """Give each maximum a number; the voxels of a plateau share one."""
    from scipy.ndimage import label

    return label(maxima, structure=_ALL_NEIGHBOURS, output=np.int32)


def _saddles(labels: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of touching lobes, (n, 2), and the depth of the best pass between them, (n,)."""
    pairs, passes = [], []
    for offset in _NEIGHBOURS:
        here = tuple(slice(max(0, -step), min(0, -step) or None) for step in offset)
        there = tuple(slice(max(0, step), min(0, step) or None) for step in offset)
        a, b = labels[here], labels[there]
        touching = (a != b) & (a > 0) & (b > 0)
        pairs.append(np.sort(np.stack([a[touching], b[touching]], axis=1), axis=1))
        passes.append(np.minimum(depth[here][touching], depth[there][touching]))
    unique, which = np.unique(np.concatenate(pairs), axis=0, return_inverse=True)
    best = np.zeros(len(unique))
    np.maximum.at(best, which.ravel(), np.concatenate(passes))
    return unique, best


def _join(peaks: np.ndarray, pairs: np.ndarray, passes: np.ndarray, neck: float, step: float) -> np.ndarray:
    """Join lobes that no neck parts, best pass first; return the new number, 1…n, of each old one."""
    parent = np.arange(len(peaks))
    peaks = peaks.copy()

    def root(lobe: int) -> int:
        while parent[lobe] != lobe:
            parent[lobe] = lobe = int(parent[parent[lobe]])
        return lobe

    for index in np.argsort(-passes, kind="stable"):
        a, b = (root(int(lobe)) for lobe in pairs[index])
        lower = min(peaks[a], peaks[b])
        if a != b and (passes[index] >= neck * lower or lower - passes[index] < step):
            high, low = (a, b) if (peaks[a], -a) >= (peaks[b], -b) else (b, a)
            parent[low] = high
    roots = np.array([root(lobe) for lobe in range(len(peaks))])
    numbers = np.zeros(len(peaks), dtype=np.int32)
    numbers[1:] = np.unique(roots[1:], return_inverse=True)[1] + 1
    return numbers
