"""Pick by a difference of Gaussians: everything of one size that is darker, or brighter, than what is around it.

    volume ──► narrow - wide Gaussian ──► maxima that are round ──► highest first, none too close ──► threshold

Pei, Xu, Frazier and Alber (2016), BMC Bioinformatics 17, 405; Voss et al. (2009), J. Struct. Biol. 166, 205. Needs
neither a network nor a template. The volume is read tile by tile, and the tiles leave no trace in the result.
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

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles
    from ais_app.core.picking.blob_response import Blobs
    from ais_app.core.picking.peaks import Peaks

_BALL = float(2 * np.sqrt(3))  # the Laplacian of a Gaussian answers most to a ball of this many sigma across
_WIDEST = 100.0  # voxels, sigma


@dataclass(frozen=True)
class DogParams(Params):
    """What size is looked for, and which of the maxima are kept."""

    diameter: float = param(250.0, "Diameter of the particles", unit="Å", low=10, high=5000)
    number: int | None = param(None, "Keep this many, the strongest, whatever the threshold", low=1)
    threshold: str = param(
        "mixture",
        "Which maxima are kept: mixture and otsu divide their values in two, level takes --level, none keeps all",
        choices=("mixture", "otsu", "level", "none"),
    )
    level: float = param(
        3.0, "With --threshold level: from this share of the way from lowest to highest maximum on", unit="1/20",
        low=0, high=20,
    )  # fmt: skip
    min_distance: float | None = param(
        None, "Of two maxima closer than this the weaker one goes; twice sigma when not given", unit="Å", low=0
    )
    roundness: float = param(
        0.15, "Discard maxima whose smallest curvature is less than this share of the largest: sheets, edges",
        low=0, high=1,
    )  # fmt: skip
    sigma: float | None = param(
        None, "Standard deviation of the narrow Gaussian, instead of the diameter", unit="Å", low=1, high=2000
    )
    ratio: float = param(1.1, "The wide Gaussian is this many times as wide", low=1.01, high=10)
    dark: bool = param(True, "Particles are darker than what is around them")
    border_margin: float = param(0.0, "Discard particles closer than this to a face of the volume", unit="Å", low=0)

    def narrow(self) -> float:
        """Return sigma of the narrow Gaussian, Å.

        The difference of two Gaussians is close to a Laplacian of a Gaussian whose variance is the mean of theirs.
        """
        return self.sigma or self.diameter / _BALL / float(np.sqrt((1 + self.ratio**2) / 2))

    def distance(self) -> float:
        """Return how close two particles may be, Å."""
        return 2 * self.narrow() if self.min_distance is None else self.min_distance


def pick_dog_job(
    volume: LazyArray, voxel_size_zyx: ZYX, params: DogParams, keep: Keep | None = None, side: int | None = None
) -> Job[Particles]:
    """Pick blobs of one size.

    Parameters
    ----------
    volume
        (z, y, x) grey values of a tomogram; read in slices, so it may be lazy. NaN is missing.
    voxel_size_zyx
        Å.
    params
        Lengths in Å.
    keep
        ``keep(positions_zyx) -> (n,) bool``: candidates to go on with, Å (`masking.keeper`).
    side
        Of the tiles, voxels; chosen by memory when ``None``. The result does not depend on it.

    Returns
    -------
    Particles
        Strongest first; ``scores`` are the responses, in grey values.

    Raises
    ------
    ParameterProblem
        The volume has not three axes, or the Gaussian is far too wide for its voxels.
    """
    from ais_app.core.picking.blob_response import response_planes, tile_side
    from ais_app.core.picking.peaks import Peaks, peaks_of

    blobs = _blobs(volume, voxel_size_zyx, params)
    side = side or tile_side(volume.shape, blobs)
    planes = volume.shape[0] * int(np.prod([-(-length // side) for length in volume.shape[1:]]))
    found = []
    for number, (_, peaks) in enumerate(peaks_of(response_planes(volume, blobs, side))):
        found.append(peaks)
        yield Progress(number + 1, planes, "searching")
    return _chosen(Peaks.join(found), volume.shape, voxel_size_zyx, params, keep)


pick_dog = direct(pick_dog_job)


def _blobs(volume: LazyArray, voxel_size_zyx: ZYX, params: DogParams) -> Blobs:
    from ais_app.core.picking.blob_response import Blobs

    if len(volume.shape) != 3 or 0 in volume.shape:
        raise ParameterProblem("volume", f"has the shape {volume.shape}", "give a volume (z, y, x)")
    z, y, x = (params.narrow() / size for size in voxel_size_zyx)
    name = "diameter" if params.sigma is None else "sigma"
    if params.ratio * max(z, y, x) > _WIDEST:
        problem = f"asks for Gaussians of {params.ratio * max(z, y, x):.0f} voxels"
        raise ParameterProblem(name, problem, "bin the tomogram first")
    if min(z, y, x) < 0.5:
        problem = f"asks for a Gaussian of {min(z, y, x):.2f} voxels, which is finer than the voxels"
        raise ParameterProblem(name, problem, "look for larger particles, or use a tomogram that is binned less")
    return Blobs((z, y, x), params.ratio, params.dark)


def _chosen(
    peaks: Peaks, shape: tuple[int, ...], voxel_size_zyx: ZYX, params: DogParams, keep: Keep | None
) -> Particles:
    """Return the maxima that are kept as particles."""
    from ais_app.core.particle_set import Particles
    from ais_app.core.picking.spacing import spaced
    from ais_app.core.picking.thresholds import automatic_threshold, paper_threshold
    from ais_app.core.tomogram import mean_size

    cut = paper_threshold(peaks.values, params.level)  # of all maxima, as in the paper
    if params.roundness > 0:
        peaks = peaks[peaks.roundness(voxel_size_zyx) >= params.roundness]
    positions, values = peaks.positions_zyx, peaks.values
    size = np.array(voxel_size_zyx)
    inside = np.minimum(positions + 0.5, np.array(shape) - 0.5 - positions) * size
    kept = (values > 0) & (inside.min(axis=1) >= params.border_margin)
    positions, values = positions[kept] * size, values[kept]
    if keep is not None:
        wanted = keep(positions)
        positions, values = positions[wanted], values[wanted]
    # strongest first; ties by position, so that the order never depends on the tiles
    order = np.lexsort((*positions.T[::-1], -values))
    order = order[spaced(positions[order], params.distance())]
    positions, values = positions[order], values[order]
    if params.number is not None:
        chosen = slice(0, params.number)
    elif params.threshold == "none":
        chosen = slice(0, None)
    else:
        cut = cut if params.threshold == "level" else automatic_threshold(values, params.threshold)
        chosen = slice(0, int((values >= cut).sum()))
    z, y, x = shape
    return Particles(
        positions[chosen],
        scores=values[chosen].astype(np.float64),
        voxel_size=mean_size(voxel_size_zyx),
        shape_zyx=(z, y, x),
    )


PICKER = Picker("dog", "Difference of Gaussians: blobs of one size", DogParams, pick_dog, DENSITY, pick_dog_job)
