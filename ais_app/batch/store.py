"""The SQLite side of a queue: the database of a project with tables of its own, written by several processes at once.

A rollback journal, as in projects: a write-ahead log needs memory shared by all who write, which workers on several
machines do not have.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path
from typing import Any

from ais_app.batch import schema
from ais_app.core.errors import FileProblem
from ais_app.state.database import Database, Words

SUFFIX = ".aisqueue"
_PATIENCE = 60  # seconds that a worker waits for the others' writing before it gives up


class QueueFile(Database):
    """An open queue file; see `Database`."""

    schema = schema
    words = Words(
        "queue",
        SUFFIX,
        missing="make one with: ais-app batch add",
        damaged="delete it and add the work again; results that are finished are skipped where you ask for it",
    )

    def __init__(self, path: Path) -> None:
        super().__init__(path, read_only=False)
        self.folder = path.resolve().parent
        self._version = 0

    @classmethod
    def create_missing(cls, path: Path) -> None:
        """Write an empty queue unless there is one; of several who try at once, one succeeds."""
        if path.exists():
            return
        new = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.new{path.suffix}")
        cls.create(new)
        try:
            _rename_unless_there(new, path)
        except OSError as error:
            remedy = "choose another folder or make room"
            raise FileProblem(path, f"cannot be written ({error.strerror or error})", remedy) from error
        finally:
            new.unlink(missing_ok=True)

    def change(self, statement: str, values: tuple[Any, ...] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        with self._lock, self._in_words():
            return self._connection.execute(statement, values).rowcount

    def be_patient(self) -> None:
        """Wait longer for others that are writing: a worker has time, a window has not."""
        self.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000}")

    def version(self) -> int:
        """Return a number that changes when another connection has written; never waits for one that is writing."""
        with self._lock, self._in_words():
            waits = self._connection.execute("PRAGMA busy_timeout").fetchone()[0]
            self._connection.execute("PRAGMA busy_timeout = 0")
            try:
                self._version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):  # being written at this moment: the next look will tell
                    raise
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {waits}")
            return self._version


def _rename_unless_there(new: Path, path: Path) -> None:
    try:
        os.link(new, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not path.exists():
            new.replace(path)
