"""One job as a row: title, how far, what it does now, time left, pause and stop, its log behind a fold."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout
from superqt import QElidingLabel

from ais_app.views.widgets.fold import Fold
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.text import Details, WrappedText
from ais_app.workers.job_runner import JobHandle, JobRunner

STEPS = 1000  # of a progress bar
WORDS = {
    "running": "running", "paused": "paused", "stopping": "stopping…", "done": "done", "failed": "failed",
    "cancelled": "stopped",
}  # fmt: skip


class JobButtons:
    """Pause and stop for one job, or for none; the place they take stays the same."""

    def __init__(self) -> None:
        self.pause = IconButton()
        self.stop = IconButton("mdi6.stop", "Stop; what is worth keeping is kept", "Stop")
        self._job: JobHandle | None = None
        self.pause.clicked.connect(self._pause)
        self.stop.clicked.connect(self._stop)
        for button in (self.pause, self.stop):
            policy = button.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            button.setSizePolicy(policy)
        self.show(None)

    def show(self, job: JobHandle | None) -> None:
        """Show the buttons of a job."""
        self._job = job
        paused = job is not None and job.state == "paused"
        self.pause.set_icon("mdi6.play" if paused else "mdi6.pause")
        self.pause.setToolTip("Go on" if paused else "Pause at the next step")
        self.pause.setAccessibleName("Go on" if paused else "Pause")
        self.pause.setVisible(job is not None and job.state in {"running", "paused"})
        self.stop.setVisible(job is not None and job.is_active)
        self.stop.setEnabled(job is not None and job.state != "stopping")

    def _pause(self) -> None:
        if self._job is not None:
            (self._job.resume if self._job.state == "paused" else self._job.pause)()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.stop()


class JobRow(QFrame):
    """A job in the panel of jobs."""

    def __init__(self, job: JobHandle, runner: JobRunner) -> None:
        super().__init__()
        self.job = job
        self.setProperty("role", "card")
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 8, 8)
        column.setSpacing(4)
        self.title = QElidingLabel(job.title)
        self.title.setToolTip(job.title)
        self.state = QLabel()
        self.state.setProperty("role", "hint")
        self.buttons = JobButtons()
        self.forget = IconButton("mdi6.close", "Take it off the list")
        self.forget.clicked.connect(lambda: runner.forget(job))
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.title, 1)
        for widget in (self.state, self.buttons.pause, self.buttons.stop, self.forget):
            top.addWidget(widget)
        column.addLayout(top)
        self.bar = progress_bar()
        column.addWidget(self.bar)
        self.message = WrappedText()
        column.addWidget(self.message)
        self.log = Details(height=160)
        self.fold = Fold("Log", self.log)
        column.addWidget(self.fold)
        self.refresh()

    def refresh(self) -> None:
        """Show how the job stands."""
        job = self.job
        self.state.setText(f"{percent_words(job)}  {time_words(job)}" if job.is_active else WORDS[job.state])
        show_progress(self.bar, job)
        self.bar.setVisible(job.is_active)
        self.buttons.show(job if job.is_active else None)
        for button in (self.buttons.pause, self.buttons.stop):
            button.setVisible(button.isVisibleTo(self) and job.is_active)
        self.forget.setVisible(not job.is_active)
        failed = job.state == "failed"
        message = str(job.error) if failed else job.why or job.progress.message
        if message != self.message.text():
            self.message.set_text(message)
        self.message.setProperty("kind", "error" if failed else "")
        lines = "\n".join(job.lines) + (f"\n\n{job.details}" if job.details else "")
        if self.fold.is_open and lines != self.log.toPlainText():
            self._append(lines)
        elif not self.fold.is_open:
            self.log.setPlainText(lines)

    def _append(self, lines: str) -> None:
        """Show new lines; keep the end in view unless a person has scrolled away from it."""
        bar = self.log.verticalScrollBar()
        at_end = bar is None or bar.value() >= bar.maximum() - 2
        place = bar.value() if bar is not None else 0
        self.log.setPlainText(lines)
        if bar is not None:
            bar.setValue(bar.maximum() if at_end else place)


def progress_bar() -> QProgressBar:
    """Return a thin progress bar without a text of its own."""
    bar = QProgressBar()
    bar.setTextVisible(False)
    bar.setFixedHeight(6)
    bar.setAccessibleName("Progress")
    bar.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return bar


def show_progress(bar: QProgressBar, job: JobHandle) -> None:
    """Show how far a job is; a bar that moves to and fro where that cannot be told."""
    total = job.progress.total
    known = bool(total) or not job.is_active
    bar.setRange(0, STEPS if known else 0)
    if known:
        bar.setValue(int(STEPS * job.progress.done / total) if total else 0)


def percent_words(job: JobHandle) -> str:
    """Return ``34 %``, or nothing where that cannot be told."""
    total = job.progress.total
    return f"{100 * job.progress.done / total:.0f} %" if total else ""


def time_words(job: JobHandle) -> str:
    """Return ``02:10 left``, or the state where a job does not run."""
    if job.state != "running":
        return WORDS[job.state]
    left = job.seconds_left
    return "" if left is None else f"{clock(left)} left"


def clock(seconds: float) -> str:
    """Return ``02:10`` or ``1:02:10``."""
    whole = max(round(seconds), 0)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
