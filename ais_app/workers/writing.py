"""Long writes to a project on the main thread, in steps so short that the window goes on answering."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, QTimer

from ais_app.core.errors import AisAppError
from ais_app.state.project import Project
from ais_app.state.steps import Work

STEP_SECONDS = 0.01


class Writing(QObject):
    """Does a piece of the work whenever the event loop has nothing else to do.

    Parameters
    ----------
    parent
        The Qt object it belongs to.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project: Project | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._go_on)

    @property
    def busy(self) -> bool:
        """Whether something is still being written."""
        return self._timer.isActive()

    def begin(
        self, project: Project, work: Work, done: Callable[[], object], failed: Callable[[AisAppError], object]
    ) -> None:
        """Write to a project; see `ais_app.state.steps.Steps.begin`."""
        self._project = project
        project.steps.begin(work, done, failed)
        self._timer.start(0)

    def _go_on(self) -> None:
        assert self._project is not None
        if not self._project.steps.go_on(STEP_SECONDS):
            self._timer.stop()
            self._project = None
