"""Orientations that other coarse searches than the grid propose, for the shifts to be found and refined."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from ais_app.core.particles.alignment import AlignParams
from ais_app.core.particles.correlation import Reference, prepared
from ais_app.core.particles.exhaustive import exhaustive
from ais_app.core.particles.fourier import from_fourier, to_fourier
from ais_app.core.particles.harmonics import RotationalMatching
from ais_app.core.particles.orientations import all_rotations, rotations_near
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.search import distinct
from ais_app.core.particles.wedge import Wedge

PROPOSED = 24
"""Orientations of each subtomogram that spherical harmonics propose."""

_KEPT = 8  # references, times wedges, that are kept ready
_SHELLS = 9  # in finer ones there is more noise than signal


class Proposals:
    """Proposes orientations of references in subtomograms.

    Parameters
    ----------
    references
        Of one size.
    wedges
        Of the subtomograms.
    params
        Which search, and how far.
    shells
        Highest shell compared.
    """

    def __init__(
        self, references: Sequence[Reference], wedges: Sequence[Wedge], params: AlignParams, shells: float
    ) -> None:
        self._references, self._wedges, self._params, self._shells = references, wedges, params, shells
        self._ready = lru_cache(_KEPT)(self._matching)

    def of(self, transforms: torch.Tensor, wedge: int, number: int, start: Poses) -> torch.Tensor:
        """Return orientations, (p, c, 3, 3) float32, for subtomograms of one wedge.

        Parameters
        ----------
        transforms
            (p, e, e, e // 2 + 1) of the subtomograms.
        wedge, number
            Which wedge and reference.
        start
            Their present poses.
        """
        if self._params.mode == "exhaustive":
            found = self._tried(transforms, wedge, number, start)
        else:
            found = self._matched(transforms, wedge, number, start)
        return found.to(transforms.device, torch.float32)

    def _matched(self, transforms: torch.Tensor, wedge: int, number: int, start: Poses) -> torch.Tensor:
        matching = self._ready(wedge, number)
        rotations = torch.from_numpy(matching.rotations)
        within, found = self._params.within, []
        for transform, now in zip(transforms.abs().cpu().numpy(), start.rotations, strict=True):
            scores = torch.from_numpy(matching.scores(transform))
            if within is not None:
                traces = torch.einsum("kij,ij->k", rotations, torch.from_numpy(now))
                # the present one may lie between those of the grid
                near = max(within, 10.0)
                scores[traces < 1 + 2 * np.cos(np.radians(near))] = -torch.inf
            found.append(rotations[distinct(scores[None], rotations[None], PROPOSED, 25.0)[0]])
        return torch.stack(found)

    def _matching(self, wedge: int, number: int) -> RotationalMatching:
        one = self._references[number]
        seen = self._wedges[wedge].mask(one.cube.shape[0]).numpy()
        amplitudes = to_fourier(prepared(one)).abs().numpy()
        return RotationalMatching(amplitudes, seen, int(min(self._shells, _SHELLS)), one.measured)

    def _tried(self, transforms: torch.Tensor, wedge: int, number: int, start: Poses) -> torch.Tensor:
        one, params = self._references[number], self._params
        edge = one.cube.shape[0]
        step = params.angular_step
        found = []
        for cube, now in zip(from_fourier(transforms, edge).cpu().numpy(), start.rotations, strict=True):
            grid = all_rotations(step, params.symmetry)
            if params.within is not None:
                grid = rotations_near(step, params.within) @ now
            pose = exhaustive(one, cube, self._wedges[wedge], rotations=grid, shells=self._shells)
            found.append(torch.from_numpy(pose.rotations))
        return torch.stack(found)
