"""The panel of jobs: all that run and all that ended, above the left end of the status line."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer
from PyQt6.QtWidgets import QFrame, QScrollArea, QToolButton, QVBoxLayout, QWidget

from ais_app.views.shell.job_row import JobRow
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.panel import heading, hint
from ais_app.workers.job_runner import JobHandle, JobRunner

WIDTH, HEIGHT, MARGIN, BELOW = 460, 420, 8, 42  # px; below lies the status line
REFRESH_MS = 200


class JobsPanel(QFrame):
    """Every job with its progress, its log and its error.

    Parameters
    ----------
    runner
        Whose jobs.
    parent
        What it lies over.
    """

    def __init__(self, runner: JobRunner, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "overlay")
        self.setObjectName("JobsPanel")
        self.setAccessibleName("Jobs")
        self._runner = runner
        self.rows: dict[JobHandle, JobRow] = {}
        self._clear = QToolButton()
        self._close = IconButton("mdi6.close", "Close this panel; the jobs go on", "Close")
        self._clear.setText("Clear")
        self._clear.setToolTip("Take all that has ended off the list")
        self._clear.clicked.connect(self.clear)
        self._close.clicked.connect(self.hide)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 8, 8)
        column.addWidget(heading("Jobs", self._clear, self._close))
        self._nothing = hint("Nothing runs. What takes longer than a moment appears here, with its log.")
        column.addWidget(self._nothing)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 4, 0)
        self._column.setSpacing(8)
        self._column.addStretch(1)
        scroll.setWidget(inside)
        column.addWidget(scroll, 1)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(REFRESH_MS)
        self._soon.timeout.connect(self.refresh)
        runner.changed.connect(self._later)
        parent.installEventFilter(self)
        self.refresh()
        self.hide()

    def toggle(self) -> None:
        """Show it, or hide it."""
        if self.isVisible():
            self.hide()
            return
        self.refresh()
        self.place()
        self.show()
        self.raise_()

    def clear(self) -> None:
        """Take all that has ended off the list."""
        for job in [job for job in self._runner.listed if not job.is_active]:
            self._runner.forget(job)
        self.refresh()

    def refresh(self) -> None:
        """Show how the jobs stand, the newest first."""
        jobs = list(reversed(self._runner.listed))
        for job in [job for job in self.rows if job not in jobs]:
            row = self.rows.pop(job)
            self._column.removeWidget(row)
            row.deleteLater()
        for place, job in enumerate(jobs):
            if job not in self.rows:
                self.rows[job] = JobRow(job, self._runner)
                self._column.insertWidget(place, self.rows[job])
            else:
                self.rows[job].refresh()
        self._nothing.setVisible(not jobs)
        self._clear.setEnabled(any(not job.is_active for job in jobs))

    def place(self) -> None:
        """Move to the corner."""
        parent = self.parentWidget()
        if parent is not None:
            height = min(HEIGHT, parent.height() - MARGIN - BELOW)
            self.setGeometry(MARGIN, parent.height() - height - BELOW, WIDTH, height)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Stay in the corner."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self.place()
        return False

    def _later(self) -> None:
        if self.isVisible() and not self._soon.isActive():
            self._soon.start()
