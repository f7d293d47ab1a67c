"""Finding files again: where a project remembers them, and where they are when something was moved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ais_app.core.jobs import Job, Progress, run
from ais_app.core.provenance import fingerprint

_DEPTH = 4  # folders below the place that is searched
_TELL = 500  # files looked at between two messages
_MOST = 20_000  # files looked at: a search near the project must not walk through a whole disk


@dataclass(frozen=True)
class Link:
    """How a project refers to a file.

    Parameters
    ----------
    relative
        From the project's folder, with forward slashes; absolute only across drives.
    last_seen
        Absolute, on the machine that last found it.
    fingerprint
        Of its content.
    bytes
        Size of the file; 0 for a folder or where it was not noted.
    """

    relative: str
    last_seen: str
    fingerprint: str
    bytes: int = 0


def make_link(file: Path, folder: Path) -> Link:
    """Return the link from a project in `folder` to an existing `file`."""
    file = file.resolve()
    size = file.stat().st_size if file.is_file() else 0
    return Link(relative_to(file, folder), str(file), fingerprint(file), size)


def relative_to(file: Path, folder: Path) -> str:
    """Return `file` as seen from `folder`, with forward slashes; absolute across drives."""
    try:
        return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return file.resolve().as_posix()


def places(link: Link, folder: Path) -> list[Path]:
    """Return where the file should be: beside the project as it was, then where it was last seen."""
    return [folder / Path(PurePosixPath(link.relative)), Path(link.last_seen)]


def locate(link: Link, folder: Path) -> Path | None:
    """Return the file if it is where it should be, else ``None``.

    The place relative to the project comes first and is taken by name. Where it was last seen on this machine counts
    only with the same content, so that an older copy of the folder is not picked up unseen.
    """
    beside, last = places(link, folder)
    if beside.exists():
        return beside.resolve()
    if last.exists() and _same(last, link):
        return last
    return None


def search(links: Iterable[Link], folder: Path) -> dict[Link, Path]:
    """Look for files by content in a folder and the folders below it.

    Files of the same name are compared first; then any file of the same size.

    Returns
    -------
    dict
        Link to path for those that were found.
    """
    return run(search_job(links, folder))


def search_job(links: Iterable[Link], folder: Path) -> Job[dict[Link, Path]]:
    """Look for files as `search` does, as a job that can be stopped between two of them."""
    wanted = list(links)
    found: dict[Link, Path] = {}
    entries: list[tuple[Path, int]] = []
    for entry in _walk(folder):
        entries.append(entry)
        if len(entries) % _TELL == 0:
            yield Progress(0, 0, f"{len(entries):,} files seen in {folder}")
    for by_name in (True, False):
        for place, link in enumerate(wanted):
            if link in found:
                continue
            name = PurePosixPath(link.relative).name
            words = f"looking for {name}" if by_name else f"looking for {name} under another name"
            alike = [path for path, size in entries if (path.name == name) == by_name and _maybe(link, size, by_name)]
            for path in alike:
                yield Progress(place, len(wanted), words)
                if _same(path, link):
                    found[link] = path
                    break
    return found


def _maybe(link: Link, size: int, by_name: bool) -> bool:
    return size == link.bytes and (by_name or size > 0)


def _same(path: Path, link: Link) -> bool:
    if link.bytes and (not path.is_file() or path.stat().st_size != link.bytes):
        return False
    return fingerprint(path) == link.fingerprint


def _walk(folder: Path) -> Iterator[tuple[Path, int]]:
    """Give files with their size, and folders with 0, nearest first; what cannot be read is passed over."""
    level, count = [folder.resolve()], 0
    for _ in range(_DEPTH + 1):
        below: list[Path] = []
        for place in level:
            try:
                entries = sorted(os.scandir(place), key=lambda entry: entry.name)
            except OSError:  # no right to look into it: what is there cannot be opened either
                continue
            for entry in entries:
                count += 1
                if count > _MOST:
                    return
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder:
                    below.append(Path(entry.path))
                if is_folder or entry.is_file():
                    yield Path(entry.path), 0 if is_folder else entry.stat().st_size
        level = below
