"""The export queue of the open project: the window adds to it, one worker thread runs it, other processes may too."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from ais_app.core.errors import AisAppError
from ais_app.state.session import Session
from ais_app.workers.job_runner import JobHandle, JobRunner

if TYPE_CHECKING:
    from ais_app.batch.queue import Queue
    from ais_app.batch.records import Item, Summary, Task

log = logging.getLogger(__name__)

POLL_MS = 400  # how often it is looked whether the queue has changed; one number is read


class Exports(QObject):
    """Follows the queue beside the open project."""

    changed = pyqtSignal()  # items or their states
    problem = pyqtSignal(str)

    def __init__(self, session: Session, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._queue: Queue | None = None
        self._version: int | None = None
        self._handle: JobHandle | None = None
        self._worked_on: Queue | None = None  # by that job
        self._next: Queue | None = None  # to be worked on when that job has ended
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._look)
        session.events.opened.connect(self._opened)
        session.events.moved.connect(self._moved)

    @property
    def items(self) -> list[Item]:
        """The items of the queue in order; empty where there is none."""
        return [] if self._queue is None else self._queue.items()

    @property
    def queue(self) -> Queue | None:
        """The queue; ``None`` before anything was added."""
        return self._queue

    @property
    def running(self) -> bool:
        """Whether this window works on the queue."""
        return self._handle is not None and self._handle.is_active

    @property
    def unfinished(self) -> int:
        """How many items are still to be done."""
        return sum(item.state in ("waiting", "running") for item in self.items)

    def add(self, tasks: Sequence[Task]) -> None:
        """Put tasks into the queue and start working.

        Raises
        ------
        FileProblem
            The folder of the project cannot be written.
        """
        self._open(create=True)
        assert self._queue is not None  # made, or it raised
        self._queue.add_all(tasks)
        self.start()

    def start(self) -> None:
        """Work on the queue, in a thread of its own; once what is stopping, or works for another project, has ended."""
        queue = self._queue
        if queue is None:
            return
        queue.resume()
        if not self.running:
            self._begin(queue)
        elif self._handle is not None and (self._worked_on is not queue or self._handle.state == "stopping"):
            self._next = queue
        self._look(force=True)

    def pause(self) -> None:
        """Let the queue rest after the step that is running."""
        if self._queue is not None:
            self._queue.pause()
            self._look(force=True)

    def cancel(self, ids: Sequence[int]) -> None:
        """Take items out of the work; a running one stops at its next step."""
        self._change(lambda queue: queue.cancel(*ids))

    def retry(self, ids: Sequence[int]) -> None:
        """Do items again that failed or were cancelled."""
        self._change(lambda queue: queue.retry(*ids))
        self.start()

    def clear(self) -> None:
        """Take what has ended off the list; files stay."""
        self._change(lambda queue: queue.clear_finished())

    def close(self) -> None:
        """Close the file; a worker has opened it for itself, and nothing begins after it."""
        self._timer.stop()
        if self._queue is not None:
            self._queue.close()
            self._queue = None

    def _begin(self, queue: Queue) -> None:
        self._worked_on, self._next = queue, None
        self._handle = self._jobs.start(
            "Export",
            lambda: _work(queue),
            on_result=lambda summary: self._worked(queue, summary),
            on_error=self._failed,
        )
        self._handle.changed.connect(self._changed)

    def _changed(self) -> None:
        queue = self._next
        if queue is not None and queue is self._queue and not self.running and not queue.paused:
            self._begin(queue)
        self.changed.emit()

    def _opened(self) -> None:
        if self.running and self._handle is not None:
            self._handle.stop()
        self.close()
        self._version = None
        if self._session.has_project:
            self._attempt(lambda: self._open(create=False))
        self.changed.emit()

    def _moved(self, before: Path, now: Path) -> None:
        """Take the queue along to where the project is saved; what this window was doing goes on there."""
        if self._queue is None:
            return
        mine = self.running and self._queue in (self._worked_on, self._next)  # not that of a project before
        old, handle = self._queue.path, self._handle if mine else None
        self.close()
        self._attempt(lambda: self._open_copy(old, now))
        copied = self._queue
        if copied is None:  # it was said why
            return

        def remove() -> None:
            if not before.exists() and (handle is None or not handle.is_active):  # that of any other project stays
                try:
                    old.unlink(missing_ok=True)
                except OSError as error:  # Windows keeps a file that somebody reads
                    log.warning("%s: the queue of a draft could not be removed (%s); it may be", old, error.strerror)

        remove()
        if handle is not None:
            handle.changed.connect(remove)
            handle.stop()
            self._next = copied  # only then: two workers would write the same files

    def _open_copy(self, old: Path, project: Path) -> None:
        from ais_app.batch.copying import copy_queue
        from ais_app.batch.queue import queue_path

        copy_queue(old, queue_path(project))
        self._open(create=False)

    def _open(self, create: bool) -> None:
        from ais_app.batch.queue import Queue, queue_path

        if self._queue is not None:
            return
        path = queue_path(self._session.project.path)
        if create or path.exists():
            self._queue = Queue.open(path, create=create)
            self._timer.start()
            self._look(force=True)

    def _look(self, force: bool = False) -> None:
        """Tell when the queue has changed, whoever changed it."""
        if self._queue is None:
            return
        queue = self._queue

        def look() -> None:
            version = queue.version()
            if force or version != self._version:
                self._version = version
                self.changed.emit()

        self._attempt(look)

    def _change(self, change: Any) -> None:
        if self._queue is not None:
            change(self._queue)
            self._look(force=True)

    def _attempt(self, action: Any) -> None:
        try:
            action()
        except AisAppError as error:
            self._timer.stop()
            self.problem.emit(str(error))

    def _worked(self, queue: Queue, summary: Summary) -> None:
        """Work on when something was added just as the worker found nothing left."""
        if queue is not self._queue or queue.paused or summary.stopped:
            return
        if any(item.state == "waiting" for item in queue.items()):
            self.start()

    def _failed(self, error: Exception) -> None:
        self.problem.emit(str(error))


def _work(queue: Queue) -> Any:
    from ais_app.batch.work import work_job

    return work_job(queue, worker_name="window")
