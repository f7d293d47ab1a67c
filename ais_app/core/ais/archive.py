"""The tar archives that Ais keeps models in, read in place: nothing is unpacked to disk.

Links, devices, sparse files and names that lead out of the archive are refused, and sizes are limited before anything
is read. The archives are not compressed, so that nothing in them is larger than the file.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from ais_app.core.ais.bounded import BoundedFile
from ais_app.core.errors import FileProblem

MOST_MEMBERS = 1000
MOST_BYTES = 4 * 2**30  # of all members together
MOST_TEXT = 4 * 2**20  # bytes of a JSON or a picture that are read at once

# what tarfile raises on damaged files
DAMAGE = (OSError, ValueError, OverflowError, tarfile.TarError, EOFError)


class Archive:
    """An archive that was looked through; see `open_archive`.

    Parameters
    ----------
    path
        What errors call it.
    tar
        Open.
    """

    def __init__(self, path: str | Path, tar: tarfile.TarFile) -> None:
        self.path = path
        self._tar = tar
        self._members = {member.name: member for member in _checked(path, tar)}

    @property
    def names(self) -> list[str]:
        """Members by name."""
        return list(self._members)

    def only(self, ending: str, what: str) -> str:
        """Return the member whose name ends like this.

        Raises
        ------
        FileProblem
            There is none, or several.
        """
        found = [name for name in self._members if name.endswith(ending)]
        if len(found) != 1:
            raise FileProblem(self.path, f"holds {len(found)} members named …{ending}, not one", f"it is no {what}")
        return found[0]

    def open(self, name: str) -> BinaryIO:
        """Return a member as a file-like object."""
        stream = self._tar.extractfile(self._members[name])
        assert stream is not None  # only files were let through
        return cast("BinaryIO", stream)

    def read(self, name: str) -> bytes:
        """Return a small member.

        Raises
        ------
        FileProblem
            It is larger than `MOST_TEXT`.
        """
        size = self._members[name].size
        if size > MOST_TEXT:
            raise FileProblem(self.path, f"{name} in it has {size:,} bytes", f"at most {MOST_TEXT:,} are read")
        return self.open(name).read()


@contextmanager
def open_archive(path: str | Path, stream: BinaryIO, what: str) -> Iterator[Archive]:
    """Open an archive.

    Parameters
    ----------
    path
        What errors call it.
    stream
        Its bytes.
    what
        What it should be: ``"model of Ais"``.

    Raises
    ------
    FileProblem
        It is no such archive, is damaged, or holds what has no place in it.
    """
    try:
        tar = tarfile.open(fileobj=BoundedFile(stream), mode="r:")
        archive = Archive(path, tar)
    except DAMAGE as error:
        raise FileProblem(path, f"cannot be read as a {what} ({error})", "copy it again") from error
    with tar:
        yield archive


def _checked(path: str | Path, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    total = 0
    for count, member in enumerate(tar):
        total += member.size
        if member.isdir():
            continue
        name = PurePosixPath(member.name)
        problem = ""
        if not member.isreg() or member.issparse():
            problem = "is a link or a device"
        elif name.is_absolute() or ".." in name.parts or "\\" in member.name or ":" in member.name:
            problem = "leads out of the archive"
        elif total > MOST_BYTES or count >= MOST_MEMBERS:
            problem = f"is too much: member {count + 1:,}, {total:,} bytes in all"
        if problem:
            raise FileProblem(
                path, f"{member.name} in it {problem}", "it has no place in a file of Ais; nothing was read"
            )
        yield member
