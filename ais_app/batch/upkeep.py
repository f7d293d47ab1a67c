"""What keeps a queue consistent: items of dead workers go back, items that can never run are held back.

worker died ──► its item waits again (after `MOST_ATTEMPTS` deaths it has failed)
item failed or cancelled ──► what needs it is cancelled, with the cause; retrying the cause brings it back
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from ais_app.batch.processes import host, is_running
from ais_app.batch.store import QueueFile

HEARTBEAT_SECONDS = 15.0
STALE_SECONDS = 120.0  # without a heartbeat a worker on another machine counts as dead
MOST_ATTEMPTS = 5

_DIED = (
    f"the worker died {MOST_ATTEMPTS} times while running it",
    "it may need more memory than there is: close other programs or choose smaller tiles, then retry it",
)


def give_back_dead(file: QueueFile) -> list[int]:
    """Give the items of dead workers back to the queue and return their ids; a queue without any is only read."""
    here, now = host(), time.time()
    rows = file.rows(
        "SELECT item.id, worker.id, host, pid, heartbeat, ended FROM item LEFT JOIN worker ON worker.id = item.worker "
        "WHERE state = 'running'"
    )
    dead = [(item, worker) for item, worker, *seen in rows if worker is None or _is_dead(*seen, here=here, now=now)]
    if not dead:
        return []
    with file.transaction():
        for item, worker in dead:
            give_back(file, item, worker, died=True)
            file.change("UPDATE worker SET ended = ? WHERE id = ?", (now, worker))
        hold_back(file)
    return [item for item, _ in dead]


def give_back(file: QueueFile, item: int, worker: int | None, *, died: bool = False) -> None:
    """Make an item wait again that a worker holds; cancel it where that was asked for. Within a transaction."""
    mine = "WHERE id = ? AND worker IS ? AND state = 'running'"
    rows = file.rows(f"SELECT attempts, cancelling FROM item {mine}", (item, worker))
    if not rows:
        return
    attempts, cancelling = rows[0][0] + died, rows[0][1]
    state, reason, remedy = "waiting", "", ""
    if cancelling:
        state, reason = "cancelled", "was cancelled"
    elif attempts >= MOST_ATTEMPTS:
        state, (reason, remedy) = "failed", _DIED
    finished = None if state == "waiting" else time.time()
    file.change(
        f"UPDATE item SET state = ?, reason = ?, remedy = ?, attempts = ?, finished = ?, cancelling = 0, fraction = 0, "
        f"doing = '' {mine}",
        (state, reason, remedy, attempts, finished, item, worker),
    )


def hold_back(file: QueueFile) -> None:
    """Cancel whatever waits for something that failed or was cancelled. Within a transaction."""
    while blocked := file.rows(
        "SELECT item.id, coalesce(needed.cause, needed.id) FROM item JOIN dependency ON dependency.item = item.id "
        "JOIN item AS needed ON needed.id = dependency.needs "
        "WHERE item.state = 'waiting' AND needed.state IN ('failed', 'cancelled') GROUP BY item.id"
    ):
        for item, cause in blocked:
            title, state = file.rows("SELECT title, state FROM item WHERE id = ?", (cause,))[0]
            verb = "failed" if state == "failed" else "was cancelled"
            reason, remedy = f"needs “{title}”, which {verb}", f"retry “{title}”"
            file.change(
                "UPDATE item SET state = 'cancelled', reason = ?, remedy = ?, cause = ?, finished = ? WHERE id = ?",
                (reason, remedy, cause, time.time(), item),
            )


def revive(file: QueueFile, ids: Iterable[int]) -> list[int]:
    """Make items that have ended wait again, with all they need and all they held back. Within a transaction."""
    asked, left = set[int](), list(ids)
    while left:
        item = left.pop()
        if item not in asked:
            asked.add(item)
            needed = "SELECT needs FROM dependency JOIN item ON item.id = needs WHERE dependency.item = ? AND state IN "
            left += [row[0] for row in file.rows(f"{needed} ('failed', 'cancelled')", (item,))]
    held = [row[0] for item in asked for row in file.rows("SELECT id FROM item WHERE cause = ?", (item,))]
    revived = [item for item in asked.union(held) if _revive_one(file, item)]
    hold_back(file)  # what needs something else that failed as well
    return [item for item in revived if file.rows("SELECT 1 FROM item WHERE id = ? AND state = 'waiting'", (item,))]


def _revive_one(file: QueueFile, item: int) -> bool:
    return bool(
        file.change(
            "UPDATE item SET state = 'waiting', reason = '', remedy = '', details = '', message = '', doing = '', "
            "fraction = 0, started = NULL, finished = NULL, attempts = 0, cancelling = 0, cause = NULL "
            "WHERE id = ? AND state NOT IN ('waiting', 'running')",
            (item,),
        )
    )


def dependents(file: QueueFile, id: int) -> list[int]:
    """Return the items that need this one, directly or through others."""
    return [
        row[0]
        for row in file.rows(
            "WITH RECURSIVE later(id) AS (SELECT item FROM dependency WHERE needs = ? "
            "UNION SELECT dependency.item FROM dependency JOIN later ON dependency.needs = later.id) "
            "SELECT id FROM later",
            (id,),
        )
    ]


def _is_dead(where: str, pid: int, heartbeat: float, ended: float | None, *, here: str, now: float) -> bool:
    # a number of a process is used again, after a reboot for instance: then the heartbeat tells
    gone = where == here and not is_running(pid)
    return ended is not None or gone or now - heartbeat > STALE_SECONDS
