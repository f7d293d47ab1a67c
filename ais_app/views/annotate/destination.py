"""Where a job writes: to the feature and tomogram it began with, in their project, wherever that is saved by then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ais_app.core.annotation.labels import Edit
from ais_app.core.errors import AisAppError, ProjectProblem
from ais_app.core.jobs import Job
from ais_app.state.commands import annotate
from ais_app.state.commands.annotate import Target
from ais_app.state.labels import LabelStore
from ais_app.state.session import Session


@dataclass(frozen=True)
class Destination:
    """What was painted on when a job began.

    Parameters
    ----------
    session
        Whose project was open.
    project
        Where that project was then; ids mean something in it alone.
    tomogram, feature
        Ids.
    title
        What a person calls it.
    """

    session: Session
    project: Path
    tomogram: int
    feature: int
    title: str

    @classmethod
    def of(cls, session: Session, on: Target) -> Destination:
        """Return where the result of a job belongs that begins now."""
        title = f"{on.feature.name} on {on.tomogram.name}"
        return cls(session, session.project.path, on.tomogram.id, on.feature.id, title)

    @property
    def labels(self) -> LabelStore:
        """The labels as they are now, in the project that is open now.

        Raises
        ------
        ProjectProblem
            Another project is open by now, or the tomogram or the feature has gone.
        """
        session = self.session
        if not (
            session.is_open(self.project)
            and any(entry.id == self.tomogram for entry in session.project.tomograms)
            and any(feature.id == self.feature for feature in session.project.features)
        ):
            raise ProjectProblem(self.title, "is not open any more", "nothing was written: open it and do it again")
        return session.project.labels(self.tomogram, self.feature)

    def interpolation_job(self) -> Job[Edit]:
        """Compute what fills the slices between those that are annotated, also if the project is saved meanwhile."""
        while True:
            labels, project = self.labels, self.session.project
            try:
                return (yield from annotate.interpolation_job(labels))
            except AisAppError:
                if self.session.has_project and self.session.project is project:
                    raise
                # what it read has been closed: it begins again where the project is now
