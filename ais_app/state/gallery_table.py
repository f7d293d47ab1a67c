"""The particles that the Particles tab shows, as one table: where each is, how it was marked, how good it is.

pick sets of the project ─┐
                          ├─► ParticleTable   (n,) columns; the row of a particle is what commands take
STACK.zarr + marks ───────┘
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.state.particle_classes import CLASS, REJECTED, marks

if TYPE_CHECKING:
    from ais_app.state.pick_blocks import Picks
    from ais_app.state.project import Project
    from ais_app.state.records import PickSet, TomogramEntry

STACKS = "particles/"  # documents: marks of stacks, by their paths
DIAMETER = 200.0  # Å, of picks that do not say


@dataclass(frozen=True)
class PickSource:
    """Picks of the project.

    Parameters
    ----------
    name
        Of the sets; empty for all sets of the feature.
    feature
        Id of the feature; ``None`` for sets of any.
    tomograms
        Ids; of all tomograms when empty.
    """

    name: str = ""
    feature: int | None = None
    tomograms: tuple[int, ...] = ()

    def holds(self, pick_set: PickSet) -> bool:
        """Return whether a set belongs to it."""
        fits = pick_set.name == self.name if self.name else pick_set.feature == self.feature
        return fits and (not self.tomograms or pick_set.tomogram in self.tomograms)


@dataclass(frozen=True)
class StackSource:
    """A file of subtomograms."""

    path: Path

    @property
    def document(self) -> str:
        """Name under which the project keeps the marks of its particles."""
        return f"{STACKS}{self.path}"


Source = PickSource | StackSource


@dataclass(frozen=True, eq=False)
class ParticleTable:
    """Particles, one row each; compared by identity, and made anew when something has changed.

    Parameters
    ----------
    sets, ids
        (n,) int64: pick set and pick; of a stack −1 and the row.
    tomograms
        (n,) int64: ids in the project, −1 where it does not have the tomogram.
    names
        (n,) object: names of the tomograms.
    positions_zyx
        (n, 3) float64, Å from the centre of voxel (0, 0, 0).
    scores
        (n,) float64, NaN where not known.
    rejected
        (n,) bool.
    classes
        (n,) object: name of the class, empty for none.
    diameter
        Å: the median of the picks, or what is assumed.
    voxel_size
        Å: that of the tomograms; ``None`` where it is not known.
    rotations
        (n, 3, 3) as in `Particles`, NaN where not known; ``None`` where none is kept here.
    """

    sets: np.ndarray
    ids: np.ndarray
    tomograms: np.ndarray
    names: np.ndarray
    positions_zyx: np.ndarray
    scores: np.ndarray
    rejected: np.ndarray
    classes: np.ndarray
    diameter: float = DIAMETER
    voxel_size: float | None = None
    rotations: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def same_particles(self, other: ParticleTable) -> bool:
        """Return whether another table has the same particles in the same rows, in the same places."""
        pairs = ((self.sets, other.sets), (self.ids, other.ids), (self.positions_zyx, other.positions_zyx))
        return all(np.array_equal(one, another) for one, another in pairs)


def empty_table() -> ParticleTable:
    """Return a table without rows."""
    none, words = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
    return ParticleTable(none, none, none, words, np.zeros((0, 3)), np.zeros(0), np.zeros(0, dtype=bool), words)


class PickReader:
    """Reads the picks of some sets; of those that were read before only the sets that have changed.

    Parameters
    ----------
    project
        Where they are.
    holds
        Says of a set whether its picks are wanted.
    """

    def __init__(self, project: Project, holds: Callable[[PickSet], bool]) -> None:
        self._project, self._holds = project, holds
        self._read: dict[int, tuple[TomogramEntry, int, Picks]] = {}

    def forget(self, pick_set: int) -> None:
        """Read a set again: it has changed."""
        self._read.pop(pick_set, None)

    def table(self) -> ParticleTable:
        """Return the picks as they are now; tomograms whose voxel size is not known have none."""
        entries = {entry.id: entry for entry in self._project.tomograms if entry.voxel_size_zyx is not None}
        found = []
        for pick_set in self._project.pick_sets:
            entry = entries.get(pick_set.tomogram)
            if entry is None or not pick_set.count or not self._holds(pick_set):
                continue
            if pick_set.id not in self._read or self._read[pick_set.id][0] != entry:
                self._read[pick_set.id] = (entry, pick_set.id, self._project.pick_store(pick_set).read())
            found.append(self._read[pick_set.id])
        return _joined(found) if found else empty_table()


def table_of_stack(
    project: Project | None, source: StackSource, names: Sequence[str], positions_zyx: np.ndarray,
    scores: np.ndarray | None, voxel_size: float | None, edge: int,
) -> ParticleTable:  # fmt: skip
    """Return the particles of a stack with the marks that the project keeps for it.

    Parameters
    ----------
    project
        ``None`` where none is open: nothing is marked then.
    source
        The stack.
    names, positions_zyx, scores
        Of its particles.
    voxel_size
        Å, of its cubes.
    edge
        Voxels, of its cubes.
    """
    count = len(names)
    content = {} if project is None else project.document(source.document, {})
    rejected, classes = stack_marks(content, count)
    known = {} if project is None else {entry.name: entry.id for entry in project.tomograms}
    return ParticleTable(
        np.full(count, -1, dtype=np.int64),
        np.arange(count, dtype=np.int64),
        np.array([known.get(name, -1) for name in names], dtype=np.int64),
        np.array(list(names), dtype=object),
        np.asarray(positions_zyx, dtype=float).reshape(-1, 3),
        np.full(count, np.nan) if scores is None else np.asarray(scores, dtype=float),
        rejected,
        classes,
        diameter=edge * (voxel_size or 1.0) / 1.6,
        voxel_size=voxel_size,
    )


def stack_marks(content: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what a project keeps for a stack: which rows are rejected, (n,) bool, and their classes, (n,) object."""
    rejected, classes = np.zeros(count, dtype=bool), np.full(count, "", dtype=object)
    if isinstance(content, dict):
        rejected[_rows(content.get(REJECTED), count)] = True
        for name, rows in dict(content.get(CLASS) or {}).items():
            classes[_rows(rows, count)] = str(name)
    return rejected, classes


def stack_document(rejected: np.ndarray, classes: np.ndarray) -> dict[str, Any]:
    """Return `stack_marks`' values as they are kept: JSON-able."""
    names = sorted({name for name in classes.tolist() if name})
    return {
        REJECTED: np.flatnonzero(rejected).tolist(),
        CLASS: {name: np.flatnonzero(classes == name).tolist() for name in names},
    }


def _rows(given: Any, count: int) -> np.ndarray:
    """Return row numbers that there are."""
    rows = np.array(given if isinstance(given, list) else [], dtype=np.int64)
    return rows[(rows >= 0) & (rows < count)]


def _joined(found: list[tuple[TomogramEntry, int, Picks]]) -> ParticleTable:
    marked = [marks(picks.columns, len(picks)) for _, _, picks in found]
    radii = np.concatenate([picks.records["radius"] for _, _, picks in found])
    known = radii[np.isfinite(radii)]
    return ParticleTable(
        np.concatenate([np.full(len(picks), id, dtype=np.int64) for _, id, picks in found]),
        np.concatenate([picks.ids for _, _, picks in found]),
        np.concatenate([np.full(len(picks), entry.id, dtype=np.int64) for entry, _, picks in found]),
        np.concatenate([np.full(len(picks), entry.name, dtype=object) for entry, _, picks in found]),
        np.concatenate([picks.positions_zyx for _, _, picks in found]),
        np.concatenate([picks.records["score"] for _, _, picks in found]),
        np.concatenate([rejected for rejected, _ in marked]),
        np.concatenate([classes for _, classes in marked]),
        diameter=2 * float(np.median(known)) if len(known) else DIAMETER,
        voxel_size=found[0][0].voxel_size,
        rotations=np.concatenate([picks.records["rotation"] for _, _, picks in found]),
    )
