"""Pick what stands out: pieces of the volume that look unlike most others, whatever they are.

    volume, averaged ──► supervoxels ──► features ──► low rank + sparse ──► sum of the sparse part of each: saliency
    saliency ──► highest first, none within the distance ──► threshold ──► particles

After Zhou et al. (2018), an unsupervised way to find the salient parts of tomograms; the sparse part is found by
principal component pursuit (Candès et al. 2011). Needs neither a network nor a template. Most of a tomogram is alike,
so its features are of low rank; what is left over is what is rare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.pickers import DENSITY, Keep, Picker
from ais_app.core.tomogram import ZYX, LazyArray
from ais_app.core.volume.binning import bin_mean, bin_offset, binned_size

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles
    from ais_app.core.picking.supervoxels import Supervoxels


_BALL = float(2 * np.sqrt(3))  # as in a difference of Gaussians: the sigma that suits a ball of a diameter
_FINE = 12.0  # averaged voxels across a particle, at least
_RANGE = (0.1, 99.9)  # percentiles that become 0 and 1
_EXACT = 1e-4  # of the matrix of features: the order of the supervoxels does not change any more


@dataclass(frozen=True)
class SaliencyParams(Params):
    """What size is looked for, and how much of what stands out is kept."""

    diameter: float = param(250.0, "Diameter of the particles", unit="Å", low=10, high=5000)
    number: int | None = param(None, "Keep this many, the most salient, whatever the threshold", low=1)
    threshold: str = param(
        "gap",
        "Which are kept: gap ends at the widest gap between saliencies and, where none is wide, is mixture; mixture "
        "and otsu divide them in two, middle is halfway up, none keeps all",
        choices=("gap", "mixture", "otsu", "middle", "none"),
    )
    min_distance: float | None = param(
        None, "Of two closer than this the less salient one goes; two thirds of the diameter when not given",
        unit="Å", low=0,
    )  # fmt: skip
    supervoxel: float | None = param(
        None, "Mean side of a supervoxel; a third of the diameter when not given", unit="Å", low=5, high=2000
    )
    scales: tuple[float, ...] = param(
        (1.0,), "Gabor filters of so many times the diameter; give the option again for more", low=0.1, high=10,
        option="scale",
    )  # fmt: skip
    binning: int | None = param(
        None, "Average cubes of this many voxels first; when not given, 12 remain across a particle", unit="voxels",
        low=1, high=64,
    )  # fmt: skip
    dark: bool = param(True, "Particles are darker than most of the tomogram")
    border_margin: float = param(0.0, "Discard particles closer than this to a face of the volume", unit="Å", low=0)

    def bins(self, voxel_size_zyx: ZYX) -> int:
        """Return how many voxels are averaged along each side."""
        return self.binning or max(1, int(self.diameter / _FINE / max(voxel_size_zyx) + 1e-6))

    def distance(self) -> float:
        """Return how close two particles may be, Å."""
        return self.diameter * 2 / 3 if self.min_distance is None else self.min_distance


@dataclass(frozen=True)
class Salient:
    """Supervoxels and how much each stands out.

    Parameters
    ----------
    pieces
        Of the averaged volume.
    saliency
        (n,) float64, 0 and more; 0 where most voxels are missing, or that are not on the side that is looked for.
    binning
        Voxels that were averaged along each side.
    """

    pieces: Supervoxels
    saliency: np.ndarray
    binning: int


def pick_saliency_job(
    volume: LazyArray, voxel_size_zyx: ZYX, params: SaliencyParams, keep: Keep | None = None
) -> Job[Particles]:
    """Pick what stands out.

    Parameters
    ----------
    volume
        (z, y, x) grey values of a tomogram; averaged, it is held in memory. NaN is missing.
    voxel_size_zyx
        Å.
    params
        Lengths in Å.
    keep
        ``keep(positions_zyx) -> (n,) bool``: candidates to go on with, Å (`masking.keeper`).

    Returns
    -------
    Particles
        Most salient first; ``scores`` are the saliencies.

    Raises
    ------
    ParameterProblem
        The volume has not three axes, or a supervoxel would be no larger than a voxel.
    """
    found = yield from saliency_job(volume, voxel_size_zyx, params)
    return _chosen(found, volume.shape, voxel_size_zyx, params, keep)


pick_saliency = direct(pick_saliency_job)


def saliency_job(volume: LazyArray, voxel_size_zyx: ZYX, params: SaliencyParams) -> Job[Salient]:
    """Say how much each part of a volume stands out; arguments and errors as in `pick_saliency`. A job."""
    from ais_app.core.filtering.gaussian import gaussian
    from ais_app.core.picking.robust_pca import robust_pca_job
    from ais_app.core.picking.supervoxels import Supervoxels, features_job, supervoxels_job

    binning = params.bins(voxel_size_zyx)
    edge = _edge(volume, binned_size(voxel_size_zyx, binning), params)
    yield Progress(0, 0, "averaging")
    values = bin_mean(volume, binning)
    known = np.isfinite(values)
    if not known.any() or np.ptp(values[known]) == 0:
        nothing = Supervoxels(np.zeros(values.shape, np.int32), np.array([values.size]), np.zeros((1, 3)))
        return Salient(nothing, np.zeros(1), binning)
    values = np.where(known, values, np.float32(np.median(values[known])))
    z, y, x = (side / 2.4 for side in edge)  # 2.5 voxels for supervoxels of six
    scaled = _zero_to_one(gaussian(values, (z, y, x)))
    pieces = yield from _part(supervoxels_job(scaled, edge), 0.0, 0.5)
    sizes = binned_size(voxel_size_zyx, binning)
    waves = [_wave(params.diameter * scale, sizes) for scale in params.scales]
    table = yield from _part(features_job(values, scaled, pieces, waves), 0.5, 0.8)
    pursuit = yield from _part(robust_pca_job(table, tolerance=_EXACT), 0.8, 1.0)
    saliency = np.abs(pursuit.sparse).sum(axis=0)
    grey = pieces.mean(scaled) * (1 if params.dark else -1)
    saliency[(grey >= np.median(grey)) | (pieces.mean(known.astype(np.float32)) < 0.5)] = 0
    return Salient(pieces, saliency, binning)


def _edge(volume: LazyArray, size: ZYX, params: SaliencyParams) -> ZYX:
    if len(volume.shape) != 3 or 0 in volume.shape:
        raise ParameterProblem("volume", f"has the shape {volume.shape}", "give a volume (z, y, x)")
    z, y, x = ((params.supervoxel or params.diameter / 3) / side for side in size)
    if min(z, y, x) < 1.5:
        problem = f"is {min(z, y, x):.1f} averaged voxels, no more than a voxel"
        raise ParameterProblem("supervoxel", problem, "make it larger, look for larger particles, or average less")
    return z, y, x


def _wave(length: float, sizes: ZYX) -> tuple[ZYX, ZYX]:
    """Return sigma and wavelength, voxels, of the filters that suit things `length` Å across."""
    z, y, x = (length / size for size in sizes)
    return (z / _BALL, y / _BALL, x / _BALL), (z, y, x)


def _zero_to_one(values: np.ndarray) -> np.ndarray:
    low, high = np.percentile(values, _RANGE)
    span = max(float(high - low), float(np.finfo(np.float32).tiny))
    return np.clip((values - low) / span, 0, 1).astype(np.float32)


def _part(job: Job, low: float, high: float) -> Job:
    """Show the progress of a job as a part of a whole of 1."""
    try:
        while True:
            step = next(job)
            yield Progress(low + (high - low) * step.done / max(1, step.total), 1, step.message)
    except StopIteration as finished:
        return finished.value


def _chosen(
    found: Salient, shape: tuple[int, ...], voxel_size_zyx: ZYX, params: SaliencyParams, keep: Keep | None
) -> Particles:
    from ais_app.core.particle_set import Particles
    from ais_app.core.picking.spacing import spaced
    from ais_app.core.picking.thresholds import automatic_threshold
    from ais_app.core.tomogram import mean_size

    sizes = np.array(binned_size(voxel_size_zyx, found.binning))
    salient = found.saliency > 0
    places, values = found.pieces.centroids_zyx[salient] * sizes, found.saliency[salient]
    order = np.lexsort((*places.T[::-1], -values))
    order = order[spaced(places[order], params.distance())]
    positions = _centred(places[order], places, values * found.pieces.sizes[salient], params.diameter / 2)
    positions, values = positions + bin_offset(voxel_size_zyx, found.binning), values[order]
    extent, size = np.array(shape) * voxel_size_zyx, np.array(voxel_size_zyx)
    from_face = np.minimum(positions + size / 2, extent - size / 2 - positions)
    kept = from_face.min(axis=1) >= params.border_margin if len(positions) else np.empty(0, bool)
    if keep is not None and kept.any():
        kept[kept] = keep(positions[kept])
    positions, values = positions[kept], values[kept]
    if params.number is not None:
        chosen = slice(0, params.number)
    elif params.threshold in ("gap", "mixture", "otsu"):
        chosen = slice(0, int((values >= automatic_threshold(values, params.threshold)).sum()))
    else:
        half = (found.saliency.min() + found.saliency.max()) / 2 if params.threshold == "middle" else -np.inf
        chosen = slice(0, int((values >= half).sum()))
    z, y, x = shape
    return Particles(
        positions[chosen], scores=values[chosen], voxel_size=mean_size(voxel_size_zyx), shape_zyx=(z, y, x)
    )


def _centred(seeds: np.ndarray, places: np.ndarray, weights: np.ndarray, within: float) -> np.ndarray:
    """Move each seed, (n, 3), to the weighted mean of the places around it."""
    from scipy.spatial import cKDTree

    if not len(seeds):
        return seeds
    tree = cKDTree(places)
    near = tree.query_ball_point(seeds, within)
    return np.array([np.average(places[rows], axis=0, weights=weights[rows]) for rows in near])


PICKER = Picker(
    "saliency", "Saliency: what looks unlike the rest", SaliencyParams, pick_saliency, DENSITY, pick_saliency_job
)
