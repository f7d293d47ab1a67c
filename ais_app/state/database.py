"""The SQLite side of a project, or of a queue: one file, whole transactions, errors in words.

A rollback journal, not a write-ahead log: every finished stroke is then in the one file a person sees (and copies,
also while the program is open or after it was killed), it works on network drives, and a read-only folder can be
read. The journal beside the file lives only while a stroke is being written. ``synchronous = FULL``: a finished
stroke survives a power cut as well.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from ais_app.core.errors import FileProblem, ProjectProblem
from ais_app.core.files import replacing
from ais_app.state import schema

_WAIT = 10.0  # seconds a reader waits for a stroke that another process is writing


@dataclass(frozen=True)
class Words:
    """How messages call a kind of file, and what they advise."""

    noun: str
    suffix: str
    missing: str
    damaged: str


PROJECT = Words(
    "project",
    ".aisproj",
    missing="make one with: ais-app project create",
    damaged="restore it from a copy; ais-app project check lists the damage",
)


class Database:
    """An open project file; the database of a queue derives from it, with a schema and words of its own.

    Calls may come from any thread; a transaction keeps the others out until it ends.
    """

    schema: ModuleType = schema
    words: Words = PROJECT

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path, self.read_only = path, read_only
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = _connect(path, read_only, self.words)
        try:
            with self._in_words():
                self._check_version()
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def create(cls, path: Path) -> None:
        """Write an empty file, whole or not at all."""
        with replacing(path) as part:
            part.touch()  # SQLite does not say why a file cannot be made; this does
            with in_words(path, cls.words), closing(sqlite3.connect(part, isolation_level=None)) as connection:
                cls.schema.migrate(connection)

    def _in_words(self) -> AbstractContextManager[None]:
        return in_words(self.path, self.words)

    def _check_version(self) -> None:
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        if application != self.schema.APPLICATION_ID:
            remedy = f"choose a file that ends in {self.words.suffix}"
            raise FileProblem(self.path, f"is not a {self.words.noun} of ais-app", remedy)
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        newest = self.schema.VERSION
        if version > newest:
            problem = f"was made by a newer ais-app (format {version}, this one knows up to {newest})"
            raise ProjectProblem(self.path, problem, "update ais-app")
        if version < newest and self.read_only:
            remedy = "open it once where it can be written"
            raise ProjectProblem(self.path, f"is of an older format ({version})", remedy)
        self.schema.migrate(self._connection)

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._lock, self._in_words():
            return self._connection.execute(statement, values).fetchall()

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> int:
        """Run one statement and return the id of the row it inserted."""
        with self._lock, self._in_words():
            return self._connection.execute(statement, values).lastrowid or 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in the block or nothing; a block within a block joins it.

        Raises
        ------
        ProjectProblem
            The project is open read-only.
        """
        if self.read_only:
            raise ProjectProblem(self.path, "is open read-only", "close it elsewhere, or work on a copy")
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self.execute("BEGIN IMMEDIATE")
                yield
                if self._depth == 1:
                    self.execute("COMMIT")
            except BaseException:
                if self._depth == 1:
                    with self._in_words():
                        is_open = self._connection.in_transaction
                    if is_open:
                        self.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def copy_to(self, part: Path) -> None:
        """Write everything that is committed to a new file; others may write meanwhile, none of it is torn.

        Raises
        ------
        ProjectProblem
            A transaction is open.
        """
        with self._lock:
            if self._depth:
                raise ProjectProblem(self.path, "is being changed", "copy it when the change is done")
            part.touch()
            with in_words(part, self.words), closing(sqlite3.connect(part)) as target:
                self._connection.backup(target)

    def problems(self) -> list[str]:
        """Return what SQLite finds wrong with the file; empty when nothing is. Reads all of it."""
        with self._lock:
            try:
                found = [row[0] for row in self._connection.execute("PRAGMA integrity_check")]
            except sqlite3.DatabaseError as error:
                found = [str(error)]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        """Close the file; calling it twice does nothing."""
        with self._lock:
            self._connection.close()


def require_file(path: Path, words: Words = PROJECT) -> None:
    """Raise `FileProblem` where there is no file."""
    try:
        is_there = path.is_file()
    except OSError as error:  # a name that is too long, say
        raise FileProblem(path, f"cannot be opened ({error.strerror})", "check the name") from error
    if not is_there:
        raise FileProblem(path, f"no such {words.noun}", words.missing)


def refuse_existing(path: Path) -> None:
    """Raise `FileProblem` where there is something already, or nothing can be."""
    try:
        is_there = path.exists()
    except OSError as error:
        raise FileProblem(path, f"cannot be written ({error.strerror})", "choose another name or folder") from error
    if is_there:
        raise FileProblem(path, "exists already", "choose another name, or open it")


def _connect(path: Path, read_only: bool, words: Words) -> sqlite3.Connection:
    require_file(path, words)
    # rw also for reading: what a killed process left half done is rolled back, wherever the file may be written
    address = f"file:{quote(path.resolve().as_posix())}?mode=rw"
    with in_words(path, words):
        connection = sqlite3.connect(
            address, uri=True, isolation_level=None, timeout=_WAIT, check_same_thread=False, cached_statements=64
        )
    try:
        with in_words(path, words):
            if read_only:
                connection.execute("PRAGMA query_only = ON")
            else:
                connection.execute("PRAGMA journal_mode = DELETE").fetchone()
                connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cache_size = -16000")  # KiB: what stays in memory, whatever the project's size
            # a project may come from a stranger: no functions called from within its schema
            connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def in_words(path: Path, words: Words) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        if "closed" not in str(error):
            raise
        raise ProjectProblem(path, "is closed already", "open it again") from error
    except sqlite3.OperationalError as error:
        raise _operational(path, str(error)) from error
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise FileProblem(path, f"is damaged or no {words.noun} ({error})", words.damaged) from error


def _operational(path: Path, text: str) -> FileProblem | ProjectProblem:
    if "locked" in text:
        return ProjectProblem(path, "is being written by another process", "try again in a moment")
    if "unable to open" in text or "readonly" in text:
        if path.exists() and not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
            return FileProblem(path, "may not be read by you", "ask its owner for the right to read it")
        if path.with_name(f"{path.name}-journal").exists():
            remedy = "open it once in a folder that can be written"
            return FileProblem(
                path, f"was interrupted while it was written, and cannot be put right here ({text})", remedy
            )
        return FileProblem(path, f"cannot be opened ({text})", "see that you may write the file and its folder")
    if "full" in text:
        return FileProblem(path, "cannot be written: the disk is full", "make room; what was finished before is in it")
    return FileProblem(path, f"cannot be read or written ({text})", "see that its disk or network drive is there")
