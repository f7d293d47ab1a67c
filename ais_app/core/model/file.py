"""The container of a model package: a zip of few, known, size-limited members. Reading it runs no code."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem, ModelProblem
from ais_app.core.files import replacing

FORMAT_VERSION = 1
CARD, WEIGHTS, PREVIEW, SOURCE = "model.json", "weights.safetensors", "preview.png", "architecture.py"
# bytes; a member that unpacks to more is refused before it is read
LIMITS = {CARD: 4 * 2**20, WEIGHTS: 8 * 2**30, PREVIEW: 16 * 2**20, SOURCE: 2**20}
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold: equal models give equal bytes


def write_members(path: str | Path, members: Mapping[str, bytes | Mapping[str, Any]]) -> Path:
    """Write a package; a mapping becomes JSON with the format's name and version in front."""
    path = Path(path)
    with replacing(path) as part, zipfile.ZipFile(part, "w") as package:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, _NO_DATE)
            if not isinstance(content, bytes):
                head = {"format": "ais-app model", "format_version": FORMAT_VERSION}
                content = json.dumps({**head, **content}, indent=2, ensure_ascii=False).encode()
            package.writestr(entry, content, zipfile.ZIP_STORED)
    return path


def read_members(path: str | Path, names: Iterable[str]) -> dict[str, bytes]:
    """Read members by name into memory; those that are absent are left out, except for card and weights.

    Raises
    ------
    FileProblem
        The file is missing or cannot be read.
    ModelProblem
        It is no model package, is damaged, or holds a member larger than its limit.
    """
    found = {}
    try:
        with zipfile.ZipFile(path) as package:
            entries = {entry.filename: entry for entry in package.infolist()}
            for name in names:
                if name in entries:
                    found[name] = _read(path, package, entries[name])
                elif name in (CARD, WEIGHTS):
                    raise ModelProblem(path, f"has no {name}", "it is not a model package of ais-app")
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error), "check the name") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        from_ais = Path(path).suffix.lower() in (".scnm", ".scnmgroup")
        remedy = "import it first: ais-app models import FILE OUT" if from_ais else "copy it again"
        raise ModelProblem(path, f"is not a model package, or is damaged ({error})", remedy) from error
    return found


def read_model_json(path: str | Path, content: bytes) -> dict[str, Any]:
    """Return the values of ``model.json`` without the format's name and version.

    Raises
    ------
    ModelProblem
        It is not JSON of this format, or of a newer version.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelProblem(path, f"{CARD} is not valid JSON ({error})") from error
    if not isinstance(values, dict) or values.pop("format", None) != "ais-app model":
        raise ModelProblem(path, f"{CARD} is not of the format 'ais-app model'")
    version = values.pop("format_version", None)
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise ModelProblem(path, f"is of a newer format ({version!r})", "update ais-app")
    return values


def _read(path: str | Path, package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    limit = LIMITS[entry.filename]
    # packages are stored, not compressed: what claims to grow by much is not one of ours
    if entry.file_size > limit or entry.file_size > 100 * entry.compress_size + 2**16:
        size = f"{entry.filename} unpacks to {entry.file_size:,} bytes"
        raise ModelProblem(path, size, f"at most {limit:,} are read; it is damaged or made to fill the memory")
    with package.open(entry) as stream:
        content = stream.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise ModelProblem(path, f"{entry.filename} is not as long as it says", "copy it again")
    return content
