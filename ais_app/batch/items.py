"""Rows of a queue file as `Item`s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ais_app.batch.records import Item, WorkerEntry
from ais_app.batch.store import QueueFile

_ITEM = (
    "id", "position", "operation", "subject", "title", "state", "reason", "remedy", "details", "message", "doing",
    "fraction", "added", "started", "finished", "attempts", "cancelling", "skip_existing", "arguments", "outputs",
)  # fmt: skip
_WORKER = ("id", "name", "host", "pid", "heartbeat")
_SELECT = (
    f"SELECT {', '.join(f'item.{name}' for name in _ITEM)}, {', '.join(f'worker.{name}' for name in _WORKER)} "
    "FROM item LEFT JOIN worker ON worker.id = item.worker"
)


def read_items(file: QueueFile, *, state: str | None = None, subject: str | None = None) -> list[Item]:
    """Return the items in their order, all or those of one state or subject."""
    wanted = {"item.state": state, "item.subject": subject}
    given = {column: value for column, value in wanted.items() if value is not None}
    where = "WHERE " + " AND ".join(f"{column} = ?" for column in given) if given else ""
    rows = file.rows(f"{_SELECT} {where} ORDER BY item.position, item.id", tuple(given.values()))
    needs: dict[int, list[int]] = {}
    for item, need in file.rows("SELECT item, needs FROM dependency ORDER BY item, needs"):
        needs.setdefault(item, []).append(need)
    return [_item(file, row, needs.get(row[0], ())) for row in rows]


def read_item(file: QueueFile, id: int) -> Item | None:
    """Return one item, or ``None`` where there is none of this id."""
    rows = file.rows(f"{_SELECT} WHERE item.id = ?", (id,))
    needs = [need for (need,) in file.rows("SELECT needs FROM dependency WHERE item = ? ORDER BY needs", (id,))]
    return _item(file, rows[0], needs) if rows else None


def _item(file: QueueFile, row: tuple[Any, ...], needs: Sequence[int]) -> Item:
    values = dict(zip(_ITEM, row, strict=False))
    arguments, outputs = values.pop("arguments"), values.pop("outputs")
    values |= {name: bool(values[name]) for name in ("cancelling", "skip_existing")}
    who = row[len(_ITEM) :]
    worker = None if who[0] is None else WorkerEntry(*who)
    return Item(
        **values, worker=worker, depends_on=tuple(needs), folder=file.folder, _arguments=arguments, _outputs=outputs
    )
