"""One writer per project: a lock that the operating system drops when its holder dies.

The lock stands on a small file beside the project (``.P.aisproj.lock``), not on the project itself: closing any
second handle on an SQLite file would drop SQLite's own locks. It is removed when the project is closed.
"""

from __future__ import annotations

import os
import socket
import sys
import warnings
from datetime import datetime
from pathlib import Path

from ais_app.core.errors import DataWarning


class ProjectLock:
    """The right to write a project, held from `acquire` to `release`."""

    def __init__(self, project: Path) -> None:
        self.path = project.with_name(f".{project.name}.lock")
        self._handle: int | None = None

    def acquire(self) -> str:
        """Take the lock; return an empty string, or why it could not be taken."""
        while True:
            try:
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                return f"its folder cannot be written ({error.strerror or error})"
            if not _try_lock(handle):
                holder = os.pread(handle, 200, 0) if hasattr(os, "pread") else b""
                os.close(handle)
                return f"it is open elsewhere ({holder.decode(errors='replace') or 'another process'})"
            if _is_same_file(handle, self.path):
                break
            os.close(handle)  # the holder removed the file between our opening and our locking it: take the new one
        os.ftruncate(handle, 0)
        now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}, since {now}".encode())
        self._handle = handle
        return ""

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._handle is None:
            return
        if sys.platform == "win32":  # an open file cannot be removed there
            os.close(self._handle)
            self.path.unlink(missing_ok=True)
        else:
            self.path.unlink(missing_ok=True)
            os.close(self._handle)
        self._handle = None


def _is_same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        os.lseek(handle, 2**30, os.SEEK_SET)  # far behind the text, which others must be able to read
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # some cluster file systems are mounted without locks
            text = f"its file system has no locks ({error.strerror}); make sure that nobody else opens it"
            warnings.warn(DataWarning(text), stacklevel=2)
        return True
