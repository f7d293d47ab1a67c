"""One worker's side of a queue: it claims items, tells how far it is, and lives as long as its heart beats.

    claim ──► run: look, look, look ... ──► finish
                └─► stopped: give_back

Everything is conditional on the item still being this worker's: one that was taken for dead (a laptop that slept)
notices, and what it would say is not heard.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ais_app.batch import upkeep
from ais_app.batch.items import read_item
from ais_app.batch.paths import to_text
from ais_app.batch.processes import host
from ais_app.batch.records import Item
from ais_app.batch.store import QueueFile
from ais_app.core.errors import AisAppError

log = logging.getLogger(__name__)

Order = Literal["go on", "hold on", "cancel", "lost"]

LOOK_SECONDS = 0.2  # between two looks at the orders
WRITE_SECONDS = 2.0  # between two notes of the progress

_READY = (
    "SELECT id FROM item WHERE state = 'waiting' AND NOT EXISTS (SELECT 1 FROM dependency JOIN item AS needed "
    "ON needed.id = dependency.needs WHERE dependency.item = item.id AND needed.state NOT IN ('done', 'skipped')) "
    "ORDER BY position, id LIMIT 1"
)
_ORDERS = "SELECT state, worker, cancelling, (SELECT value FROM setting WHERE name = 'paused') FROM item WHERE id = ?"


class Worker:
    """A worker, from `__enter__` to `__exit__`; opens the file for itself and is used by one thread.

    Parameters
    ----------
    path
        The queue.
    name
        For a person; by default machine and process.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or f"{host()} {os.getpid()}"
        self._looked = self._wrote = 0.0

    def __enter__(self) -> Worker:
        self.file = QueueFile(self.path)
        try:
            self._register()
        except BaseException:
            self.file.close()
            raise
        self._heart = _Heart(self.path, self.id)
        self._heart.start()
        return self

    def _register(self) -> None:
        self.file.be_patient()
        now = time.time()
        with self.file.transaction():
            self.file.execute(
                "DELETE FROM worker WHERE ended NOTNULL AND id NOT IN (SELECT worker FROM item WHERE worker NOTNULL)"
            )
            self.id = self.file.execute(
                "INSERT INTO worker (name, host, pid, started, heartbeat) VALUES (?, ?, ?, ?, ?)",
                (self.name, host(), os.getpid(), now, now),
            )

    def __exit__(self, *_: object) -> None:
        self._heart.stop()
        try:
            self.file.execute("UPDATE worker SET ended = ? WHERE id = ?", (time.time(), self.id))
        except AisAppError as error:  # its heart has stopped beating: the others will notice
            log.warning("%s", error)
        self.file.close()

    @property
    def paused(self) -> bool:
        """Whether the queue is paused."""
        return self.file.rows("SELECT value FROM setting WHERE name = 'paused'") == [("1",)]

    def awaited(self) -> str:
        """Say why nothing can be run now though it may be later; empty where nothing is to be waited for."""
        if not self.waiting:
            return ""
        if self.paused:
            return "paused"
        others = self.file.rows("SELECT 1 FROM item WHERE state = 'running' LIMIT 1") or self.file.rows(_READY)
        return "waiting for others" if others else ""

    @property
    def waiting(self) -> int:
        """How many items wait, also for others."""
        return int(self.file.rows("SELECT count(*) FROM item WHERE state = 'waiting'")[0][0])

    def claim(self) -> Item | None:
        """Take the next item that can be run, so that nobody else does; ``None`` where there is none, or a pause."""
        upkeep.give_back_dead(self.file)
        if self.paused or not self.file.rows(_READY):
            return None
        with self.file.transaction():
            found = self.file.rows(_READY)
            if not found:  # somebody was faster
                return None
            (id,) = found[0]
            self.file.execute(
                "UPDATE item SET state = 'running', worker = ?, started = ?, finished = NULL, fraction = 0, "
                "doing = '', reason = '', remedy = '', details = '', message = '' WHERE id = ?",
                (self.id, time.time(), id),
            )
        self._looked, self._wrote = 0.0, time.monotonic()  # orders are looked at once, progress is noted later
        return read_item(self.file, id)

    def look(self, item: Item, fraction: float, doing: str) -> Order:
        """Note how far an item is, and return what to do now; neither more often than is useful.

        What cannot be read or written at this moment does not end the item: the next look will.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return "go on"
        self._looked = now
        try:
            order = self._order(item)
            if now - self._wrote >= WRITE_SECONDS:
                self._wrote = now
                self.file.execute(
                    "UPDATE item SET fraction = ?, doing = ? WHERE id = ? AND worker = ? AND state = 'running'",
                    (fraction, "paused" if order == "hold on" else doing, item.id, self.id),
                )
        except AisAppError as error:
            log.warning("%s", error)
            return "go on"
        return order

    def _order(self, item: Item) -> Order:
        rows = self.file.rows(_ORDERS, (item.id,))
        if not rows or rows[0][:2] != ("running", self.id):
            return "lost"
        _, _, cancelling, paused = rows[0]
        return "cancel" if cancelling else "hold on" if paused == "1" else "go on"

    def finish(
        self,
        item: Item,
        state: str,
        *,
        reason: str = "",
        remedy: str = "",
        details: str = "",
        message: str = "",
        outputs: Sequence[Path] | None = None,
    ) -> bool:
        """Write what became of an item; return whether it was still this worker's."""
        values = {"state": state, "reason": reason, "remedy": remedy, "details": details, "message": message}
        made = {} if outputs is None else {"outputs": to_text(list(outputs), self.file.folder)}
        cells = {**values, **made, "doing": "", "finished": time.time(), "cancelling": 0}
        if state in ("done", "skipped"):
            cells |= {"fraction": 1.0, "attempts": 0}
        with self.file.transaction():
            changed = self.file.change(
                f"UPDATE item SET {', '.join(f'{name} = ?' for name in cells)} "
                "WHERE id = ? AND worker = ? AND state = 'running'",
                (*cells.values(), item.id, self.id),
            )
            upkeep.hold_back(self.file)
        return bool(changed)

    def give_back(self, item: Item) -> None:
        """Let an item wait for the next worker, unless it has ended or is somebody else's."""
        with self.file.transaction():
            upkeep.give_back(self.file, item.id, self.id)
            upkeep.hold_back(self.file)


class _Heart(threading.Thread):
    """Says every few seconds that the worker lives, also while one step takes long."""

    def __init__(self, path: Path, worker: int) -> None:
        super().__init__(name=f"heart of worker {worker}", daemon=True)
        self._path, self._worker = path, worker
        self._ending = threading.Event()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._ending.set()
        self.join()

    def run(self) -> None:
        """Beat until stopped; a beat that cannot be written is left out, several make the others take over."""
        while not self._ending.wait(upkeep.HEARTBEAT_SECONDS):
            try:
                file = QueueFile(self._path)
            except AisAppError as error:
                log.warning("%s", error)
                continue
            try:
                beat = "UPDATE worker SET heartbeat = ?, ended = NULL WHERE id = ?"
                file.execute(beat, (time.time(), self._worker))
            except AisAppError as error:
                log.warning("%s", error)
            finally:
                file.close()
