"""The index of a zoo: ``index.json``, what it says about each network. Reading it runs no code and trusts nothing."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ais_app.core.errors import FileProblem

INDEX = "index.json"
FORMAT_NAME, FORMAT_VERSION = "ais-app zoo", 1
MOST_ENTRIES = 20_000
MOST_MODEL_BYTES = 8 * 2**30
# one plain name: no folder, no drive, nothing hidden; so a zoo cannot point outside itself, nor be written outside
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,119}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names that Windows keeps for devices


@dataclass(frozen=True)
class ZooEntry:
    """A network in a zoo.

    Parameters
    ----------
    name
        Unique in its zoo.
    file, size, sha256
        The model package: its plain name beside the index, its bytes, its checksum in hexadecimal.
    title, description
        For people.
    feature, architecture
        As in its model card.
    voxel_size
        Å, of the data it was trained on.
    filtering
        How those data were reconstructed and filtered, in words.
    data, limits
        What it was trained on, and where it is known to fail, in words.
    scores
        Name to number: on data it did not learn from.
    preview, card
        Plain names of a PNG picture and of a Markdown page beside the index; empty where there is none.
    authors, licence, published
        Who made it, under which terms, and the date, ``YYYY-MM-DD``.
    own_program
        Whether the package brings a Python program, which runs only after the person's yes.
    """

    name: str
    file: str
    size: int
    sha256: str
    title: str = ""
    description: str = ""
    feature: str = ""
    architecture: str = ""
    voxel_size: float | None = None
    filtering: str = ""
    data: str = ""
    limits: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    preview: str = ""
    card: str = ""
    authors: str = ""
    licence: str = ""
    published: str = ""
    own_program: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values without those that say nothing."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        values["scores"] = dict(self.scores)
        return {name: value for name, value in values.items() if value not in ("", None, {}, False)}

    def matches(self, words: str) -> bool:
        """Return whether each word of a search stands somewhere in what the entry says; case does not matter."""
        said = (self.name, self.title, self.feature, self.architecture, self.description, self.data, self.filtering)
        text = " ".join((*said, self.authors)).casefold()
        return all(word in text for word in words.casefold().split())


@dataclass(frozen=True)
class ZooIndex:
    """All that a zoo offers.

    Parameters
    ----------
    title
        Of the zoo.
    entries
        In the order of the index; names are unique.
    """

    title: str
    entries: Sequence[ZooEntry]

    def entry(self, name: str) -> ZooEntry | None:
        """Return a network by its name."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def to_text(self) -> str:
        """Return ``index.json``."""
        head = {"format": FORMAT_NAME, "format_version": FORMAT_VERSION, "title": self.title}
        values = head | {"models": [entry.to_dict() for entry in self.entries]}
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def read_index(text: str, place: str) -> ZooIndex:
    """Read ``index.json``.

    Parameters
    ----------
    text
        Its content.
    place
        Where it is from, for messages.

    Raises
    ------
    FileProblem
        It is not JSON of this format, of a newer version, or an entry is not possible.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileProblem(place, f"is not valid JSON ({str(error)[:120]})", "is this the address of a zoo?") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT_NAME:
        raise FileProblem(place, f"is not of the format {FORMAT_NAME!r}", "is this the address of a zoo?")
    version = values.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise FileProblem(place, f"is of a newer format ({version!r})", "update ais-app")
    found = values.get("models")
    if not isinstance(found, list) or len(found) > MOST_ENTRIES:
        raise FileProblem(place, f"lists no networks, or more than {MOST_ENTRIES:,}", "tell who keeps the zoo")
    entries = [_entry(item, place) for item in found]
    for what in ("name", "file"):
        seen = [getattr(entry, what).casefold() for entry in entries]
        if twice := sorted({one for one in seen if seen.count(one) > 1} if len(set(seen)) < len(seen) else ()):
            raise FileProblem(place, f"lists the {what} {twice[0]!r} twice", "tell who keeps the zoo")
    return ZooIndex(str(values.get("title", ""))[:200], entries)


def plain_file_name(name: object) -> bool:
    """Return whether a name is that of a file beside the index, on every system."""
    if not isinstance(name, str) or _FILE.fullmatch(name) is None or _RESERVED.fullmatch(name):
        return False
    return not name.endswith((".", " "))


def sound_name(name: object) -> bool:
    """Return whether a network may be called this."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _entry(values: Any, place: str) -> ZooEntry:
    if not isinstance(values, dict):
        raise FileProblem(place, f"holds {str(values)[:40]!r} where a network should be", "tell who keeps the zoo")
    known = {item.name for item in dataclasses.fields(ZooEntry)}  # what a later version adds is passed over
    given = {name: value for name, value in values.items() if name in known}
    wrong = _wrong(given)
    if wrong is not None:
        shown = f"{wrong} = {str(given.get(wrong))[:60]!r} is not possible"
        raise FileProblem(place, f"network {str(values.get('name'))[:60]!r}: {shown}", "tell who keeps the zoo")
    return ZooEntry(**given)


def _wrong(given: Mapping[str, Any]) -> str | None:
    """Return the first field that cannot be what it is."""
    size, voxel, scores = given.get("size"), given.get("voxel_size"), given.get("scores", {})
    sound = {
        "name": sound_name(given.get("name")),
        "file": _file_of_kind(given.get("file"), ".aismodel"),
        "size": type(size) is int and 0 < size <= MOST_MODEL_BYTES,
        "sha256": isinstance(given.get("sha256"), str) and re.fullmatch("[0-9a-f]{64}", given["sha256"]) is not None,
        "voxel_size": voxel is None or (_number(voxel) and voxel > 0),
        "scores": isinstance(scores, dict) and all(_number(value) for value in scores.values()),
        "own_program": isinstance(given.get("own_program", False), bool),
        "preview": not given.get("preview") or _file_of_kind(given["preview"], ".png"),
        "card": not given.get("card") or _file_of_kind(given["card"], ".md"),
    }
    texts = [item.name for item in dataclasses.fields(ZooEntry) if item.type == "str" and item.name not in sound]
    sound |= {name: isinstance(given.get(name, ""), str) and len(given.get(name, "")) <= 20_000 for name in texts}
    return next((name for name, fits in sound.items() if not fits), None)


def _file_of_kind(name: object, suffix: str) -> bool:
    return plain_file_name(name) and str(name).endswith(suffix)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
