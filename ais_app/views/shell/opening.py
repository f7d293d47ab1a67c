"""Opening what a person gives: each file goes where it belongs; what cannot be opened is said, the rest is opened.

    files ─► a tab that takes them (networks, segmentations)
         ├─► coordinates: shown on the tomogram in view before they are taken
         └─► project, session of Ais, volume, folder of volumes

Many volumes are added a few at a time between events, so that the window answers meanwhile.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtWidgets import QDialog

from ais_app.core.errors import AisAppError, DataWarning, FileProblem
from ais_app.state.commands import projects, tomograms
from ais_app.views.shell.file_kinds import has_coordinates, has_volume_suffix

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow

AT_ONCE = 8  # files that are opened before the next event


class Opener(QObject):
    """Opens files in a window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._waiting: deque[Path] = deque()
        self._total = 0
        self._show_next = True
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._more)

    @property
    def busy(self) -> bool:
        """Whether files wait."""
        return bool(self._waiting)

    def open(self, paths: Sequence[Path]) -> None:
        """Open files, each where it belongs; of several volumes the first is shown."""
        self._show_next = True
        for path in paths:
            if not self._taken(path):
                self._waiting.extend(self._expanded(path))
        self._total = len(self._waiting)
        for _ in range(min(AT_ONCE, self._total)):
            self._open_next()
        if self._waiting:
            self._timer.start()

    def stop(self) -> None:
        """Forget what waits, and close what is shown first: its threads must end before the program can."""
        self._timer.stop()
        self._waiting.clear()
        for dialog in self._window.findChildren(QDialog):
            if dialog.objectName() in ("CoordinatesIn", "CoordinatesOut"):
                dialog.reject()

    def _more(self) -> None:
        if self._waiting:
            self._open_next()
        if not self._waiting:
            self._timer.stop()
            self._window.workbench.notify(f"{self._total} files were opened")

    def _open_next(self) -> None:
        path = self._waiting.popleft()
        workbench = self._window.workbench
        session = workbench.session
        if session.has_project and _same(path, session.project.path):
            workbench.notify(f"{path.name} is open already")
            return
        # a project that can only be read, a file that has changed: odd, but opened
        with warnings.catch_warnings(record=True) as odd:
            warnings.simplefilter("always", DataWarning)
            problem = self._problem_of(path)
        for warning in odd:
            if issubclass(warning.category, DataWarning):
                workbench.notify(str(warning.message), "warning")
        if problem is None:
            self._show_next = False
            workbench.settings.note_recent(path)
        else:
            workbench.notify(str(problem), "error")

    def _problem_of(self, path: Path) -> AisAppError | None:
        """Open a file; return why it could not be opened."""
        workbench = self._window.workbench
        try:
            if path.suffix in projects.SUFFIXES or not workbench.session.has_project:
                problems = projects.open_files(workbench.session, [path], workbench.drafts)
                return problems[0] if problems else None
            tomograms.add(workbench.session, path, show_it=self._show_next)
        except AisAppError as error:
            return error
        except OSError as error:
            return FileProblem(path, f"cannot be read ({error.strerror or error})", "see who may read it")
        return None

    def _taken(self, path: Path) -> bool:
        """Offer a file to the tabs; return whether one of them took it, or said what is wrong with it."""
        try:
            return any(tab.take_file(path) for tab in self._window.tabs) or self._shown_first(path)
        except AisAppError as error:
            self._window.workbench.notify(str(error), "error")
            return True

    def _shown_first(self, path: Path) -> bool:
        """Show where the particles of a coordinate file lie; return whether it is one."""
        if not has_coordinates(path):
            return False
        workbench = self._window.workbench
        if workbench.session.tomogram is None:
            raise FileProblem(path, "holds coordinates, and no tomogram is open", "open the tomogram first, then this")
        from ais_app.views.dialogs.coordinates_in import CoordinatesIn  # pandas, below it, takes a second to import

        CoordinatesIn(self._window, workbench, path).open()
        return True

    def _expanded(self, path: Path) -> list[Path]:
        """Return the volumes of a folder that is no volume itself; any other path as it is."""
        if not path.is_dir() or has_volume_suffix(path):
            return [path]
        try:
            inside = sorted(each for each in path.iterdir() if has_volume_suffix(each))
        except OSError as error:
            self._window.workbench.notify(f"{path}: cannot be read ({error.strerror}); see who may read it", "error")
            return []
        if not inside:
            known = "a tomogram, an OME-Zarr folder (.zarr) or a folder of tomograms"
            self._window.workbench.notify(f"{path}: holds no volume that can be read; open {known}", "error")
        return inside


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
