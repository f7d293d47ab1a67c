"""Run jobs off the main thread: each on a thread of its own, with progress, pause, stop and a log.

    handle = runner.start("Segment TS_01", lambda: segment_job(...), on_result=show)

Signals of a handle arrive on the thread that made it: the main thread. Nothing is left running when the program
ends: `JobRunner.shutdown` stops every job and waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QCoreApplication, QEvent, QObject, pyqtSignal, pyqtSlot

from ais_app.core.errors import AisAppError
from ais_app.core.jobs import Job, JobCancelled, Progress, run

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.05
MOST_LOG_LINES = 500


class JobHandle(QObject):
    """One job, from its start to its end.

    Attributes
    ----------
    title
        What it is, in words.
    state
        ``"running"``, ``"paused"``, ``"stopping"``, ``"done"``, ``"failed"`` or ``"cancelled"``.
    progress
        The newest `Progress`.
    error
        What made it fail.
    lines
        What it said, with times.
    quiet
        Nobody asked for it: it is shown nowhere, unless it fails.
    why
        Why nothing came of it, in words; empty where a person knows.
    """

    progressed = pyqtSignal(object)  # Progress
    finished = pyqtSignal(object)  # result
    failed = pyqtSignal(object)  # Exception
    cancelled = pyqtSignal()
    changed = pyqtSignal()  # its state
    _told = pyqtSignal(str, object)

    def __init__(self, title: str, make_job: Callable[[], Job[Any]], parent: QObject, quiet: bool = False) -> None:
        super().__init__(parent)
        self.title, self.quiet, self.why = title, quiet, ""
        self.state = "running"
        self.progress = Progress(0, 0)
        self.error: Exception | None = None
        self.details = ""
        self.lines: list[str] = []
        self.started = time.monotonic()
        self.ended_after: float | None = None  # seconds
        self._measured = self.started, 0.0  # when its progress could first be told, and how far it was
        self._make_job = make_job
        self._stop, self._pause = threading.Event(), threading.Event()
        self._told.connect(self._hear)
        self._thread = threading.Thread(target=self._run, name=title)

    @property
    def is_active(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in {"running", "paused", "stopping"}

    @property
    def seconds(self) -> float:
        """How long it has been running, or ran."""
        return time.monotonic() - self.started if self.ended_after is None else self.ended_after

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the progress since it could be told; ``None`` when it cannot be told."""
        began, first = self._measured
        gained, passed = self.progress.done - first, time.monotonic() - began
        known = self.progress.total > 0 and gained > 0.01 * self.progress.total and passed > 1
        return passed / gained * (self.progress.total - self.progress.done) if known else None

    def explain(self, why: str) -> None:
        """Say why nothing comes of it, where it is listed."""
        self.why = why
        self._note(why)

    def stop(self) -> None:
        """Ask the job to stop at its next step; it may still give a result, such as the best weights so far."""
        if self.is_active:
            self._stop.set()
            self._pause.clear()
            self._become("stopping")

    def pause(self) -> None:
        """Halt the job at its next step."""
        if self.state == "running":
            self._pause.set()
            self._become("paused")

    def resume(self) -> None:
        """Let a paused job go on."""
        if self.state == "paused":
            self._pause.clear()
            self._become("running")

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the thread to end; return whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def _run(self) -> None:
        try:
            result = run(self._make_job(), lambda step: self._told.emit("progress", step), self._stopping)
        except JobCancelled as stopped:
            self._told.emit("cancelled", str(stopped))
        except Exception as error:  # noqa: BLE001 - whatever ends a job is shown to the person, with its traceback
            self.details = traceback.format_exc()
            self._told.emit("failed", error)
        else:
            self._told.emit("finished", result)

    def _stopping(self) -> bool:
        while self._pause.is_set() and not self._stop.is_set():
            time.sleep(PAUSE_SECONDS)
        return self._stop.is_set()

    @pyqtSlot(str, object)  # without it Qt would post to a go-between, which cannot be asked for what is posted
    def _hear(self, what: str, value: Any) -> None:
        """Take in, on the main thread, what the job's thread has said."""
        if what == "progress":
            self._note(value.message)
            if value.total != self.progress.total or value.done < self.progress.done:
                # what a stopped training had done already took none of this job's time
                self._measured = time.monotonic(), value.done
            self.progress = value
            self.progressed.emit(value)
        elif what == "finished":
            self._become("done")
            self.finished.emit(value)
        elif what == "failed":
            self.error = value
            self._note(str(value))
            if not isinstance(value, AisAppError):
                log.error("%s failed\n%s", self.title, self.details)
            self._become("failed")
            self.failed.emit(value)
        else:
            self.why = value or self.why
            self._become("cancelled")
            self.cancelled.emit()

    def _become(self, state: str) -> None:
        self.state = state
        if not self.is_active:
            self.ended_after = time.monotonic() - self.started
        self._note(state)
        self.changed.emit()

    def _note(self, message: str) -> None:
        if message and not (self.lines and self.lines[-1].endswith(f"  {message}")):
            self.lines.append(f"{time.monotonic() - self.started:8.1f} s  {message}")
            del self.lines[:-MOST_LOG_LINES]


class JobRunner(QObject):
    """Starts jobs and knows those that run."""

    started = pyqtSignal(object)  # JobHandle
    ended = pyqtSignal(object)  # JobHandle
    changed = pyqtSignal()  # any state or progress

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.handles: list[JobHandle] = []

    @property
    def active(self) -> list[JobHandle]:
        """The jobs that have not ended, oldest first; without the quiet ones."""
        return [handle for handle in self.handles if handle.is_active and not handle.quiet]

    @property
    def listed(self) -> list[JobHandle]:
        """The jobs that a person is shown, oldest first: all but the quiet ones that did not fail."""
        return [handle for handle in self.handles if not handle.quiet or handle.state == "failed"]

    def start(
        self,
        title: str,
        make_job: Callable[[], Job[Any]],
        *,
        on_result: Callable[[Any], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
        quiet: bool = False,
    ) -> JobHandle:
        """Start a job.

        Parameters
        ----------
        title
            What it is, in words.
        make_job
            Makes the generator; called on the job's thread, so that what it imports does not halt the window.
        on_result, on_progress, on_error
            Called on the main thread.
        quiet
            It is something that nobody asked for, such as a list that is filled: no row, no pause, no question when
            the window is closed.
        """
        handle = JobHandle(title, make_job, self, quiet)
        self.handles.append(handle)
        for signal, callback in (
            (handle.finished, on_result),
            (handle.progressed, on_progress),
            (handle.failed, on_error),
        ):
            if callback is not None:
                signal.connect(callback)
        handle.progressed.connect(lambda _: self.changed.emit())
        handle.changed.connect(lambda: self._changed(handle))
        handle.begin()
        self.started.emit(handle)
        self.changed.emit()
        return handle

    def forget(self, handle: JobHandle) -> None:
        """Take an ended job off the list."""
        if not handle.is_active and handle in self.handles:
            self.handles.remove(handle)
            handle.deleteLater()
            self.changed.emit()

    def shutdown(self) -> None:
        """Stop every job, wait until their threads have ended, and hear what they said last.

        A training that is stopped gives its best weights, and those must be noted before the project is closed.
        """
        for handle in self.handles:
            handle.stop()
        for handle in list(self.handles):
            handle.wait()
            QCoreApplication.sendPostedEvents(handle, QEvent.Type.MetaCall)

    def _changed(self, handle: JobHandle) -> None:
        self.changed.emit()
        if not handle.is_active:
            self.ended.emit(handle)
