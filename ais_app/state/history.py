"""Undo and redo that survive a restart, of everything.

    with history.command("Add feature"):      one transaction, one entry of the undo menu
        history.put("feature", (id,), values)  writes a row and keeps its former state

A command keeps, for each row it touched, *the other state* of that row. Undo swaps the two states in reverse order;
redo swaps them again. Nothing here knows what the rows mean, so whatever is written through `put` can be undone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ais_app.core.errors import FileProblem
from ais_app.state.database import Database
from ais_app.state.steps import Steps

# key columns, other columns
TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "tomogram": (
        ("id",),
        (
            "name", "path", "last_seen", "fingerprint", "bytes", "nz", "ny", "nx", "voxel_z", "voxel_y", "voxel_x",
            "origin_z", "origin_y", "origin_x", "nstart_z", "nstart_y", "nstart_x",
        ),
    ),
    "feature": (("id",), ("name", "colour", "box_size", "locked", "position")),
    "tile": (("tomogram", "feature", "z", "y", "x"), ("data",)),
    "plane": (("tomogram", "feature", "axis", "position"), ()),
    "box": (("id",), ("tomogram", "feature", "z", "y", "x", "size")),
    "pick_set": (("id",), ("tomogram", "name", "feature", "source", "count", "next_pick")),
    "pick_block": (("tomogram", "pick_set", "number"), ("data",)),
    "model": (("id",), ("name", "path", "last_seen", "fingerprint")),
    "document": (("name",), ("content",)),
}  # fmt: skip
BLOBS = {"tile", "pick_block"}  # tables of one column of bytes: kept as they are, the others as JSON

_UNDO = "undone = 0 ORDER BY id DESC"
_REDO = "undone = 1 ORDER BY id ASC"

Key = tuple[Any, ...]
Values = tuple[Any, ...]


@dataclass(frozen=True)
class Change:
    """A row that changed: table, key, and its values where it is (or was) there; compressed bytes are left out."""

    table: str
    key: Key
    values: Values


@dataclass(frozen=True)
class Entry:
    """One line of the history.

    Parameters
    ----------
    id
        Number; rises with time.
    title
        What was done.
    made
        When, ISO 8601, UTC.
    undone
        It has been taken back and can be redone.
    """

    id: int
    title: str
    made: str
    undone: bool


class History:
    """The only writer of a project's rows.

    Parameters
    ----------
    database
        The open project file.
    announce
        Called after each command, undo and redo that changed something, with what changed.

    Attributes
    ----------
    steps
        A command that is done a little at a time; see `ais_app.state.steps`.
    """

    def __init__(self, database: Database, announce: Callable[[Sequence[Change]], None]) -> None:
        self.database = database
        self._announce = announce
        self._command: int | None = None
        self._number = 0
        self._changes: list[Change] = []
        self.steps = Steps()

    @contextmanager
    def command(self, title: str) -> Iterator[None]:
        """Collect what is put in the block as one undoable step, in one transaction.

        A command within a command joins it. A command that changes nothing leaves no entry, and does not end the
        possibility to redo.
        """
        self.steps.settle()
        with self.database.transaction():
            if self._command is not None:
                yield
                return
            made = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
            self._command = self.database.execute(f"INSERT INTO command (title, made) VALUES (?, {made})", (title,))
            self._number, self._changes = 0, []
            try:
                yield
                if self._number:
                    self._drop_undone(self._command)
                else:
                    self.database.execute("DELETE FROM command WHERE id = ?", (self._command,))
            finally:
                self._command = None
            changes = self._changes
        if changes:
            self._announce(changes)

    def put(self, table: str, key: Key, values: Values | None) -> None:
        """Write a row, or remove it with ``None``; must be within a `command`."""
        assert self._command is not None, "rows are written within a command"
        before = self.get(table, key)
        if before == values:
            return
        self._log(table, key, before, values)
        self._write(table, key, values)

    def insert(self, table: str, values: Values) -> int:
        """Add a row with a fresh id and return the id; must be within a `command`."""
        assert self._command is not None, "rows are written within a command"
        columns = TABLES[table][1]
        marks = ", ".join("?" * len(columns))
        id = self.database.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)
        self._log(table, (id,), None, values)
        return id

    def get(self, table: str, key: Key) -> Values | None:
        """Return the values of a row, or ``None`` when it is not there."""
        keys, columns = TABLES[table]
        where = " AND ".join(f"{name} = ?" for name in keys)
        found = self.database.rows(f"SELECT {', '.join(columns) or '1'} FROM {table} WHERE {where}", key)
        if not found:
            return None
        return found[0] if columns else ()

    @property
    def undo_title(self) -> str | None:
        """What `undo` would take back; ``None`` for nothing."""
        return self._next(_UNDO)[1]

    @property
    def redo_title(self) -> str | None:
        """What `redo` would do again; ``None`` for nothing."""
        return self._next(_REDO)[1]

    def undo(self) -> str | None:
        """Take back the last command; return its title, or ``None`` when there is nothing to undo."""
        return self._swap(_UNDO, undone=1)

    def redo(self) -> str | None:
        """Do the command again that was taken back last; return its title, or ``None``."""
        return self._swap(_REDO, undone=0)

    def entries(self, limit: int = 100) -> list[Entry]:
        """Return the newest entries, newest first."""
        rows = self.database.rows("SELECT id, title, made, undone FROM command ORDER BY id DESC LIMIT ?", (limit,))
        return [Entry(id, title, made, bool(undone)) for id, title, made, undone in rows]

    def _next(self, which: str) -> tuple[int, str | None]:
        found = self.database.rows(f"SELECT id, title FROM command WHERE {which} LIMIT 1")
        return (int(found[0][0]), str(found[0][1])) if found else (0, None)

    def _swap(self, which: str, undone: int) -> str | None:
        self.steps.settle()
        with self.database.transaction():
            command, title = self._next(which)
            if title is None:
                return None
            (count,) = self.database.rows("SELECT count(*) FROM change WHERE command = ?", (command,))[0]
            changes = []
            for number in reversed(range(count)) if undone else range(count):
                changes.append(self._swap_row(command, number))
            self.database.execute("UPDATE command SET undone = ? WHERE id = ?", (undone, command))
        self._announce(changes)
        return title

    def _swap_row(self, command: int, number: int) -> Change:
        which = "WHERE command = ? AND number = ?"
        table, text, image = self.database.rows(f"SELECT kind, key, image FROM change {which}", (command, number))[0]
        try:
            key = tuple(_plain(json.loads(text), json.loads(text)))
            stored = _decode(table, image)
            current = self.get(table, key)
            values = _values(table, stored, current)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            remedy = "what is there now is whole: only this step cannot be taken back"
            raise FileProblem(self.database.path, f"its history is damaged ({error!r})", remedy) from error
        self._write(table, key, values)
        self.database.execute(f"UPDATE change SET image = ? {which}", (_encode(table, current), command, number))
        return _change(table, key, current, values)

    def _log(self, table: str, key: Key, before: Values | None, after: Values | None) -> None:
        statement = "INSERT INTO change (command, number, kind, key, image) VALUES (?, ?, ?, ?, ?)"
        values = (self._command, self._number, table, json.dumps(key), _encode(table, before))
        self.database.execute(statement, values)
        self._number += 1
        self._changes.append(_change(table, key, before, after))

    def _write(self, table: str, key: Key, values: Values | None) -> None:
        keys, columns = TABLES[table]
        if values is None:
            where = " AND ".join(f"{name} = ?" for name in keys)
            self.database.execute(f"DELETE FROM {table} WHERE {where}", key)
        else:
            row = zip((*keys, *columns), (*key, *values), strict=True)
            # a column without a value gets the table's default
            given = {name: value for name, value in row if value is not None}
            names, marks = ", ".join(given), ", ".join("?" * len(given))
            statement = f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})"
            self.database.execute(statement, tuple(given.values()))

    def _drop_undone(self, newest: int) -> None:
        """Forget what was taken back: it cannot be redone once something else was done."""
        undone = "SELECT id FROM command WHERE undone = 1 AND id < ?"
        self.database.execute(f"DELETE FROM change WHERE command IN ({undone})", (newest,))
        self.database.execute("DELETE FROM command WHERE undone = 1 AND id < ?", (newest,))


def _change(table: str, key: Key, before: Values | None, after: Values | None) -> Change:
    values = after if after is not None else before
    return Change(table, key, () if table in BLOBS or values is None else values)


def _encode(table: str, values: Values | None) -> bytes | None:
    if values is None:
        return None
    if table in BLOBS:
        return bytes(values[0])
    return json.dumps(dict(zip(TABLES[table][1], values, strict=True))).encode()


def _decode(table: str, image: bytes | None) -> dict[str, Any] | None:
    """Return a stored state as column to value, ``None`` where the row was not there."""
    if image is None:
        return None
    if table in BLOBS:
        return {TABLES[table][1][0]: image}
    stored = {name: value for name, value in json.loads(image).items() if name in TABLES[table][1]}
    return _plain(stored, stored.values())


def _plain(whole: Any, values: Iterable[Any]) -> Any:
    """Return `whole` after making sure that all its values fit into a table."""
    for value in values:
        if not isinstance(value, (str, int, float, type(None))):
            raise TypeError(f"{value!r} in a row")
    return whole


def _values(table: str, stored: dict[str, Any] | None, current: Values | None) -> Values | None:
    """Complete a stored state: a column that is newer than it stays as it is now, and else gets its default."""
    if stored is None:
        return None
    columns = TABLES[table][1]
    now = dict.fromkeys(columns) if current is None else dict(zip(columns, current, strict=True))
    return tuple({**now, **stored}.values())
