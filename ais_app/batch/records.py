"""What a queue is given and what it holds, as plain values."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ais_app.batch.paths import from_text

STATES = ("waiting", "running", "done", "failed", "cancelled", "skipped")
OPEN = ("waiting", "running")
FULFILLED = ("done", "skipped")


@dataclass(frozen=True, eq=False)
class Task:
    """Something to do: an operation with its arguments.

    Parameters
    ----------
    operation
        Name of an operation of `ais_app.operations`: ``"segment"``.
    arguments
        Its arguments: JSON-able values, parameter sets, paths. Relative names of files must be given as `Path`.
    subject
        The tomogram it is about; the report and the window group by it.
    title
        What it is, for a person.
    depends_on
        Tasks of the same call of `Queue.add_all`, or ids of items, that must be done before.
    outputs
        Files that it will make, where they are known.
    skip_existing
        Leave it out when all `outputs` are there and were made by the same operation from the same inputs with the
        same arguments, as their provenance says.
    """

    operation: str
    arguments: Mapping[str, Any]
    subject: str = ""
    title: str = ""
    depends_on: Sequence[Task | int] = ()
    outputs: Sequence[str | Path] = ()
    skip_existing: bool = False


@dataclass(frozen=True)
class WorkerEntry:
    """A process, or a thread of the window, that works on a queue.

    Parameters
    ----------
    id
        Number in the queue.
    name
        For a person.
    host, pid
        Machine and process.
    heartbeat
        When it last said that it lives; seconds since 1970.
    """

    id: int
    name: str
    host: str
    pid: int
    heartbeat: float


@dataclass(frozen=True)
class Item:
    """A task in a queue, as it is now.

    Parameters
    ----------
    id
        Number in the queue; never used again.
    position
        Its place: the lowest is run first.
    operation, subject, title, skip_existing
        As in `Task`.
    state
        ``"waiting"``, ``"running"``, ``"done"``, ``"failed"``, ``"cancelled"`` or ``"skipped"``.
    reason, remedy
        Why it failed or was cancelled and what to do about it, in words.
    details
        Traceback of a failure that nobody foresaw.
    message
        What it found: ``"612 particles"``.
    doing, fraction
        What it does now, and how far it is, 0 to 1.
    added, started, finished
        Seconds since 1970; ``None`` for not yet.
    attempts
        How many workers died while running it.
    cancelling
        It is running, and its worker is asked to stop it.
    worker
        Who runs it, or ran it last.
    depends_on
        Ids of items that must be done before.
    """

    id: int
    position: int
    operation: str
    subject: str
    title: str
    state: str
    reason: str
    remedy: str
    details: str
    message: str
    doing: str
    fraction: float
    added: float
    started: float | None
    finished: float | None
    attempts: int
    cancelling: bool
    skip_existing: bool
    worker: WorkerEntry | None
    depends_on: tuple[int, ...]
    folder: Path = field(repr=False)
    _arguments: str = field(repr=False)
    _outputs: str = field(repr=False)

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """The operation's arguments, paths absolute. Read when first asked for: a queue may hold thousands."""
        values: dict[str, Any] = from_text(self._arguments, self.folder)
        return values

    @cached_property
    def outputs(self) -> tuple[Path, ...]:
        """Files that it makes, or has made."""
        return tuple(Path(path) for path in from_text(self._outputs, self.folder))

    @property
    def seconds(self) -> float | None:
        """How long it has run, or ran."""
        if self.started is None or self.state == "waiting":
            return None
        return max(0.0, (self.finished or time.time()) - self.started)


@dataclass(frozen=True)
class Summary:
    """What became of a worker's items.

    Parameters
    ----------
    done, failed, skipped, cancelled
        Numbers of items.
    stopped
        The worker was told to stop; what it was running waits for the next one.
    """

    done: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0
    stopped: bool = False

    @property
    def total(self) -> int:
        """Items that were ended."""
        return self.done + self.failed + self.skipped + self.cancelled

    def plus(self, state: str) -> Summary:
        """Return the summary with one more item, which ended in `state`; empty for an item that did not end."""
        return replace(self, **{state: getattr(self, state) + 1}) if state else self
