"""A worker as a job: claims items, runs their operations one after another, obeys the queue between their steps.

claim ─► already made? ─► operation_job ─► step, look, step, look ... ─► outputs on the disk ─► done
             │                │               └─ cancelled, paused, taken by another, stopped
             └─► skipped      └─► failed, in words; the next item
"""

from __future__ import annotations

import dataclasses
import errno
import logging
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ais_app.batch.matching import already_made, refuse_others
from ais_app.batch.queue import Queue
from ais_app.batch.records import Item, Summary
from ais_app.batch.worker import Worker
from ais_app.core.errors import AisAppError, FileProblem, ParameterProblem
from ais_app.core.files import make_durable, remove_leftovers
from ais_app.core.jobs import Job, JobCancelled, Progress
from ais_app.core.provenance import sidecar
from ais_app.operations.calling import operation_job
from ais_app.operations.per_file import FileResult

IDLE_SECONDS = 0.5  # between two looks of a worker that has nothing to do
HOLD_SECONDS = 0.2

_REMEDIES = {
    errno.ENOSPC: "make room, then retry it",
    errno.EACCES: "see that you may read and write there",
    errno.EROFS: "choose a folder that can be written",
    errno.ENOENT: "check the name",
}
if hasattr(errno, "EDQUOT"):  # not on every system
    _REMEDIES[errno.EDQUOT] = "your quota is used up: make room, then retry it"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _End:
    """How an item ended; `state` is ``""`` for one that is another worker's by now."""

    state: str
    reason: str = ""
    remedy: str = ""
    details: str = ""
    message: str = ""
    outputs: tuple[Path, ...] | None = None


def work_job(
    queue: Queue,
    *,
    limit: int | None = None,
    worker_name: str | None = None,
    stay: bool = False,
    trust_source: bool = False,
) -> Job[Summary]:
    """Run the items of a queue as a job.

    Any number of workers may run at once, in threads, processes and on several machines: no item is run by two. An
    item that fails ends as failed, with reason and remedy in words, and the others go on. Whatever stops this job,
    the item it was running waits again.

    Parameters
    ----------
    queue
        Only its path is used: the job opens the file for itself, on the thread that runs it.
    limit
        End after this many items.
    worker_name
        For a person; by default machine and process.
    stay
        Wait for more when nothing is left to do, until stopped.
    trust_source
        Run architectures that are packed with models, where an item asks for it: only in queues of people you trust.

    Yields
    ------
    Progress
        In items. ``message`` is the title, ``values`` has the ``item``'s id, its ``fraction``, what it is ``doing``
        and its ``state``; without an item ``message`` says why nothing is done.

    Returns
    -------
    Summary
        Also when the job was stopped.

    Raises
    ------
    FileProblem, ProjectProblem
        The queue itself cannot be read or written any more.
    """
    summary = Summary()
    with Worker(queue.path, worker_name) as worker:
        try:
            while limit is None or summary.total < limit:
                item = worker.claim()
                if item is not None:
                    summary = summary.plus((yield from _run(worker, item, summary.total, trust_source)))
                elif (why := worker.awaited()) or stay:
                    yield Progress(summary.total, summary.total + worker.waiting, why or "nothing to do")
                    time.sleep(IDLE_SECONDS)
                else:
                    break
        except JobCancelled:
            return dataclasses.replace(summary, stopped=True)
    return summary


def _run(worker: Worker, item: Item, done: int, trust_source: bool) -> Job[str]:
    """Run one item and return the state it ended in; empty where it is another worker's by now."""
    total = done + 1 + worker.waiting
    running = {"item": item.id, "fraction": 0.0, "doing": "", "state": "running"}
    operation = _Operation(item, trust_source)
    try:
        yield Progress(done, total, item.title, running)
        end = yield from _obeying(worker, operation, done, total)
        if not end.state or not worker.finish(item, **vars(end)):
            return ""
        yield Progress(done + 1, total, item.title, {**running, "fraction": 1.0, "state": end.state})
        return end.state
    finally:
        operation.close()
        worker.give_back(item)  # does nothing where it has ended


def _obeying(worker: Worker, operation: _Operation, done: int, total: int) -> Job[_End]:
    """Go through the steps of an operation as long as the queue wants it."""
    item = operation.item
    while True:
        step = operation.step()
        if isinstance(step, _End):
            return step
        fraction = min(1.0, step.done / step.total) if step.total else 0.0
        values = {"item": item.id, "fraction": fraction, "doing": step.message, "state": "running"}
        yield Progress(done + fraction, total, item.title, values)
        while (order := worker.look(item, fraction, step.message)) == "hold on":
            yield Progress(done + fraction, total, item.title, {**values, "doing": "paused"})
            time.sleep(HOLD_SECONDS)
        if order == "cancel":
            return _End("cancelled", "was cancelled")
        if order == "lost":
            return _End("")


class _Operation:
    """The operation of an item, step by step; whatever goes wrong becomes the way it ends."""

    def __init__(self, item: Item, trust_source: bool) -> None:
        self.item = item
        self._trust_source = trust_source
        self._job: Job[Any] | None = None

    def step(self) -> Progress | _End:
        """Go one step on, or say how it ended."""
        try:
            if self._job is None:
                if self.item.skip_existing and already_made(self.item):
                    return _End("skipped", message="was there already")
                self._job = self._begin()
            return next(self._job)
        except StopIteration as finished:
            return self._ended(finished.value)
        except Exception as error:  # noqa: BLE001 - one item must not end the others; it is kept, with its traceback
            return _failed(error)

    def close(self) -> None:
        """Stop it where it has not ended."""
        try:
            if self._job is not None:
                self._job.close()
        except (AisAppError, OSError) as error:  # what it was writing is given up anyway
            log.warning("%s: %s", self.item.title, error)

    def _begin(self) -> Job[Any]:
        arguments = self.item.arguments
        if arguments.get("trust_source") and not self._trust_source:
            problem = "asks to run a program that is packed with a model"
            remedy = "if you trust who made queue and model, run it with trust_source=True (--trust-source)"
            raise ParameterProblem(self.item.title, problem, remedy)
        refuse_others(self.item.outputs, arguments)  # they may have been made since this was planned
        for output in self.item.outputs:
            remove_leftovers(output)  # of a worker that was killed
        return operation_job(self.item.operation, arguments)

    def _ended(self, result: Any) -> _End:
        try:
            return _finished(self.item, result)
        except (AisAppError, OSError) as error:
            return _failed(error)


def _finished(item: Item, result: Any) -> _End:
    results = [part for part in result if isinstance(part, FileResult)] if isinstance(result, Sequence) else []
    errors = [part.error for part in results if part.error is not None]
    if errors:
        several = f" (and {len(errors) - 1} more files)" if len(errors) > 1 else ""
        return _End("failed", f"{errors[0].subject}: {errors[0].problem}{several}", errors[0].remedy)
    outputs = tuple(dict.fromkeys(_files_of(result)))
    # a power cut must not leave an item done whose files were still on their way to the disk
    make_durable([file for output in outputs for file in (output, sidecar(output)) if file.exists()])
    missing = [path for path in item.outputs if not path.exists()]
    if missing:
        raise FileProblem(missing[0], f"was not made by {item.operation}", "see the item's arguments")
    return _End("done", message="; ".join(part.message for part in results), outputs=outputs or item.outputs)


def _files_of(result: Any) -> Iterator[Path]:
    """Yield the files that a result names."""
    if isinstance(result, Path):
        yield result
    elif isinstance(result, FileResult):
        yield from result.outputs
    elif dataclasses.is_dataclass(result) and not isinstance(result, type):
        for field in dataclasses.fields(result):
            yield from _files_of(getattr(result, field.name))
    elif isinstance(result, Mapping):
        yield from (file for part in result.values() for file in _files_of(part))
    elif isinstance(result, (list, tuple)):
        yield from (file for part in result for file in _files_of(part))


def _failed(error: Exception) -> _End:
    """Say in words why an operation failed."""
    if isinstance(error, AisAppError):
        return _End("failed", f"{error.subject}: {error.problem}", error.remedy)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        remedy = _REMEDIES.get(error.errno or 0, "see that its disk or network drive is there, then retry it")
        return _End("failed", f"{where}{error.strerror or error}", remedy)
    details = traceback.format_exc()
    text = " ".join(str(error).split())[:300]
    if isinstance(error, MemoryError) or "out of memory" in text.lower():
        remedy = "close other programs, choose smaller tiles or fewer workers, then retry it"
        return _End("failed", "there is not enough memory", remedy, details)
    reason = f"failed unexpectedly ({type(error).__name__}{': ' * bool(text)}{text})"
    return _End("failed", reason, "retry it; if it fails again, report it with the details", details)
