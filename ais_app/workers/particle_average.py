"""The newest average of what the gallery shows; it is found again when that is chosen again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.core.jobs import Progress
from ais_app.state.copying import particles_folder
from ais_app.state.gallery_groups import rows_of
from ais_app.state.gallery_table import ParticleTable, Source
from ais_app.state.session import Session
from ais_app.workers.job_runner import JobRunner
from ais_app.workers.particle_lines import file_name

if TYPE_CHECKING:
    from ais_app.operations.particle_work_results import AverageShown


@dataclass(frozen=True, eq=False)
class _Made:
    """An average, and the pick set and pick of each particle in it, (k,)."""

    found: AverageShown
    sets: np.ndarray
    ids: np.ndarray


class NewestAverage(QObject):
    """Follows the gallery, and knows the newest average of each choice of particles.

    Parameters
    ----------
    session
        Whose gallery.
    jobs
        Read what is kept beside the project.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(object)  # Exception: it could not be read

    def __init__(self, session: Session, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._source: Source | None = None
        self._shown: _Made | None = None
        self._made: dict[Source, _Made] = {}  # since the project was opened: it may be open read-only
        session.gallery.changed.connect(self._follow)
        session.events.opened.connect(self._forget)

    @property
    def found(self) -> AverageShown | None:
        """The average that is shown; ``None`` where there is none of what the gallery shows."""
        return None if self._shown is None else self._shown.found

    @property
    def rows(self) -> np.ndarray:
        """(k,) rows of the gallery of what went into it, −1 for what is gone since."""
        if self._shown is None:
            return np.zeros(0, dtype=np.int64)
        return rows_of(self._session.gallery.table, self._shown.sets, self._shown.ids)

    def take(self, source: Source, table: ParticleTable, found: AverageShown) -> None:
        """Take an average of rows of a table: shown at once, or when the gallery shows its source again."""
        self._made[source] = made = _Made(found, table.sets[found.rows], table.ids[found.rows])
        if source == self._session.gallery.source:
            self._show(made)

    def _show(self, made: _Made | None) -> None:
        self._shown = made
        self.changed.emit()

    def _forget(self) -> None:
        self._made.clear()

    def _follow(self) -> None:
        """Show what is known of another source."""
        source = self._session.gallery.source
        if source == self._source:
            return
        self._source = source
        self._show(None)
        if source is None or not self._session.has_project:
            return
        if source in self._made:
            self._show(self._made[source])
        else:
            self._read(source)

    def _read(self, source: Source) -> None:
        folder, table = particles_folder(self._session.project.path), self._session.gallery.table
        path = folder / f"{file_name(source)}_average.npz"

        def read() -> Any:
            from ais_app.operations.particle_work_results import kept_average

            yield Progress(0, 1, "reading the average")
            return kept_average(path, table)

        def take(found: AverageShown | None) -> None:
            gallery = self._session.gallery
            same = gallery.source == source and gallery.table.same_particles(table)
            if self._shown is None and same and found is not None:
                self._show(_Made(found, table.sets[found.rows], table.ids[found.rows]))

        if path.is_file():
            self._jobs.start(f"Read {path.name}", read, on_result=take, on_error=self.failed.emit, quiet=True)
