"""Particles: where things are, how they are turned, and everything else a file said about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ais_app.core.errors import ParameterProblem

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Layout:
    """How the file that particles were read from was laid out, so that it can be written back alike.

    Parameters
    ----------
    format
        Name of the format.
    columns
        All columns of the file, in its order.
    block
        Name of the STAR block of the particles.
    blocks
        Names of all STAR blocks, in the order of the file.
    comments
        Block name to the comment lines before it, without their ``#``.
    """

    format: str
    columns: tuple[str, ...] = ()
    block: str = ""
    blocks: tuple[str, ...] = ()
    comments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Particles:
    """A set of picks, possibly from several tomograms.

    Parameters
    ----------
    positions_zyx
        (n, 3) float64, Å, z y x. The centre of voxel (0, 0, 0) of the tomogram is at 0, so that
        ``positions / voxel_size`` are 0-based voxel indices; the header's origin is not included.
    rotations
        (n, 3, 3) or ``None``: active right-handed rotations of **x y z** column vectors that turn the reference
        into the particle.
    scores
        (n,) or ``None``: weight or confidence, larger is better.
    tomograms
        (n,) names of the tomograms, without folder and suffix.
    voxel_size
        Å, of the tomogram the picks were made in; ``None`` when not known.
    shape_zyx
        Voxels of that tomogram; needed by formats that count from the centre; ``None`` when not known.
    shapes
        Tomogram name to shape, where tomograms differ; the others have `shape_zyx`.
    table
        All other columns, one row a particle, kept as they were read.
    blocks
        Other blocks of a STAR file, kept as they were read.
    layout
        How the file they came from was laid out; ``None`` for picks that were not read.
    """

    positions_zyx: np.ndarray
    rotations: np.ndarray | None = None
    scores: np.ndarray | None = None
    tomograms: np.ndarray = field(default_factory=lambda: np.array([], dtype=object))
    voxel_size: float | None = None
    shape_zyx: Shape | None = None
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    blocks: dict[str, pd.DataFrame | dict] = field(default_factory=dict)
    layout: Layout | None = None

    def __post_init__(self) -> None:
        positions = np.asarray(self.positions_zyx, dtype=float).reshape(-1, 3)
        count = len(positions)
        object.__setattr__(self, "positions_zyx", positions)
        if len(self.tomograms) == 0 and count:
            object.__setattr__(self, "tomograms", np.full(count, "", dtype=object))
        if len(self.table.columns) == 0 and len(self.table) != count:
            object.__setattr__(self, "table", pd.DataFrame(index=range(count)))
        for name in ("rotations", "scores", "tomograms", "table"):
            value = getattr(self, name)
            if value is not None and len(value) != count:
                raise ParameterProblem(name, f"{len(value)} entries for {count} particles")

    def __len__(self) -> int:
        return len(self.positions_zyx)

    def __getitem__(self, chosen: np.ndarray | slice) -> Particles:
        """Return the chosen particles: a slice, a mask or indices."""
        rows = np.arange(len(self))[chosen]
        return replace(
            self,
            positions_zyx=self.positions_zyx[rows],
            rotations=None if self.rotations is None else self.rotations[rows],
            scores=None if self.scores is None else self.scores[rows],
            tomograms=self.tomograms[rows],
            table=self.table.iloc[rows].reset_index(drop=True),
        )

    @property
    def names(self) -> list[str]:
        """Names of the tomograms, each once, in the order in which they first occur."""
        return list(dict.fromkeys(self.tomograms))

    def shape_of(self, tomogram: str) -> Shape | None:
        """Return the voxels (z, y, x) of a tomogram, or ``None`` when not known."""
        return self.shapes.get(tomogram, self.shape_zyx)

    @staticmethod
    def concatenate(parts: Sequence[Particles]) -> Particles:
        """Join sets; a column that only some of them have is filled with missing values.

        Rotations, scores and the voxel size are kept where all sets have them (and agree). STAR blocks and
        layout are those of the first set that has any particles.
        """
        filled = [part for part in parts if len(part)]
        if not filled:
            return parts[0] if parts else Particles(np.empty((0, 3)))
        turned = all(part.rotations is not None for part in filled)
        scored = all(part.scores is not None for part in filled)
        one_size = len({part.voxel_size for part in filled}) == 1
        shapes = {name: shape for part in filled for name in part.names if (shape := part.shape_of(name)) is not None}
        return replace(
            filled[0],
            positions_zyx=np.concatenate([part.positions_zyx for part in filled]),
            rotations=np.concatenate([part.rotations for part in filled if part.rotations is not None])
            if turned
            else None,
            scores=np.concatenate([part.scores for part in filled if part.scores is not None]) if scored else None,
            tomograms=np.concatenate([part.tomograms for part in filled]),
            voxel_size=filled[0].voxel_size if one_size else None,
            shape_zyx=filled[0].shape_zyx if len({part.shape_zyx for part in filled}) == 1 else None,
            shapes=shapes,
            table=pd.concat([part.table for part in filled], ignore_index=True),
        )
