"""The queue as a person sees it: add, look, pause, cancel, retry, reorder.

    window ──► Queue ──┐
                       ├──► P.aisqueue (SQLite) ◄── Queue ◄── work_job, in a thread, a process, on another machine
    ais-app batch ─────┘

Everybody opens the file for themselves. Changes made here are announced by `Queue.events`; those of others show in
`Queue.version`, which costs next to nothing to ask.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from psygnal import Signal, SignalGroup

from ais_app.batch import upkeep
from ais_app.batch.items import read_item, read_items
from ais_app.batch.paths import absolute, to_text
from ais_app.batch.records import FULFILLED, OPEN, STATES, Item, Task, WorkerEntry
from ais_app.batch.store import SUFFIX, QueueFile
from ais_app.core.errors import AisAppError, ParameterProblem, ProjectProblem


class QueueEvents(SignalGroup):
    """Emitted after a change made through the same `Queue` is in the file."""

    items_changed = Signal()
    pause_changed = Signal(bool)


def queue_path(project: str | Path) -> Path:
    """Return where the queue of a project is: beside it.

    >>> queue_path("data/lamella.aisproj").as_posix()
    'data/lamella.aisqueue'
    """
    return Path(project).with_suffix(SUFFIX)


class Queue:
    """A queue of operations in a file of its own.

    Calls may come from any thread, and wait for each other; a thread that works opens the file for itself.

    Parameters
    ----------
    path
        An existing queue; see `Queue.open`.

    Attributes
    ----------
    events
        What changed through this object; for what others change see `version`.
    """

    def __init__(self, path: Path) -> None:
        self.path = absolute(path)
        self.file = QueueFile(self.path)
        self.events = QueueEvents()

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False) -> Queue:
        """Open a queue; items of workers that have died wait again.

        Parameters
        ----------
        path
            ``P.aisqueue``, see `queue_path`.
        create
            Make it where there is none.

        Raises
        ------
        FileProblem
            There is none, it is damaged or something else, or it cannot be written.
        ProjectProblem
            It is of a newer version, or others are writing it without end.
        """
        if create:
            QueueFile.create_missing(Path(path))
        queue = cls(Path(path))
        try:
            if os.access(queue.path, os.W_OK) and os.access(queue.path.parent, os.W_OK):  # else it is only looked at
                queue.give_back_dead()
        except AisAppError:
            queue.close()
            raise
        return queue

    def __enter__(self) -> Queue:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; calling it twice does nothing."""
        self.file.close()

    # what is there

    def items(self, *, state: str | None = None, subject: str | None = None) -> list[Item]:
        """Return the items in the order in which they are run: all, or those of one state or subject."""
        return read_items(self.file, state=state, subject=subject)

    def item(self, id: int) -> Item:
        """Return one item.

        Raises
        ------
        ProjectProblem
            There is none of this id.
        """
        found = read_item(self.file, id)
        if found is None:
            raise ProjectProblem(self.path, f"has no item {id}", "ais-app batch status lists them")
        return found

    def counts(self) -> dict[str, int]:
        """Return how many items are in each state; states without any are 0."""
        return dict.fromkeys(STATES, 0) | dict(self.file.rows("SELECT state, count(*) FROM item GROUP BY state"))

    def workers(self) -> list[WorkerEntry]:
        """Return the workers that live, as far as is known."""
        rows = self.file.rows("SELECT id, name, host, pid, heartbeat FROM worker WHERE ended IS NULL ORDER BY id")
        recent = time.time() - upkeep.STALE_SECONDS
        return [entry for entry in (WorkerEntry(*row) for row in rows) if entry.heartbeat > recent]

    def version(self) -> int:
        """Return a number that changes when anybody else has changed the queue; cheap, for a timer."""
        return self.file.version()

    # what to do

    def add(self, task: Task) -> int:
        """Put a task at the end and return the id of its item; see `add_all`."""
        return self.add_all([task])[0]

    def add_all(self, tasks: Sequence[Task]) -> list[int]:
        """Put tasks at the end, all or none, and return the ids of their items.

        The same operation with the same arguments that is waiting or running already is not added again.

        Raises
        ------
        ParameterProblem
            A task needs one that is neither among `tasks`, before it, nor in the queue; or an argument cannot be
            kept in a file.
        """
        ids: dict[int, int] = {}
        texts = [to_text(dict(task.arguments), self.file.folder) for task in tasks]
        with self.file.transaction():
            known = "SELECT operation, arguments, id FROM item WHERE state IN ('waiting', 'running')"
            queued = {(operation, arguments): item for operation, arguments, item in self.file.rows(known)}
            for task, arguments in zip(tasks, texts, strict=True):
                needs = [self._need(need, ids) for need in task.depends_on]
                key = task.operation, arguments
                if key not in queued:
                    queued[key] = self._add(task, arguments, needs)
                ids[id(task)] = queued[key]
            upkeep.hold_back(self.file)
        self.events.items_changed.emit()
        return [ids[id(task)] for task in tasks]

    def _need(self, need: Task | int, ids: dict[int, int]) -> int:
        found = ids.get(id(need)) if isinstance(need, Task) else need
        if found is None or (isinstance(need, int) and read_item(self.file, need) is None):
            name = need.title if isinstance(need, Task) else need
            raise ParameterProblem("queue", f"{name} is needed but not in the queue", "add it before what needs it")
        return found

    def _add(self, task: Task, arguments: str, needs: Iterable[int]) -> int:
        values: dict[str, Any] = {
            "operation": task.operation,
            "arguments": arguments,
            "subject": task.subject,
            "title": task.title or f"{task.operation} {task.subject}".strip(),
            "outputs": to_text([absolute(path) for path in task.outputs], self.file.folder),
            "skip_existing": int(task.skip_existing),
            "added": time.time(),
        }
        last = "(SELECT coalesce(max(position), 0) + 1 FROM item)"
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        new = self.file.execute(
            f"INSERT INTO item (position, {names}) VALUES ({last}, {marks})", tuple(values.values())
        )
        for need in needs:
            self.file.execute("INSERT OR IGNORE INTO dependency (item, needs) VALUES (?, ?)", (new, need))
        return new

    @property
    def paused(self) -> bool:
        """Whether workers hold on: between the steps of what they run, and before the next item."""
        return self.file.rows("SELECT value FROM setting WHERE name = 'paused'") == [("1",)]

    def pause(self) -> None:
        """Let all workers hold on at their next step; also after a restart, until `resume`."""
        self._pause(True)

    def resume(self) -> None:
        """Let workers go on."""
        self._pause(False)

    def _pause(self, paused: bool) -> None:
        self.file.execute("INSERT OR REPLACE INTO setting (name, value) VALUES ('paused', ?)", (str(int(paused)),))
        self.events.pause_changed.emit(paused)

    def cancel(self, *ids: int) -> None:
        """Cancel items that wait, and ask the workers of those that run to stop them; others are left as they are."""
        with self.file.transaction():
            for id in ids:
                self.item(id)
                self.file.execute(
                    "UPDATE item SET state = 'cancelled', reason = 'was cancelled', finished = ? "
                    "WHERE id = ? AND state = 'waiting'",
                    (time.time(), id),
                )
                self.file.execute("UPDATE item SET cancelling = 1 WHERE id = ? AND state = 'running'", (id,))
            upkeep.hold_back(self.file)
        upkeep.give_back_dead(self.file)
        self.events.items_changed.emit()

    def retry(self, *ids: int) -> list[int]:
        """Run items again that have ended, with those they need and those that their failure kept from running.

        Returns the ids of those that wait now; what was waiting or running is left as it is.
        """
        with self.file.transaction():
            for id in ids:
                self.item(id)
            revived = upkeep.revive(self.file, ids)
        self.events.items_changed.emit()
        return sorted(revived)

    def remove(self, *ids: int) -> list[int]:
        """Take items out, with those that need them and could never run; return all that went. Files stay.

        Raises
        ------
        ProjectProblem
            One of them is running.
        """
        with self.file.transaction():
            going = {}
            for item in map(self.item, ids):
                going[item.id] = item
                if item.state not in FULFILLED:
                    later = map(self.item, upkeep.dependents(self.file, item.id))
                    going |= {other.id: other for other in later if other.state not in FULFILLED}
            for item in going.values():
                if item.state == "running":
                    raise ProjectProblem(item.title, "is running", "cancel it first")
            self._delete(going)
        self.events.items_changed.emit()
        return sorted(going)

    def clear_finished(self) -> list[int]:
        """Take out what is done, skipped or cancelled; what failed stays, with what it held back."""
        with self.file.transaction():
            rows = self.file.rows(
                "SELECT id FROM item WHERE state IN ('done', 'skipped') OR (state = 'cancelled' AND NOT EXISTS "
                "(SELECT 1 FROM item AS other WHERE other.id = item.cause AND other.state = 'failed'))"
            )
            gone = [row[0] for row in rows]
            self._delete(gone)
        self.events.items_changed.emit()
        return gone

    def _delete(self, ids: Iterable[int]) -> None:
        for id in ids:
            self.file.execute("DELETE FROM dependency WHERE item = ? OR needs = ?", (id, id))
            self.file.execute("DELETE FROM item WHERE id = ?", (id,))

    def reorder(self, ids: Sequence[int]) -> None:
        """Give these items this order; together they take the places that they had, all others keep theirs."""
        with self.file.transaction():
            places = sorted(self.item(id).position for id in dict.fromkeys(ids))
            for id, place in zip(dict.fromkeys(ids), places, strict=True):
                self.file.execute("UPDATE item SET position = ? WHERE id = ?", (place, id))
        self.events.items_changed.emit()

    def give_back_dead(self) -> list[int]:
        """Let the items of workers that died wait again, and return their ids; workers do this by themselves."""
        found = upkeep.give_back_dead(self.file)
        if found:
            self.events.items_changed.emit()
        return found

    @property
    def is_finished(self) -> bool:
        """Whether nothing waits and nothing runs."""
        counts = self.counts()
        return not any(counts[state] for state in OPEN)
