"""Template matching from a tomogram and a map to particles with orientations and scores."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.matching.echoes import echoes, self_correlation_job
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.peaks import Peaks, apart_job, local_maxima_job, noise_threshold, peaks, tail_threshold
from ais_app.core.matching.refinement import Found, local_deviations_job, refine_job
from ais_app.core.matching.search import Searched, search_job
from ais_app.core.matching.source import source_job
from ais_app.core.matching.store import Scores
from ais_app.core.matching.template import Template, prepare
from ais_app.core.particles.orientations import all_rotations
from ais_app.core.tomogram import ZYX, LazyArray, Tomogram

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles
    from ais_app.core.particles.wedge import Wedge

R = TypeVar("R")
_MOST_PEAKS = 20000  # without a number
_EXPLAINED = 0.16  # share of the variance at a place that a template in its right place explains, at least
_FEW = 0.25  # of the peaks may be of gold or ice
_TO_DECIDE = 300  # peaks of each sign that are compared


@dataclass(frozen=True)
class Matches:
    """What was found, and how.

    Parameters
    ----------
    particles
        The highest score first; positions Å, rotations of the template into the tomogram.
    scores
        Of every voxel of the (binned) tomogram, before finer rotations.
    threshold
        Lowest score that was kept.
    inverted
        The template was turned from bright to dark, or the other way round, to fit.
    outliers
        Peaks that were left out as gold, ice or another thing of too much contrast.
    """

    particles: Particles
    scores: Scores
    threshold: float
    inverted: bool
    outliers: int


def match_job(
    tomogram: Tomogram | LazyArray,
    density: np.ndarray,
    map_voxel_size: float,
    wedge: Wedge,
    params: MatchParams | None = None,
    *,
    voxel_size_zyx: ZYX | None = None,
    mask: np.ndarray | None = None,
    folder: Path | None = None,
    identity: dict[str, Any] | None = None,
) -> Job[Matches]:
    """Find a structure in a tomogram by its map.

    The locally normalised correlation under the missing wedge, for evenly sampled rotations; see
    docs/subtomograms/matching.md.

    Parameters
    ----------
    tomogram
        With cubic voxels; or an array, (z, y, x), that may be lazy.
    density
        (z, y, x); voxel ``n // 2`` of each axis is the centre of the particle.
    map_voxel_size
        Å, of the map.
    wedge
        Of the tomogram.
    params
        How to search and what to keep.
    voxel_size_zyx
        Å, of the tomogram; needed for an array, otherwise it replaces what the tomogram says.
    mask
        On the voxels of the map, 0 ... 1, turned with it; a sphere if not given.
    folder
        Where what is finished is kept, so that a search that was stopped goes on; in memory if not given.
    identity
        What tells the tomogram from others, so that only its own search goes on in `folder`; JSON-able.

    Returns
    -------
    Matches
        The particles, the highest score first, and the scores of all voxels.

    Raises
    ------
    ParameterProblem
        The template does not fit into the tomogram, one of them is empty, the voxel size of the tomogram is not known,
        or a parameter is out of bounds.
    """
    params = params or MatchParams()
    tomogram = _opened(tomogram, voxel_size_zyx)
    size = _cubic(tomogram) * params.binning
    sign = 1.0
    if params.template_contrast != "auto" and (params.template_contrast == "dark") != params.dark:
        sign = -1.0
    yield Progress(0, 100, "the template")
    template = prepare(sign * np.asarray(density, dtype=float), map_voxel_size, size, wedge, params, mask)
    yield Progress(0, 100, "the tomogram")
    volume, mean, deviation = yield from _part(source_job(tomogram, params, folder), 0, 2)
    rotations = all_rotations(params.angular_step, params.symmetry)
    border = template.radius if params.border is None else params.border / size
    known = {**(identity or {}), "binning": params.binning, "low_pass": params.low_pass, "high_pass": params.high_pass}
    search = search_job(
        volume, mean, deviation, template, rotations,
        border=border, both=params.template_contrast == "auto",
        memory=params.memory, device=params.device, folder=folder, identity=known,
    )  # fmt: skip
    searched = yield from _part(search, 2, 95)
    choice = _Choice(volume, mean, deviation, template, params, size)
    chosen = yield from _part(choice.job(searched), 95, 95)
    if chosen.inverted:
        template = replace(template, fine=-template.fine)
    found = Found(chosen.peaks.positions_zyx, rotations[chosen.peaks.angles], chosen.peaks.scores)
    if params.refine and len(found):
        found = yield from _part(refine_job(volume, mean, deviation, template, found, params.angular_step), 95, 100)
    yield Progress(100, 100, "done")
    particles = _particles(found, tomogram, params, chosen.spacing)
    return Matches(particles, chosen.scores, chosen.threshold, chosen.inverted or sign < 0, chosen.outliers)


match = direct(match_job)


def _part(job: Job[R], low: float, high: float) -> Generator[Progress, None, R]:
    """Run a part of the work and show its progress as a span of the whole, in percent."""
    try:
        step = next(job)
        while True:
            done = low + (high - low) * (step.done / step.total if step.total else 0.0)
            yield Progress(done, 100, step.message)
            step = next(job)
    except StopIteration as finished:
        result: R = finished.value
        return result
    finally:
        job.close()  # at once, not when somebody lets go of what stopped it


def _opened(tomogram: Tomogram | LazyArray, voxel_size_zyx: ZYX | None) -> Tomogram:
    """Return a tomogram of which the voxel size is known."""
    if not isinstance(tomogram, Tomogram):
        if len(tomogram.shape) != 3 or 0 in tomogram.shape:
            raise ParameterProblem("tomogram", f"has the shape {tomogram.shape}", "give a volume (z, y, x)")
        tomogram = Tomogram(tomogram)
    if voxel_size_zyx is not None:
        tomogram = replace(tomogram, voxel_size_zyx=voxel_size_zyx)
    if tomogram.path is None:
        tomogram.require_voxel_size_zyx("give it as voxel_size_zyx")
    return tomogram


def _cubic(tomogram: Tomogram) -> float:
    sizes = tomogram.require_voxel_size_zyx()
    if max(sizes) > 1.01 * min(sizes):
        problem = f"its voxels are no cubes: {sizes} Å (z y x)"
        raise ParameterProblem(tomogram.path or tomogram.name, problem, "rescale it: ais-app convert")
    return tomogram.voxel_size


@dataclass(frozen=True)
class _Chosen:
    peaks: Peaks
    scores: Scores
    threshold: float
    inverted: bool
    outliers: int
    spacing: float


@dataclass(frozen=True)
class _Choice:
    """Decides which peaks are kept, and which sign the template has."""

    volume: LazyArray
    mean: float
    deviation: float
    template: Template
    params: MatchParams
    size: float

    @property
    def spacing(self) -> float:
        """Voxels."""
        given = self.params.min_distance
        return self.template.radius if given is None else given / self.size

    def job(self, searched: Searched) -> Job[_Chosen]:
        """Return the peaks that are kept, of the sign whose peaks exceed its noise by more."""
        is_found = self.params.number is None and self.params.threshold is None
        flank = (yield from self_correlation_job(self.template)) if is_found else None
        bright, evidence = yield from self._peaks_job(searched.bright, flank, inverted=False)
        if searched.dark is None:
            return bright
        dark, other = yield from self._peaks_job(searched.dark, flank, inverted=True)
        return dark if other > evidence else bright

    def _threshold(self, scores: Scores, heights: np.ndarray) -> float:
        noise = noise_threshold(scores, self.params.false_positives)
        tail = tail_threshold(heights, self.params.false_positives)
        return noise if tail is None else min(noise, tail)

    def _peaks_job(
        self, scores: Scores, flank: np.ndarray | None, *, inverted: bool
    ) -> Job[tuple[_Chosen, tuple[float, float]]]:
        """Return the peaks of one sign and how much they exceed its noise; `flank` is what one makes beside itself."""
        params = self.params
        maxima = yield from local_maxima_job(scores.score)
        voxels, heights = yield from apart_job(maxima, self.spacing)
        found_threshold = self._threshold(scores, heights)
        threshold = params.threshold
        if threshold is None:
            threshold = 0.0 if params.number is not None else found_threshold
        # gold is left out of a number that was asked for, so a few more are looked at
        most = _MOST_PEAKS if params.number is None else params.number + max(20, params.number // 2)
        high = slice(0, min(most, int((heights >= threshold).sum())))
        found = peaks(scores, (voxels[high], heights[high]))
        usual = yield from self._usual_job(found)
        kept = usual if flank is None else usual & ~echoes(found, flank, scores.deviation)
        peaks_kept = found[kept][: params.number]
        lowest = threshold if params.number is None or not len(peaks_kept) else float(peaks_kept.scores[-1])
        chosen = _Chosen(peaks_kept, scores, lowest, inverted, int((~usual).sum()), self.spacing)
        return chosen, _evidence(peaks_kept, found_threshold)

    def _usual_job(self, found: Peaks) -> Job[np.ndarray]:
        """Return which peaks are not of gold or ice: of great contrast, that the template yet explains little of.

        Only a few can be: where many peaks are like that, particles themselves stand out of the noise.
        """
        limit = self.params.outliers
        if limit is None or len(found) < 2:
            return np.ones(len(found), dtype=bool)
        varies = yield from local_deviations_job(
            self.volume, self.mean, self.deviation, found.positions_zyx, self.template
        )
        strange = (varies > limit * np.median(varies)) & (found.scores**2 < _EXPLAINED)
        few = strange[: self.params.number].mean() <= _FEW
        return ~strange if few else np.ones(len(found), dtype=bool)


def _evidence(found: Peaks, threshold: float) -> tuple[float, float]:
    """Return by how much peaks exceed the threshold of noise, added up; where none does the highest decides."""
    above = found.scores[:_TO_DECIDE] - threshold
    return float(above[above > 0].sum()), float(found.scores.max(initial=0.0))


def _particles(found: Found, tomogram: Tomogram, params: MatchParams, spacing: float) -> Particles:
    from ais_app.core.particle_set import Particles
    from ais_app.core.pickers.blobs import spaced
    from ais_app.core.volume.binning import bin_offset

    order = np.lexsort((*found.positions_zyx.T[::-1], -found.scores))
    # what moved towards each other while it was refined may have become one
    found = found[order[spaced(found.positions_zyx[order], spacing / 2)]]
    sizes = tomogram.require_voxel_size_zyx()
    positions = found.positions_zyx * np.array(sizes) * params.binning + bin_offset(sizes, params.binning)
    return Particles(
        positions,
        rotations=found.rotations,
        scores=found.scores.round(5),
        tomograms=np.full(len(found), tomogram.name, dtype=object),
        voxel_size=tomogram.voxel_size,
        shape_zyx=tomogram.shape,
    )
