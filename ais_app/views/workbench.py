"""The workbench: what every panel of the window is given, and nothing that can be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.state.commands import projects
from ais_app.state.project import Project
from ais_app.state.session import Session
from ais_app.state.settings import Settings, drafts_folder, load_settings, save_settings
from ais_app.state.steps import Work
from ais_app.workers.exports import Exports
from ais_app.workers.job_runner import JobRunner
from ais_app.workers.preview import Preview
from ais_app.workers.trainings import Trainings
from ais_app.workers.writing import Writing


@dataclass(frozen=True)
class Notification:
    """Something a person should know, without being stopped by it.

    Parameters
    ----------
    text
        One sentence: what, which value, what to do.
    kind
        ``"info"``, ``"warning"`` or ``"error"``.
    details
        What is behind a fold: a traceback, a list of files.
    button, act
        What can be done about it with one click.
    passing
        It goes by itself also where it warns: nothing is lost, and a person can put it right at once.
    """

    text: str
    kind: str = "info"
    details: str = ""
    button: str = ""
    act: Callable[[], object] | None = None
    passing: bool = False


class Workbench(QObject):
    """Session, jobs, settings and messages of one window.

    Parameters
    ----------
    settings_folder
        Where settings are; the person's own when ``None``.
    drafts
        Where projects without a place are; the person's own when ``None``.
    prediction
        How the live prediction is computed.
    """

    notified = pyqtSignal(object)  # Notification

    def __init__(
        self,
        settings_folder: str | Path | None = None,
        drafts: str | Path | None = None,
        prediction: PredictionParams | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings_folder = settings_folder
        self.drafts = Path(drafts) if drafts is not None else drafts_folder()
        self.settings: Settings = load_settings(settings_folder)
        self.session = Session()
        self.jobs = JobRunner(self)
        self.writing = Writing(self)
        self.prediction = prediction
        self.preview = Preview(self.session, prediction, self)
        self.exports = Exports(self.session, self.jobs, self)
        self.trainings = Trainings(self.session, self.jobs, self.preview, self)

    @property
    def project(self) -> Project:
        """The open project; raises `ProjectProblem` where none is open."""
        return self.session.project

    def notify(
        self,
        text: str,
        kind: str = "info",
        details: str = "",
        button: str = "",
        act: Callable[[], object] | None = None,
        passing: bool = False,
    ) -> None:
        """Show a message that does not block."""
        self.notified.emit(Notification(text, kind, details, button, act, passing))

    def refuse(self, error: AisAppError) -> None:
        """Say why something was not begun; what only asks for another value or for patience goes by itself."""
        at_once = isinstance(error, ParameterProblem)
        self.notify(str(error), "warning" if at_once else "error", passing=at_once)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do something that may fail in a way a person can put right; show the reason if so."""
        try:
            action()
        except AisAppError as error:
            self.refuse(error)
            return False
        return True

    def write_in_steps(self, work: Work, done: Callable[[], object] = lambda: None) -> None:
        """Write much to the project, a little at a time; show the reason if it fails, and `done` if not."""
        self.writing.begin(self.project, work, done, lambda error: self.notify(str(error), "error"))

    def open_files(self, paths: Sequence[str | Path]) -> None:
        """Open projects, volumes and sessions of Ais; what cannot be opened is said."""
        problems = projects.open_files(self.session, paths, self.drafts)
        for path in paths:
            self.settings.note_recent(path)
        for problem in problems:
            self.notify(str(problem), "error")

    def save_settings(self) -> None:
        """Write the settings; a folder that cannot be written is said."""
        self.attempt(lambda: save_settings(self.settings, self._settings_folder))

    def close(self) -> None:
        """Stop the jobs, close the project, save the settings."""
        self.exports.close()  # first: what ends would begin what waits for it
        self.jobs.shutdown()
        self.preview.close()
        self.session.close()
        self.save_settings()
