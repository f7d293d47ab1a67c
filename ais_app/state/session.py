"""The session: the project a person has open, what is in view, and what was done. No Qt.

session = Session(Project.open("P.aisproj"))
session.events.features.connect(refresh)       # stays connected when another project is opened
commands.features.add(session, "membrane")
"""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal, SignalGroup

from ais_app.core.errors import ProjectProblem
from ais_app.core.tomogram import Tomogram
from ais_app.state.events import ProjectEvents
from ais_app.state.gallery import Gallery
from ais_app.state.log import CommandLog
from ais_app.state.project import Project
from ais_app.state.records import Feature, TomogramEntry
from ais_app.state.remembered import Remembered
from ais_app.state.view_state import ViewState

MOST_OPEN = 8  # volumes: each is an open file, and a packed one lies unpacked on the disk


class SessionEvents(ProjectEvents):
    """The events of whichever project is open, and those of the session itself."""

    opened = Signal()  # another project is open now, or none
    moved = Signal(Path, Path)  # the same project goes on at another place: where it was, where it is


class Session:
    """What a person has open.

    Parameters
    ----------
    project
        An open project; the session closes it.

    Attributes
    ----------
    view
        What is in view.
    log
        The commands of this session, as lines that can be copied.
    remembered
        Where a person was in each tomogram.
    gallery
        The particles that are shown.
    events
        Signals to subscribe to.
    """

    def __init__(self, project: Project | None = None) -> None:
        self.view = ViewState()
        self.log = CommandLog()
        self.events = SessionEvents()
        self._project: Project | None = None
        self._places: list[Path] = []  # where the open project has been since it was opened
        self._volumes: dict[int, Tomogram] = {}
        self.remembered = Remembered(self)
        self.gallery = Gallery(self)
        self.events.tomograms.connect(self._forget_volumes)
        self.events.features.connect(self._leave_removed_feature)
        if project is not None:
            self.open(project)

    @property
    def project(self) -> Project:
        """The open project.

        Raises
        ------
        ProjectProblem
            None is open.
        """
        if self._project is None:
            raise ProjectProblem("project", "none is open", "open one, or drop a tomogram on the window")
        return self._project

    @property
    def has_project(self) -> bool:
        """Whether a project is open."""
        return self._project is not None

    def open(self, project: Project) -> None:
        """Take over an open project in place of the present one, which is closed."""
        self.close()
        self._places = [project.path.resolve()]  # first: other threads ask for both
        self._project = project
        _relay(project.events, self.events)
        entries = project.tomograms
        features = project.features
        self.view.feature = features[0].id if features else None
        self.events.opened.emit()
        self.view.tomogram = entries[0].id if entries else None

    def close(self) -> None:
        """Close the project, if one is open."""
        if self._project is None:
            return
        self.remembered.keep()
        project, self._project = self._project, None
        self._volumes = {}  # a new one: what another thread is opening goes into the old one
        self.view.tomogram = None
        self.view.feature = None
        project.close()
        self.events.opened.emit()

    def save_as(self, path: str | Path) -> None:
        """Go on with the project at another place: what is in view and under way stays as it is.

        A draft is removed, any other file stays. Raises as `Project.save_copy`; nothing has changed then.
        """
        before = self.project
        self.remembered.keep()
        there = Project.open(before.save_copy(path))
        self._project = there  # at once: jobs on other threads ask for volumes meanwhile
        self._places.append(there.path.resolve())
        _relay(there.events, self.events)
        before.leave()
        self.events.moved.emit(before.path, there.path)

    def is_open(self, path: Path) -> bool:
        """Whether the project that was at a place when a job began is the one that is open, saved elsewhere or not."""
        return self._project is not None and path.resolve() in self._places

    def now_at(self, path: Path) -> Path:
        """Return where the project is now that was at a place when a job began; that place, if another one is open.

        Any thread may ask.
        """
        project = self._project
        return project.path if project is not None and path.resolve() in self._places else path

    @property
    def tomogram(self) -> TomogramEntry | None:
        """The tomogram in view."""
        if self._project is None or self.view.tomogram is None:
            return None
        return self._project.tomogram(self.view.tomogram)

    @property
    def feature(self) -> Feature | None:
        """The feature that is annotated."""
        if self._project is None or self.view.feature is None:
            return None
        return self._project.feature(self.view.feature)

    @property
    def title(self) -> str:
        """What the window's title starts with: the project's name, or that of the tomogram in an unnamed project."""
        if self._project is None:
            return ""
        entry = self.tomogram
        return entry.name if self._project.is_draft and entry is not None else self._project.path.stem

    def volume(self, tomogram: int) -> Tomogram:
        """Return an open volume; the last few are kept open. Any thread may ask.

        Raises
        ------
        ProjectProblem
            The file is not found.
        FileProblem
            It cannot be read.
        """
        volumes, project = self._volumes, self.project  # in this order: another project may be opened meanwhile
        volume = volumes.get(tomogram)
        if volume is None:
            volume = volumes[tomogram] = project.open_tomogram(tomogram)
            for older in list(volumes)[:-MOST_OPEN]:
                volumes.pop(older, None)
        return volume

    def forget_volume(self, tomogram: int) -> None:
        """Open a volume anew when it is asked for next: its file was put back."""
        self._volumes.pop(tomogram, None)

    def _forget_volumes(self) -> None:
        """Open volumes anew; bring another one into view when that in view has gone."""
        self._volumes = {}  # as in `close`
        known = [entry.id for entry in self.project.tomograms]
        if self.view.tomogram is not None and self.view.tomogram not in known:
            self.view.tomogram = known[0] if known else None

    def _leave_removed_feature(self) -> None:
        """Choose another feature when the chosen one has gone: an undo took it back."""
        known = [feature.id for feature in self.project.features]
        if self.view.feature is not None and self.view.feature not in known:
            self.view.feature = known[0] if known else None

    def folder(self) -> Path:
        """Return where results go unless a person says otherwise: beside the project, or beside the tomogram."""
        entry = self.tomogram
        if self.project.is_draft and entry is not None:
            return entry.path.parent
        return self.project.folder


def _relay(source: SignalGroup, target: SignalGroup) -> None:
    """Emit every signal of `source` through the one of the same name in `target`."""
    for name in source:
        signal = target[name]
        source[name].connect(lambda *args, _signal=signal: _signal.emit(*args), check_nargs=False)
