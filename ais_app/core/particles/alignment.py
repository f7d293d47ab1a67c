"""What an alignment is asked, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ais_app.core.params import Params, param
from ais_app.core.particles.orientations import symmetry_rotations
from ais_app.core.particles.poses import Poses

MODES = ("grid", "harmonics", "exhaustive")


@dataclass(frozen=True)
class AlignParams(Params):
    """How subtomograms are aligned."""

    angular_step: float = param(
        20.0, "Step of the grid of rotations; finer detail is found by refinement", unit="degrees", low=2, high=90
    )
    within: float | None = param(
        None, "Search only this far from the present orientation; all without", unit="degrees", low=0, high=180
    )
    shift: float | None = param(None, "Largest shift; a quarter of the box without", unit="voxels", low=0)
    low_pass: float | None = param(
        None, "Highest shell of Fourier space used, waves per box; all without", unit="shells", low=1
    )
    symmetry: str = param("C1", "Of the reference: C1, C2 ... about z, D2, D3 ...")
    candidates: int = param(3, "Orientations of each particle that are refined", low=1, high=50)
    refine: bool = param(True, "Refine between the rotations of the grid")
    coarse_shell: float | None = param(
        None, "Highest shell of the coarse search; from the step without", unit="shells", low=1
    )
    mode: str = param(
        "grid", "Coarse search: a grid of rotations, spherical harmonics, or slowly everything", choices=MODES
    )
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))

    def __post_init__(self) -> None:
        super().__post_init__()
        symmetry_rotations(self.symmetry)


@dataclass(frozen=True)
class Alignment:
    """Where references were found in subtomograms.

    Parameters
    ----------
    each
        Of each reference, its poses in all subtomograms; their scores are constrained correlations.
    """

    each: tuple[Poses, ...]

    @property
    def scores(self) -> np.ndarray:
        """(n, references) how well each fits."""
        return np.stack([poses.scores for poses in self.each], axis=1)

    @property
    def chosen(self) -> np.ndarray:
        """(n,) the reference that fits best."""
        return np.asarray(self.scores.argmax(axis=1))

    @property
    def poses(self) -> Poses:
        """Those of the reference that fits best."""
        chosen, rows = self.chosen, np.arange(len(self.each[0]))
        rotations = np.stack([poses.rotations for poses in self.each], axis=1)[rows, chosen]
        shifts = np.stack([poses.shifts_zyx for poses in self.each], axis=1)[rows, chosen]
        return Poses(rotations, shifts, self.scores[rows, chosen])

    @staticmethod
    def concatenate(parts: Sequence[Alignment]) -> Alignment:
        """Join what was found in batches."""
        joined = []
        for poses in zip(*(part.each for part in parts), strict=True):
            names = ("rotations", "shifts_zyx", "scores")
            joined.append(Poses(*(np.concatenate([getattr(one, name) for one in poses]) for name in names)))
        return Alignment(tuple(joined))


@dataclass(frozen=True)
class Candidates:
    """Several poses for each subtomogram, best first.

    Parameters
    ----------
    rotations
        (n, c, 3, 3).
    shifts_zyx
        (n, c, 3) voxels.
    scores
        (n, c) constrained correlations.
    """

    rotations: np.ndarray
    shifts_zyx: np.ndarray
    scores: np.ndarray

    @staticmethod
    def empty(subtomograms: int, each: int) -> Candidates:
        """Return room for so many poses of each subtomogram."""
        shape = (subtomograms, each)
        return Candidates(np.empty((*shape, 3, 3)), np.empty((*shape, 3)), np.empty(shape))

    @staticmethod
    def concatenate(parts: Sequence[Candidates]) -> Candidates:
        """Return those of all parts, in their order."""
        names = ("rotations", "shifts_zyx", "scores")
        return Candidates(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
