"""A zoo as its visitors see it: what there is, how it looks, and a network brought home.

folder or http://…/ ─► index.json ─► entries ─► preview, card
└──► download: part file, resumed, checked ─► NAME.aismodel
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from ais_app.core.errors import FileProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.model.package import load_card
from ais_app.core.zoo.index import INDEX, ZooEntry, ZooIndex, read_index
from ais_app.core.zoo.reading import Limits, is_address, opened, pieces, read_whole

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Zoo:
    """A folder or an address with networks.

    Parameters
    ----------
    place
        Path of a folder, or ``http://…`` / ``https://…``; the name ``index.json`` at its end may stand there or not.
    limits
        What is waited for and read at most.
    """

    place: str
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", str(self.place).removesuffix(INDEX).rstrip("/") or "/")

    def index(self) -> ZooIndex:
        """Read what there is.

        Raises
        ------
        FileProblem
            There is no index, it is no index of a zoo, or the server does not answer.
        """
        content = read_whole(self.place, INDEX, self.limits.index, self.limits)
        subject = f"{self.place}/{INDEX}"
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FileProblem(subject, "is not text", "is this the address of a zoo?") from error
        return read_index(text, subject)

    def entry(self, name: str) -> ZooEntry:
        """Return a network by its name.

        Raises
        ------
        FileProblem
            The zoo has none of this name; the message lists some that it has.
        """
        index = self.index()
        found = index.entry(name)
        if found is None:
            known = ", ".join(entry.name for entry in index.entries[:8]) or "none"
            raise FileProblem(self.place, f"has no network {name!r}", f"it has: {known}")
        return found

    def preview(self, entry: ZooEntry) -> bytes | None:
        """Return a network's picture, PNG; ``None`` where it has none.

        Raises
        ------
        FileProblem
            It cannot be read, or is no PNG.
        """
        if not entry.preview:
            return None
        content = read_whole(self.place, entry.preview, self.limits.preview, self.limits)
        if not content.startswith(_PNG):
            raise FileProblem(f"{self.place}/{entry.preview}", "is no PNG picture", "tell who keeps the zoo")
        return content

    def card(self, entry: ZooEntry) -> str:
        """Return a network's page, Markdown; empty where it has none."""
        if not entry.card:
            return ""
        return read_whole(self.place, entry.card, self.limits.card, self.limits).decode("utf-8", errors="replace")

    def download_job(self, entry: ZooEntry, folder: str | Path) -> Job[Path]:
        """Bring a network home as a job: ``folder/FILE``, whole and checked, or not there.

        What has come before an interruption stays beside it, and the next download goes on from there.

        Yields
        ------
        Progress
            Bytes.

        Raises
        ------
        FileProblem
            The server breaks off, sends something else than the index says, or the file is another network.
        """
        target = Path(folder) / entry.file
        if target.exists():
            if _digest(target) == entry.sha256:
                return target
            raise FileProblem(target, "is there already and is another network", "choose another folder or move it")
        _make(target.parent)
        part = target.with_name(f".{target.name}.{entry.sha256[:8]}.part")
        digest = yield from self._fetch(entry, part)
        if digest != entry.sha256:
            part.unlink()
            subject = f"{self.place}/{entry.file}"
            raise FileProblem(subject, "is not the file that the index lists (its SHA-256 differs)", "try again")
        load_card(part)  # what is no model package does not get the name of one
        part.replace(target)
        return target

    def _fetch(self, entry: ZooEntry, part: Path) -> Job[str]:
        """Append to the part file until it is as long as the index says; return its SHA-256."""
        subject = f"{self.place}/{entry.file}"
        there = part.stat().st_size if part.exists() else 0
        if there > entry.size:
            part.unlink()
            there = 0
        if there < entry.size:
            with opened(self.place, entry.file, self.limits, start=there) as body:
                if body.length is not None and body.length != entry.size:
                    problem = f"has {body.length:,} bytes, the index lists {entry.size:,}"
                    raise FileProblem(subject, problem, "tell who keeps the zoo")
                with part.open("ab" if body.start else "wb") as stream:
                    done = body.start
                    yield Progress(done, entry.size, entry.file)
                    for piece in pieces(body, self.limits, subject):
                        done += len(piece)
                        if done > entry.size:
                            break
                        stream.write(piece)
                        yield Progress(done, entry.size, entry.file)
            if done > entry.size:
                part.unlink()
                raise FileProblem(subject, f"is longer than the {entry.size:,} bytes in the index", "tell its keeper")
            if done < entry.size:
                problem = f"ended after {done:,} of {entry.size:,} bytes"
                raise FileProblem(subject, problem, "download it again: it goes on from there")
        return _digest(part)

    @property
    def is_remote(self) -> bool:
        """Whether it is on the network."""
        return is_address(self.place)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileProblem(folder, f"cannot be made ({error.strerror or error})", "choose another folder") from error
