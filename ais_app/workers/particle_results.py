"""What jobs on particles have found goes to those that were asked about, whatever the gallery shows by then.

asked about ─► job ─► found ─► those still there: poses, classes, clusters, each one step of undo; the average
                        └────► in words: who got nothing, and where the rest is, if that is not in view
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.core.errors import AisAppError
from ais_app.state.chosen_particles import Chosen, name_of
from ais_app.state.commands import particle_results
from ais_app.state.gallery_groups import Grouping
from ais_app.state.session import Session
from ais_app.workers.particle_asked import Asked
from ais_app.workers.particle_average import NewestAverage
from ais_app.workers.particle_lines import shell_of

if TYPE_CHECKING:
    from ais_app.operations.particle_work_list import Worked
    from ais_app.operations.particle_work_results import AverageShown, ClassesFound, GroupsFound

REMOVED, MOVED = "removed meanwhile", "removed or moved meanwhile"


class ParticleResults(QObject):
    """Takes results into the project.

    Parameters
    ----------
    session
        Whose project.
    average
        Gets the averages.
    """

    told = pyqtSignal(str)  # something that is no failure
    failed = pyqtSignal(str)

    def __init__(self, session: Session, average: NewestAverage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._average = session, average

    def take_average(self, found: AverageShown, asked: Asked) -> None:
        """Take an average with the orientations that were known."""

        def take(chosen: Chosen) -> int:
            there, _ = chosen.here_now(self._session.project)
            if len(there):
                self._average.take(chosen.source, chosen.table, found)
            return len(there)

        self._take(asked, found.rows, "averaged", REMOVED, take, ("Average", found.worked))

    def take_alignment(self, found: AverageShown, asked: Asked) -> None:
        """Take poses, and the average that belongs to them: it is shown where they are."""
        poses = found.poses
        assert poses is not None  # it was an alignment

        def take(chosen: Chosen) -> int:
            posed = particle_results.take_poses(self._session, chosen, poses, found.voxel_size)
            if len(posed):
                self._average.take(chosen.source, chosen.table, found)
            return len(posed)

        self._take(asked, found.rows, "aligned", MOVED, take, ("Align", found.worked))

    def take_groups(self, found: GroupsFound, asked: Asked) -> None:
        """Take clusters."""
        count = len(asked.table)
        assignment, embedding = np.full(count, -1, dtype=np.int64), np.full((count, 2), np.nan)
        assignment[found.rows], embedding[found.rows] = found.assignment, found.embedding
        made = {} if found.worked is None else found.worked.arguments
        grouping = Grouping(assignment, embedding, len(found.slices), found.slices, made=made)
        title = f"Group {len(found.rows):,} particles"

        def take(chosen: Chosen) -> int:
            return particle_results.take_grouping(self._session, title, grouping, chosen)

        self._take(asked, found.rows, "grouped", REMOVED, take, ("Group", found.worked))

    def take_classes(self, found: ClassesFound, asked: Asked) -> None:
        """Take classes; that a class was given before is said, as a person may have chosen it."""
        more: list[str] = []

        def take(chosen: Chosen) -> int:
            there, others = particle_results.take_classes(self._session, chosen, found.names)
            more.extend([f"{others:,} of them had another class before: undo brings it back"] * bool(others))
            return there

        self._take(asked, found.rows, "classified", REMOVED, take, ("Classify", found.worked), more)

    def _take(
        self,
        asked: Asked,
        rows: np.ndarray,
        done: str,
        why: str,
        take: Callable[[Chosen], int],
        note: tuple[str, Worked | None],
        more: list[str] | None = None,
    ) -> None:
        """Give the particles that are still there what was found of them, and say what cannot be seen.

        Where there may be `more` to say, which `take` puts there, it is said in any case how many there were.
        """
        count = f"{len(rows):,} particle{'s' * (len(rows) != 1)} {'were' if len(rows) != 1 else 'was'} {done}"
        chosen = asked.chosen(rows)
        try:
            kept = take(chosen)
        except AisAppError as error:
            self.failed.emit(str(error))
            return
        if not kept:
            self.told.emit(f"{count}, and nothing was kept: all of them were {why}")
            return
        self._note(asked, *note)
        said = [count, *(more or [])]
        if kept < len(rows):
            said.append(f"{len(rows) - kept:,} of them got nothing, as they were {why}")
        if self._session.project.read_only:
            said.append("shown, and not kept, as the project is open read-only")
        if not asked.is_shown:
            said.append(f"the result is in “{name_of(self._session.project, chosen)}”")
        if len(said) > 1 or more is not None:
            self.told.emit("; ".join(said))

    def _note(self, asked: Asked, title: str, done: Worked | None) -> None:
        """Note which particles were worked on, and how, as lines that do it again."""
        if done is None:
            return
        project, whole = self._session.project, asked.chosen(np.arange(len(asked.table)))
        python, shell = done.python(done.arguments["work"]), shell_of(project, whole, done)
        particle_results.note_work(self._session, f"{title} {done.title}", python, shell)
