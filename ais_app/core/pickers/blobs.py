"""Pick blobs, as the paper on Ais describes it (Last et al., eLife 2024, 13:RP98552, "Particle picking in Ais").

    probability ─► threshold ─► components ─► in the box of each: depth ─► watershed from its maxima ─► lobes
    lobes ─► at least the minimum volume ─► border, mask ─► heaviest first, none within the spacing ─► particles

The weight of a lobe is the sum of its prediction, its position the centroid weighted with the prediction. Only the
threshold and the labelling pass over the whole volume, so the time is linear in voxels and blobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.pickers import Keep, Picker
from ais_app.core.picking import labelling, orientation, watershed
from ais_app.core.picking.spacing import spaced
from ais_app.core.tomogram import ZYX, LazyArray, mean_size
from ais_app.core.volume.binning import bin_mean, bin_offset, binned_size

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles


@dataclass(frozen=True)
class BlobParams(Params):
    """How blobs are found in a segmentation and which of them are kept."""

    threshold: float = param(0.5, "Prediction from which a voxel belongs to a particle", unit="0…1", low=0.001, high=1)
    min_volume: float = param(0.0, "Discard groups of voxels smaller than this", unit="Å³", low=0)
    min_spacing: float = param(0.0, "Of two particles closer than this the one of lower weight goes", unit="Å", low=0)
    neck: float = param(
        0.85, "Cut a blob at necks thinner than this fraction of its thinner lobe; 0 never cuts", low=0, high=1
    )
    one_per_component: bool = param(False, "Pick one particle per connected component, without cutting it")
    position: str = param("centroid", "Where the particle is in its group of voxels", choices=("centroid", "deepest"))
    border_margin: float = param(0.0, "Discard particles closer than this to a face of the volume", unit="Å", low=0)
    max_count: int | None = param(None, "Keep at most this many particles, the heaviest first", low=1)
    binning: int = param(1, "Average cubes of this many voxels first", unit="voxels", low=1, high=64)
    orientation: str = param(
        "none", "Turn the z axis of the particle to this axis of its shape", choices=("none", "long-axis", "short-axis")
    )


@dataclass(frozen=True)
class Lobes:
    """Groups of voxels, one row each; Å and z y x throughout, counted from the centre of voxel (0, 0, 0).

    Parameters
    ----------
    volumes, weights, positions, depths
        (n,) Å³; (n,) sum of the prediction; (n, 3) Å; (n,) Å, half the thickness.
    moments
        (n, 3, 3) covariance of the positions of the voxels, Å²; zeros where no orientation is asked for.
    """

    volumes: np.ndarray
    weights: np.ndarray
    positions: np.ndarray
    depths: np.ndarray
    moments: np.ndarray

    def __len__(self) -> int:
        return len(self.volumes)

    def __getitem__(self, rows: np.ndarray) -> Lobes:
        """Return the chosen rows: a mask or indices."""
        return Lobes(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @staticmethod
    def join(parts: Sequence[Lobes]) -> Lobes:
        """Put groups one after another."""
        names = Lobes.__dataclass_fields__
        return Lobes(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @staticmethod
    def none() -> Lobes:
        """Return no groups."""
        return Lobes(np.empty(0), np.empty(0), np.empty((0, 3)), np.empty(0), np.empty((0, 3, 3)))


def pick_blobs_job(
    volume: LazyArray, voxel_size_zyx: ZYX, params: BlobParams, keep: Keep | None = None
) -> Job[Particles]:
    """Pick the blobs of a segmentation.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1; read in slices, so it may be lazy. NaN counts as background.
    voxel_size_zyx
        Å.
    params
        Lengths in Å, volumes in Å³.
    keep
        ``keep(positions_zyx) -> (n,) bool``: candidates to go on with, asked before the spacing and the maximum
        count are applied (`masking.keeper`).

    Returns
    -------
    Particles
        Heaviest first. ``scores`` are the weights; ``table`` has ``aisVolumeA3`` (Å³), ``aisDepthA`` (Å, half the
        thickness) and, with an orientation, ``aisAxisRatio`` (1 means that the axis is arbitrary).

    Raises
    ------
    ParameterProblem
        The volume has not three axes.
    """
    if len(volume.shape) != 3:
        raise ParameterProblem("volume", f"has {len(volume.shape)} axes", "give a volume (z, y, x)")
    binned, size = averaged(volume, voxel_size_zyx, params.binning)
    found = labelling.components(labelling.at_least(binned, params.threshold), size, params.min_volume)
    lobes = [Lobes.none()]
    for index in range(len(found)):
        lobes.append(lobes_of(binned, found, index, params))
        yield Progress(index + 1, len(found), "picking")
    return select(Lobes.join(lobes), volume.shape, voxel_size_zyx, params, keep)


pick_blobs = direct(pick_blobs_job)


def averaged(volume: LazyArray, voxel_size_zyx: ZYX, binning: int) -> tuple[LazyArray, ZYX]:
    """Return the volume that is searched, and its voxel size, Å."""
    if binning == 1:
        return volume, voxel_size_zyx
    return bin_mean(volume, binning), binned_size(voxel_size_zyx, binning)


def select(
    lobes: Lobes, shape: tuple[int, ...], voxel_size_zyx: ZYX, params: BlobParams, keep: Keep | None = None
) -> Particles:
    """Return the lobes that are kept, as particles: the last steps of `pick_blobs`.

    Parameters
    ----------
    lobes
        Of `lobes_of`; those of components smaller than the minimum volume may be among them or left out.
    shape, voxel_size_zyx
        Of the volume before it was averaged.
    params, keep
        As for `pick_blobs`.
    """
    lobes = lobes[lobes.volumes >= params.min_volume * (1 - 1e-9)]
    lobes = replace(lobes, positions=lobes.positions + bin_offset(voxel_size_zyx, params.binning))
    extent = np.array(shape) * voxel_size_zyx
    lobes = lobes[_allowed(lobes.positions, extent, voxel_size_zyx, params.border_margin, keep)]
    # heaviest first; ties by position, so that the order never depends on how the volume was walked through
    lobes = lobes[np.lexsort((*lobes.positions.T[::-1], -lobes.weights))]
    lobes = lobes[spaced(lobes.positions, params.min_spacing)[: params.max_count]]
    return _particles(lobes, voxel_size_zyx, params)


def lobes_of(volume: LazyArray, found: labelling.Components, index: int, params: BlobParams) -> Lobes:
    """Cut one component and measure its lobes, in the averaged volume that the component was found in.

    Depends on `one_per_component`, `neck`, `position` and whether an orientation is asked for.
    """
    size = found.voxel_size_zyx
    mask, region = found.crop(index, pad=1)
    depth = watershed.smoothed_depth(mask, size)
    neck = 0.0 if params.one_per_component else params.neck
    labels, count = watershed.split(mask, depth, neck, min(size))
    inside = np.nonzero(mask)
    group = labels[inside] - 1
    weight = np.asarray(volume[region], dtype=np.float64)[inside]
    points = np.stack([(i + r.start) * s for i, r, s in zip(inside, region, size, strict=True)], axis=1)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, values, minlength=count)

    weights = total(weight)
    centroids = np.stack([total(weight * axis) for axis in points.T], axis=1) / weights[:, None]
    moments = np.zeros((count, 3, 3))
    if params.orientation != "none":
        away = points - centroids[group]
        for a, b in np.ndindex(3, 3):
            moments[:, a, b] = total(weight * away[:, a] * away[:, b]) / weights
    order = np.lexsort((depth[inside], group))
    deepest = order[np.searchsorted(group[order], np.arange(count), side="right") - 1]
    positions = points[deepest] if params.position == "deepest" else centroids
    volumes = np.bincount(group, minlength=count) * labelling.voxel_volume(size)
    return Lobes(volumes, weights, positions, depth[inside][deepest].astype(float), moments)


def _allowed(positions: np.ndarray, extent: np.ndarray, size: ZYX, margin: float, keep: Keep | None) -> np.ndarray:
    """Return which positions lie deep enough in the volume and where `keep` wants them."""
    from_face = positions + np.array(size) / 2  # the face of the volume is half a voxel before the first centre
    allowed = np.ones(len(positions), dtype=bool)
    if margin > 0:
        allowed = np.asarray(np.minimum(from_face, extent - from_face).min(axis=1) >= margin)
    if keep is not None:
        allowed[allowed] = keep(positions[allowed])
    return allowed


def _particles(lobes: Lobes, size: ZYX, params: BlobParams) -> Particles:
    import pandas as pd

    from ais_app.core.particle_set import Particles

    columns = {"aisVolumeA3": lobes.volumes.round(3), "aisDepthA": lobes.depths.round(3)}
    rotations = None
    if params.orientation != "none":
        rotations, ratios = orientation.principal_rotations(lobes.moments, params.orientation)
        columns["aisAxisRatio"] = ratios.round(4)
    return Particles(
        lobes.positions,
        rotations=rotations,
        scores=lobes.weights.round(4),
        voxel_size=mean_size(size),
        table=pd.DataFrame(columns),
    )


PICKER = Picker(
    "blobs", "Blobs: threshold, watershed, weighted centroids", BlobParams, pick_blobs, steps=pick_blobs_job
)
