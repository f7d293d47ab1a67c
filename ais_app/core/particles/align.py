"""Alignment: how a reference has to be turned and moved to become what is in each subtomogram.

A coarse search (`search`, on a grid of rotations, or `harmonics`) proposes orientations under the constrained
correlation; the best are refined together (`refine`), first with few shells of Fourier space, at last with all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.parallel import spread
from ais_app.core.particles.alignment import Alignment, AlignParams, Candidates
from ais_app.core.particles.correlation import (
    Band,
    Reference,
    Sampled,
    compute_device,
    references_of,
    transforms_of,
)
from ais_app.core.particles.orientations import all_rotations, rotations_near
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.proposals import Proposals
from ais_app.core.particles.refine import Fit, refine
from ais_app.core.particles.search import Grid, Shifts, coarse_shells, search, search_near, turned_grid
from ais_app.core.particles.wedge import Wedge

__all__ = ["AlignParams", "Aligner", "Alignment", "Candidates", "Reference", "align", "align_job"]

_AT_ONCE = {"cpu": (2**18, 4), "cuda": (2**25, 1024)}  # voxels, and cubes; on CPUs by each core
_PIECES = 2  # of so many cubes for each core, between two looks at whether to stop
_CLOSE = 0.05  # what scores may differ by and yet change places with more shells
_KEPT = 8  # references, times wedges, that are kept ready


class Aligner:
    """References made ready, to align any number of subtomograms with them.

    Parameters
    ----------
    references
        One or several: cubes, or `Reference`s where part of their Fourier space is not known.
    wedges
        Of the subtomograms.
    params
        What to search.

    Raises
    ------
    ParameterProblem
        A reference is no cube of numbers, or they differ in size.
    """

    def __init__(
        self,
        references: Reference | np.ndarray | Sequence[Reference | np.ndarray],
        wedges: Sequence[Wedge],
        params: AlignParams | None = None,
    ) -> None:
        self.params = params or AlignParams()
        self.device = compute_device(self.params.device)
        self.references = references_of(references)
        self.edge = int(self.references[0].cube.shape[0])
        self.wedges = list(wedges)
        self.shells = min(self.params.low_pass or np.inf, (self.edge - 1) // 2)
        coarse = self.params.coarse_shell or coarse_shells(self.params.angular_step, self.shells)
        self.coarse = min(coarse, self.shells)
        self.farthest = self.edge / 4 if self.params.shift is None else self.params.shift
        self._sampled = [Sampled(one, self.shells, slopes=True, device=self.device) for one in self.references]
        self._prepared = lru_cache(_KEPT)(self._prepare)
        self._proposals = Proposals(self.references, self.wedges, self.params, self.shells)

    @property
    def batch_size(self) -> int:
        """How many subtomograms to align at once: on CPUs so few that a job is cancelled within a second."""
        return self._piece * (_PIECES * torch.get_num_threads() if self.device.type == "cpu" else 1)

    @property
    def _piece(self) -> int:
        voxels, most = _AT_ONCE[self.device.type]
        return max(1, min(voxels // self.edge**3, most) // len(self.references))

    def align(self, cubes: np.ndarray, wedge_of: np.ndarray, start: Poses | None = None) -> Alignment:
        """Return the poses of all references in subtomograms.

        Parameters
        ----------
        cubes
            (n, e, e, e), density bright.
        wedge_of
            (n,) which of the wedges each has.
        start
            Present poses: shifts are searched about theirs, and rotations if the search is local.

        Raises
        ------
        ParameterProblem
            The cubes have another size than the references or hold values that are no numbers, or a wedge is missing.
        """
        return Alignment(tuple(self._best(found) for found in self._all(cubes, wedge_of, start, narrow=True)))

    def candidates(self, cubes: np.ndarray, wedge_of: np.ndarray, start: Poses | None = None) -> list[Candidates]:
        """Return for each reference the best `params.candidates` poses in each subtomogram; otherwise as `align`."""
        return self._all(cubes, wedge_of, start, narrow=False)

    def _all(self, cubes: np.ndarray, wedge_of: np.ndarray, start: Poses | None, *, narrow: bool) -> list[Candidates]:
        cubes, wedge_of = np.asarray(cubes), np.asarray(wedge_of)
        self._check(cubes, wedge_of, start)
        size = self._piece if self.device.type == "cpu" else max(1, len(cubes))
        rows = [slice(first, first + size) for first in range(0, max(1, len(cubes)), size)]
        pieces = spread(
            lambda some: self._some(cubes[some], wedge_of[some], None if start is None else start[some], narrow), rows
        )
        return [Candidates.concatenate([piece[number] for piece in pieces]) for number in range(len(self.references))]

    def _some(self, cubes: np.ndarray, wedge_of: np.ndarray, start: Poses | None, narrow: bool) -> list[Candidates]:
        """Align few subtomograms on one core."""
        transforms = transforms_of(cubes, self.device)
        found = [Candidates.empty(len(cubes), self.params.candidates) for _ in self.references]
        for wedge in np.unique(wedge_of):
            rows = np.flatnonzero(wedge_of == wedge)
            own = transforms[torch.from_numpy(rows).to(self.device)]
            begin = Poses.unturned(len(rows)) if start is None else start[rows]
            for number, into in enumerate(found):
                fit = self._group(own, int(wedge), number, begin, narrow=narrow)
                into.rotations[rows], into.shifts_zyx[rows], into.scores[rows] = fit
        return found

    def _check(self, cubes: np.ndarray, wedge_of: np.ndarray, start: Poses | None) -> None:
        if cubes.shape[1:] != (self.edge,) * 3:
            problem = f"their shape is {cubes.shape[1:]}, that of the reference {(self.edge,) * 3}"
            raise ParameterProblem("subtomograms", problem, "crop or rescale one to the size of the other")
        if len(wedge_of) != len(cubes) or (
            len(wedge_of) and not 0 <= wedge_of.min() <= wedge_of.max() < len(self.wedges)
        ):
            problem = f"{len(wedge_of)} wedge numbers for {len(cubes)} subtomograms and {len(self.wedges)} wedges"
            raise ParameterProblem("wedge_of", problem, "give one of them for each subtomogram")
        if start is None and self.params.within is not None:
            raise ParameterProblem("within", "there are no present orientations", "search all rotations, or give them")
        if start is not None and len(start) != len(cubes):
            raise ParameterProblem("start", f"{len(start)} poses for {len(cubes)} subtomograms", "give one for each")

    def _group(
        self, transforms: torch.Tensor, wedge: int, number: int, start: Poses, *, narrow: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Align subtomograms of one wedge with one reference: rotations, shifts and scores of the candidates."""
        mask = self.wedges[wedge].mask(self.edge, device=self.device)
        begun = torch.from_numpy(start.shifts_zyx[:, ::-1].copy()).to(self.device, torch.float32)
        fit, of = self._coarse(transforms, wedge, number, start, begun)
        count = self.params.candidates
        fit.shifts = fit.shifts + begun[of]
        fit, of = self._polished(transforms, mask, number, fit, of, begun, narrow=narrow)
        shifts = fit.shifts.flip(1).double().cpu().numpy().reshape(-1, count, 3)
        rotations = _orthogonal(fit.rotations.double()).cpu().numpy().reshape(-1, count, 3, 3)
        return rotations, shifts, fit.scores.double().cpu().numpy().reshape(-1, count)

    def _coarse(
        self, transforms: torch.Tensor, wedge: int, number: int, start: Poses, begun: torch.Tensor
    ) -> tuple[Fit, torch.Tensor]:
        params, reference = self.params, self._sampled[number]
        count, apart = 2 * params.candidates, 0.9 * params.angular_step
        shifts, grid = self._prepared(wedge, number)
        values = shifts.band.of(transforms) * shifts.band.phases(-begun)
        if params.mode != "grid":
            asked = self._proposals.of(transforms, wedge, number, start)
            return search_near(values, shifts, reference, asked, count, 0.0)
        if params.within is None:
            return search(values, shifts, grid, count, apart)
        near = rotations_near(params.angular_step, params.within)
        rotations = torch.from_numpy(near @ start.rotations[:, None]).to(self.device, torch.float32)
        return search_near(values, shifts, reference, rotations, count, apart)

    def _prepare(self, wedge: int, number: int) -> tuple[Shifts, Grid]:
        params = self.params
        mask = self.wedges[wedge].mask(self.edge, device=self.device)
        shifts = Shifts.up_to(self.farthest, Band.up_to(self.edge, self.coarse, mask, self.device))
        whole = params.within is None and params.mode == "grid"
        asked = all_rotations(params.angular_step, params.symmetry) if whole else np.eye(3)[None]
        rotations = torch.from_numpy(asked).to(self.device, torch.float32)
        return shifts, turned_grid(self._sampled[number], rotations, shifts)

    def _polished(
        self,
        transforms: torch.Tensor,
        mask: torch.Tensor,
        number: int,
        fit: Fit,
        of: torch.Tensor,
        begun: torch.Tensor,
        *,
        narrow: bool,
    ) -> tuple[Fit, torch.Tensor]:
        """Refine all candidates with few shells, the better half with more, and those that are close with all."""
        count, reference = self.params.candidates, self._sampled[number]
        options: dict[str, Any] = {"farthest": self.farthest, "turn": self.params.refine, "about": begun}
        band = Band.up_to(self.edge, self.coarse, mask, self.device)
        fit = refine(reference, band.of(transforms), of, band, fit, **options)
        kept = _leading(fit, 2 * count, count)
        fit, of = fit[kept], of[kept]
        if self.params.refine:
            middle = min(2 * self.coarse, (self.coarse + self.shells) / 2)
            band = Band.up_to(self.edge, middle, mask, self.device)
            fit = refine(reference, band.of(transforms), of, band, fit, **options)
            band = Band.up_to(self.edge, self.shells, mask, self.device)
            fine = _close(fit, count) if narrow else _leading(fit, count, count)
            done = refine(reference, band.of(transforms), of[fine], band, fit[fine], **options)
            fit = Fit(fit.rotations, fit.shifts, torch.full_like(fit.scores, -torch.inf))
            for name in ("rotations", "shifts", "scores"):
                getattr(fit, name)[fine] = getattr(done, name)
        order = _leading(fit, count, count)
        return fit[order], of[order]

    @staticmethod
    def _best(found: Candidates) -> Poses:
        return Poses(found.rotations[:, 0], found.shifts_zyx[:, 0], found.scores[:, 0])


def _leading(fit: Fit, of_each: int, kept: int) -> torch.Tensor:
    """Return the rows of the best `kept` among each `of_each`, best first."""
    order = fit.scores.reshape(-1, of_each).argsort(dim=1, descending=True, stable=True)[:, :kept]
    first = torch.arange(len(order), device=order.device)[:, None] * of_each
    return (order + first).flatten()


def _close(fit: Fit, of_each: int) -> torch.Tensor:
    """Return the rows of the best among each `of_each`, and of those that may turn out better with more shells."""
    best = fit.scores.reshape(-1, of_each).max(dim=1).values.repeat_interleave(of_each)
    return (fit.scores >= best - _CLOSE * best.abs()).nonzero()[:, 0]


def _orthogonal(rotations: torch.Tensor) -> torch.Tensor:
    """Return the nearest rotations: products in single precision drift away from them."""
    left, _, right = torch.linalg.svd(rotations)
    return left @ right


def align_job(
    references: Reference | np.ndarray | Sequence[Reference | np.ndarray],
    cubes: Any,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    params: AlignParams | None = None,
    start: Poses | None = None,
) -> Job[Alignment]:
    """Return where references are found in subtomograms.

    Parameters
    ----------
    references
        One cube (e, e, e) or several, or `Reference`s, whose Fourier space is only known in part; density bright.
    cubes
        (n, e, e, e), density bright; an array, or anything that gives arrays for slices of rows.
    wedges, wedge_of
        The tilts that were seen, and (n,) which of them each subtomogram has.
    params
        What to search.
    start
        Present poses: shifts are searched about theirs, and rotations if `params.within` is given.

    Raises
    ------
    ParameterProblem
        Sizes differ, there are values that are no numbers, or nothing was measured.
    """
    aligner = Aligner(references, wedges, params)
    count, size = len(wedge_of), aligner.batch_size
    parts = []
    for first in range(0, count, size):
        rows = slice(first, min(first + size, count))
        parts.append(aligner.align(cubes[rows], np.asarray(wedge_of)[rows], None if start is None else start[rows]))
        yield Progress(rows.stop, count, "subtomograms")
    if not parts:
        raise ParameterProblem("subtomograms", "there is none", "extract some")
    return Alignment.concatenate(parts)


align = direct(align_job)
