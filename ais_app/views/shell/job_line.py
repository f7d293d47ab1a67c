"""The newest job in the status line; a click shows all of them."""

from __future__ import annotations

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QWidget
from superqt import QElidingLabel

from ais_app.views.shell.job_row import JobButtons, percent_words, progress_bar, show_progress, time_words
from ais_app.views.widgets.fields import repolish
from ais_app.workers.job_runner import JobHandle, JobRunner

TITLE, BAR, PERCENT, LEFT = 150, 90, 40, 82  # px
REFRESH_MS = 100
CLOCK_MS = 1000
SHORT = 0.4  # seconds: what is done sooner would only flicker


class JobLine(QWidget):
    """Title, bar, percent, message, time left, pause, stop: each in a place that does not move."""

    clicked = pyqtSignal()

    def __init__(self, runner: JobRunner) -> None:
        super().__init__()
        self._runner = runner
        self.setObjectName("JobLine")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip("Show all jobs")
        self.setAccessibleName("Jobs")
        self.title, self.message = QElidingLabel(), QElidingLabel()
        self.percent, self.left = QLabel(), QLabel()
        self.bar = progress_bar()
        self.buttons = JobButtons()
        self.title.setFixedWidth(TITLE)
        self.bar.setFixedWidth(BAR)
        self.percent.setFixedWidth(PERCENT)
        self.left.setFixedWidth(LEFT)
        self.percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.message.setProperty("role", "hint")
        self.left.setProperty("role", "hint")
        self._keep_places()
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.title, self.bar, self.percent, self.left, self.buttons.pause, self.buttons.stop):
            row.addWidget(widget)
        row.addWidget(self.message, 1)
        self._soon, self._clock = QTimer(self), QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(REFRESH_MS)
        self._soon.timeout.connect(self.refresh)
        self._clock.setInterval(CLOCK_MS)
        self._clock.timeout.connect(self.refresh)
        runner.changed.connect(self._later)
        self.refresh()

    @property
    def job(self) -> JobHandle | None:
        """The newest job that runs; else the newest of all. One that has just begun, or was soon done, is left out."""
        active = self._active
        known = active or [job for job in self._runner.listed if not job.is_active and _is_worth_showing(job)]
        return known[-1] if known else None

    @property
    def _active(self) -> list[JobHandle]:
        return [job for job in self._runner.active if _is_worth_showing(job)]

    def refresh(self) -> None:
        """Show how the job stands."""
        job = self.job
        others = len(self._active) - 1
        active = job is not None and job.is_active
        title = "No jobs" if job is None else job.title + (f"  (+{others})" if others > 0 else "")
        self.title.setText(title)
        role = "" if active else "hint"
        if self.title.property("role") != role:
            self.title.setProperty("role", role)
            repolish(self.title)
        self.bar.setVisible(active)
        self.percent.setText(percent_words(job) if job is not None and active else "")
        self.left.setText(time_words(job) if job is not None else "")
        self.message.setText(_message(job))
        self.buttons.show(job)
        if job is not None:
            show_progress(self.bar, job)
        (self._clock.start if active else self._clock.stop)()
        if len(self._active) < len(self._runner.active):
            self._later()  # look again at what has just begun

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Show all jobs."""
        self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Show all jobs with the keys that press a button."""
        if event is not None and event.key() in {Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.clicked.emit()
        elif event is not None:
            event.ignore()

    def _keep_places(self) -> None:
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(policy)

    def _later(self) -> None:
        if not self._soon.isActive():
            self._soon.start()


def _is_worth_showing(job: JobHandle) -> bool:
    return job.seconds >= SHORT or job.state in ("paused", "failed")


def _message(job: JobHandle | None) -> str:
    if job is None:
        return ""
    return str(job.error) if job.state == "failed" else job.progress.message
