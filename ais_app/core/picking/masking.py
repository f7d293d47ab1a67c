"""Keep particles by another segmentation: inside it, outside of it, within or beyond a distance of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param
from ais_app.core.picking import labelling
from ais_app.core.tomogram import ZYX, LazyArray, Tomogram

_SLAB = 64  # slices that are worked on at once, at least


@dataclass(frozen=True)
class MaskParams(Params):
    """Which particles to keep, by where they are with respect to another segmentation."""

    mask_keep: str = param(
        "inside",
        "Keep particles inside or outside of the mask, or within or beyond a distance of it",
        choices=("inside", "outside", "within", "beyond"),
    )
    mask_distance: float = param(0.0, "Distance for within and beyond", unit="Å", low=0)
    mask_threshold: float = param(0.5, "Prediction from which a voxel belongs to the mask", unit="0…1", low=0, high=1)


def keeper(mask: Tomogram, picked_in: Tomogram, params: MaskParams) -> Callable[[np.ndarray], np.ndarray]:
    """Return the question that `pick_blobs` asks of its candidates.

    Parameters
    ----------
    mask
        Probability 0…1 (`open_probabilities`), on any binning of the same volume.
    picked_in
        The volume that the particles are picked in.
    params
        Which side, distance in Å.

    Returns
    -------
    callable
        ``keep(positions_zyx) -> (n,) bool``, positions in Å from the centre of voxel (0, 0, 0) of `picked_in`.

    Raises
    ------
    ParameterProblem
        The two volumes do not cover the same space.
    """
    size = mask.require_voxel_size_zyx()
    shift = grid_shift(mask, picked_in)

    def keep(positions: np.ndarray) -> np.ndarray:
        inside = sampled(mask.data, size, positions + shift) >= params.mask_threshold
        if params.mask_keep in ("inside", "outside"):
            return inside if params.mask_keep == "inside" else ~inside
        limit = params.mask_distance
        near = distances(mask.data, size, positions + shift, limit, params.mask_threshold) <= limit
        return (near | inside) if params.mask_keep == "within" else ~(near | inside)

    return keep


def grid_shift(other: Tomogram, reference: Tomogram) -> np.ndarray:
    """Return what to add to a position in `reference` to have it in `other`, Å, z y x.

    Both are taken to fill the same box, whatever their voxel sizes: a map binned by b has the centre of its first
    voxel (b - 1)/2 voxels inside of that of the map it was made from.

    Raises
    ------
    ParameterProblem
        One is larger than the other by more than a voxel.
    """
    sizes = np.array([other.require_voxel_size_zyx(), reference.require_voxel_size_zyx()])
    extents = sizes * [other.shape, reference.shape]
    if (np.abs(extents[0] - extents[1]) > sizes.max(axis=0) * (1 + 1e-6)).any():
        spans = [" x ".join(f"{length:.0f}" for length in extent) for extent in extents]
        problem = f"covers {spans[0]} Å (z y x), {reference.path or reference.name} {spans[1]} Å"
        raise ParameterProblem(other.path or other.name, problem, "use a segmentation of the same tomogram")
    return (sizes[1] - sizes[0]) / 2


def sampled(volume: LazyArray, voxel_size_zyx: ZYX, positions: np.ndarray) -> np.ndarray:
    """Return the voxel that each position, (n, 3) Å z y x, lies in; the nearest one for positions outside."""
    index = np.rint(positions / voxel_size_zyx).astype(int).clip(0, np.array(volume.shape) - 1)
    values = np.zeros(len(index), dtype=np.float32)
    for z in np.unique(index[:, 0]):
        here = index[:, 0] == z
        values[here] = np.asarray(volume[z : z + 1])[0][index[here, 1], index[here, 2]]
    return values


def distances(
    volume: LazyArray, voxel_size_zyx: ZYX, positions: np.ndarray, limit: float, threshold: float = 0.5
) -> np.ndarray:
    """Return how far each position is from the nearest voxel of a segmentation.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1, may be lazy: only slabs that positions lie in are read.
    voxel_size_zyx
        Å.
    positions
        (n, 3) Å, z y x.
    limit
        Å; what is further away gets infinity.

    Returns
    -------
    ndarray
        (n,) Å, between the voxel that a position lies in and the centre of the nearest voxel of the segmentation.
    """
    index = np.rint(positions / voxel_size_zyx).astype(int).clip(0, np.array(volume.shape) - 1)
    halo = int(np.ceil(limit / voxel_size_zyx[0])) + 1
    step = max(_SLAB, 2 * halo)
    found = np.full(len(index), np.inf)
    for start in range(0, volume.shape[0], step):
        here = np.flatnonzero((index[:, 0] >= start) & (index[:, 0] < start + step))
        if here.size:
            low = max(0, start - halo)
            mask = labelling.at_least(np.asarray(volume[low : start + step + halo]), threshold)
            away = labelling.distance_to(mask, voxel_size_zyx)
            found[here] = away[index[here, 0] - low, index[here, 1], index[here, 2]]
    return np.where(found <= limit * (1 + 1e-6), found, np.inf)
