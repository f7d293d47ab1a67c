"""Some particles of the project, whatever the gallery shows: work that ends later still finds them.

    gallery ─► Chosen ─────► a job ─────► what it found
                 └─► here_now(project) ─► the same picks as they are by then ─► marks, poses, classes

A pick is the same as long as its set and its own number are, in whichever row it comes and whatever its list is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.state.gallery_groups import rows_of
from ais_app.state.gallery_table import (
    ParticleTable,
    PickReader,
    Source,
    StackSource,
    stack_document,
    stack_marks,
)
from ais_app.state.particle_classes import CLASS, REJECTED

if TYPE_CHECKING:
    from ais_app.state.project import Project


@dataclass(frozen=True, eq=False)
class Chosen:
    """Some particles.

    Parameters
    ----------
    source
        Where they are from.
    table
        All particles that were read with them.
    rows
        (k,) int64: which of the table they are.
    """

    source: Source
    table: ParticleTable
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, places: np.ndarray) -> Chosen:
        """Return those at some places among them; places or a mask."""
        return replace(self, rows=self.rows[places])

    def here_now(self, project: Project) -> tuple[Chosen, np.ndarray]:
        """Return those that are still there, as the project has them now, and their places among these, (m,)."""
        if isinstance(self.source, StackSource):
            rejected, classes = stack_marks(project.document(self.source.document, {}), len(self.table))
            table = replace(self.table, rejected=rejected, classes=classes)
            return Chosen(self.source, table, self.rows), np.arange(len(self))
        sets, ids = self.table.sets[self.rows], self.table.ids[self.rows]
        known = set(sets.tolist())
        table = PickReader(project, lambda pick_set: pick_set.id in known).table()
        rows = rows_of(table, sets, ids)
        return Chosen(self.source, table, rows[rows >= 0]), np.flatnonzero(rows >= 0)

    def by_set(self) -> list[tuple[int, np.ndarray]]:
        """Return each pick set that they are of, and their places among these."""
        sets = self.table.sets[self.rows]
        return [(pick_set, np.flatnonzero(sets == pick_set)) for pick_set in np.unique(sets).tolist()]

    def set_rejected(self, project: Project, value: bool) -> None:
        """Mark them as rejected, or as kept; within a group."""
        if isinstance(self.source, StackSource):
            rejected = self.table.rejected.copy()
            rejected[self.rows] = value
            project.set_document(self.source.document, stack_document(rejected, self.table.classes))
        else:
            self._mark(project, REJECTED, [value] * len(self))

    def set_classes(self, project: Project, names: Sequence[str]) -> None:
        """Say of which class each is, empty for none; within a group."""
        if isinstance(self.source, StackSource):
            classes = self.table.classes.copy()
            classes[self.rows] = np.array(list(names), dtype=object)
            project.set_document(self.source.document, stack_document(self.table.rejected, classes))
        else:
            self._mark(project, CLASS, [name or None for name in names])

    def _mark(self, project: Project, column: str, values: Sequence[Any]) -> None:
        for pick_set, places in self.by_set():
            marks = {column: [values[place] for place in places.tolist()]}
            project.pick_store(pick_set).change(self.table.ids[self.rows[places]], columns=marks)


def name_of(project: Project, chosen: Chosen) -> str:
    """Return what a person knows the list of some particles by; its newest name where it was renamed meanwhile."""
    source = chosen.source
    if isinstance(source, StackSource):
        return source.path.name
    if not source.name:
        names = {feature.id: feature.name for feature in project.features}
        return f"all of {names[source.feature]}" if source.feature in names else "other picks"
    sets = set(chosen.table.sets[chosen.rows].tolist())
    newest = {each.name for each in project.pick_sets if each.id in sets}
    return newest.pop() if len(newest) == 1 else source.name
