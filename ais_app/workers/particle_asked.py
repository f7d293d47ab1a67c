"""What a job on particles was asked about, and whether that is still what is open: jobs end when they end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.jobs import JobCancelled
from ais_app.core.tomogram import Tomogram
from ais_app.state.chosen_particles import Chosen
from ais_app.state.copying import particles_folder
from ais_app.state.gallery_table import ParticleTable, Source
from ais_app.state.session import Session

CLOSED = "its project was closed: nothing is kept"


@dataclass(frozen=True, eq=False)
class Asked:
    """What a job was asked about. Any thread may ask.

    Parameters
    ----------
    session
        In which it began.
    project
        Where the project was then.
    source
        Whose particles.
    table
        They, as they were.
    """

    session: Session
    project: Path
    source: Source
    table: ParticleTable

    @classmethod
    def now(cls, session: Session) -> Asked:
        """Return what is shown in the gallery.

        Raises
        ------
        ParameterProblem
            Nothing is.
        """
        gallery = session.gallery
        if gallery.source is None:
            raise ParameterProblem("particles", "there is none to work on", "choose a set of picks, or open a stack")
        return cls(session, session.project.path, gallery.source, gallery.table)

    @property
    def is_open(self) -> bool:
        """Whether the project is open, wherever it was saved since."""
        return self.session.is_open(self.project)

    @property
    def is_shown(self) -> bool:
        """Whether the gallery shows what was asked about."""
        return self.is_open and self.session.gallery.source == self.source

    def chosen(self, rows: np.ndarray) -> Chosen:
        """Return some of the particles, as they were."""
        return Chosen(self.source, self.table, rows)

    def folder(self) -> Path | None:
        """Return that of the project's particles; ``None`` where it is not open, or may not be changed."""
        if not self.is_open:
            return None
        project = self.session.project
        is_it = self.is_open  # still: the window may open another one at any moment
        return particles_folder(project.path) if is_it and not project.read_only else None

    def volume(self, tomogram: int) -> Tomogram:
        """Return a tomogram of the project; another one may have the same number elsewhere.

        Raises
        ------
        JobCancelled
            The project is not open any more.
        """
        try:
            volume = self.session.volume(tomogram) if self.is_open else None
        except AisAppError:  # it may have been closed just now
            if self.is_open:
                raise
            volume = None
        if volume is None or not self.is_open:
            raise JobCancelled(CLOSED)
        return volume
