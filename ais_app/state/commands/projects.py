"""Commands about project files: open, new, save under a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ais_app.core.errors import AisAppError
from ais_app.state.commands import tomograms
from ais_app.state.log import command
from ais_app.state.project import Project
from ais_app.state.session import Session

PROJECT_SUFFIX = ".aisproj"
AIS_SESSION_SUFFIX = ".scns"
SUFFIXES = (PROJECT_SUFFIX, AIS_SESSION_SUFFIX)


@command("Open {path}")
def open_project(session: Session, path: str | Path) -> None:
    """Open a project file in place of the present one."""
    session.open(Project.open(path))


@command("New project {path}", shell="ais-app project create {path}")
def new_project(session: Session, path: str | Path) -> None:
    """Make an empty project and open it."""
    session.open(Project.create(path))


def ensure_project(session: Session, drafts: str | Path) -> None:
    """Open a new project in the folder of drafts where none is open; it can be given a place later."""
    if not session.has_project:
        session.open(Project.create_draft(drafts))


@command("Save the project as {path}")
def save_as(session: Session, path: str | Path) -> None:
    """Give the project another place and go on there; a draft goes, any other file stays as it is."""
    session.save_as(path)


def open_files(session: Session, paths: Sequence[str | Path], drafts: str | Path) -> list[AisAppError]:
    """Open whatever is dropped on the window: a project, volumes, sessions of Ais; return what could not be opened."""
    problems: list[AisAppError] = []
    for path in [Path(path) for path in paths]:
        had_project = session.has_project
        try:
            if path.suffix == PROJECT_SUFFIX:
                open_project(session, path)
                continue
            ensure_project(session, drafts)
            if path.suffix == AIS_SESSION_SUFFIX:
                tomograms.show(session, session.project.import_ais(path).id)
            else:
                tomograms.add(session, path)
        except AisAppError as error:
            problems.append(error)
            if not had_project:
                _discard_draft(session)
    return problems


def _discard_draft(session: Session) -> None:
    """Remove a draft that was made for a file which could not be opened."""
    if session.has_project and session.project.is_draft and not session.project.tomograms:
        path = session.project.path
        session.close()
        path.unlink(missing_ok=True)
