"""Where an output came from: inputs with fingerprints, model hashes, parameters, versions.

Every output ``NAME`` gets a sidecar ``NAME.json`` (for programs, and for ``ais-app replay``) and, where the format
has room, one header line (for people).
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem
from ais_app.core.files import read_json, write_json

FORMAT_VERSION = 1
_MOST_FILES = 64  # deep in a folder whose content is read
_PIECE = 2**20  # bytes read at the start, in the middle and at the end of a large file


@dataclass(frozen=True)
class Provenance:
    """How an output was made.

    Parameters
    ----------
    operation
        Name of the operation in `ais_app.operations`: ``"segment"``.
    arguments
        Its arguments as JSON-able values; paths relative to the sidecar where that is possible.
    inputs
        Path (as in `arguments`) to fingerprint of every file that was read.
    notes
        What the operation decided by itself: engine, device, precision, number of threads.
    versions
        Versions of the program and of what it computes with.
    """

    operation: str
    arguments: dict[str, Any]
    inputs: dict[str, str]
    notes: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """One line of at most 80 characters for a header."""
        return f"ais-app {program_version()} {self.operation}; see the .json beside this file"[:80]

    def write(self, output: str | Path) -> Path:
        """Write the sidecar of `output` and return its path."""
        content = {"format": "ais-app provenance", "format_version": FORMAT_VERSION, **asdict(self)}
        return write_json(sidecar(output), content)


def sidecar(output: str | Path) -> Path:
    """Return the path of an output's provenance: ``map.mrc`` has ``map.mrc.json``."""
    output = Path(output)
    return output.with_name(output.name + ".json")


def read_provenance(path: str | Path) -> Provenance:
    """Read the provenance of an output, given the output or its sidecar.

    Raises
    ------
    FileProblem
        There is no sidecar, or it is not one of this program's.
    """
    path = Path(path)
    file = sidecar(path) if sidecar(path).exists() else path
    if not file.exists() or (file == path and path.suffix != ".json"):
        raise FileProblem(path, "has no provenance file beside it", f"{sidecar(path).name} is needed")
    content = read_json(file)
    if not isinstance(content, dict) or content.get("format") != "ais-app provenance":
        raise FileProblem(file, "is not a provenance file of ais-app")
    version = content.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise FileProblem(file, f"is of a newer format ({version!r})", "update ais-app")
    missing = [name for name in Provenance.__dataclass_fields__ if name not in content]
    if missing:
        raise FileProblem(file, f"is damaged: it has no {', '.join(missing)}", "copy it again")
    return Provenance(**{name: content[name] for name in Provenance.__dataclass_fields__})


def record(
    operation: str,
    output: str | Path,
    arguments: Mapping[str, Any],
    inputs: Sequence[str | Path] | Mapping[Path, str],
    notes: Mapping[str, Any] | None = None,
) -> Provenance:
    """Collect the provenance of `output`.

    `inputs` are files as they are now, or files with the fingerprints that they had when they were read.
    `arguments` may hold paths among their values: those that name one of `inputs`, or the Zarr folder of which an input
    is a part, are written relative to the output's folder, so that the whole folder can be moved.
    """
    folder = Path(output).resolve().parent
    read = inputs if isinstance(inputs, Mapping) else {path: fingerprint(path) for path in inputs}
    names = {str(path): _relative(path, folder) for path in inputs}
    wholes = {path.parent for path in map(Path, inputs) if path.parent.suffix == ".zarr"}
    known = {**{str(path): _relative(path, folder) for path in wholes}, **names}
    return Provenance(
        operation=operation,
        arguments={key: _jsonable(value, known) for key, value in arguments.items()},
        inputs={names[str(path)]: known_as for path, known_as in read.items()},
        notes=dict(notes or {}),
        versions=versions(),
    )


def fingerprint(path: str | Path) -> str:
    """Return a hash that tells files apart quickly, also large ones.

    BLAKE2b of the size and of three pieces of 1 MiB (start, middle, end); files up to 3 MiB enter whole. For
    a folder (OME-Zarr, a stack of subtomograms): of the names and sizes of all files in it, and of the fingerprints
    of those that lie directly in it and of others, up to 64 of them, spread evenly.
    """
    path = Path(path)
    digest = hashlib.blake2b(digest_size=16)
    try:
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.is_file())
            deeper = [file for file in files if file.parent != path]
            skipped = set(deeper) - set(deeper[:: max(1, -(-len(deeper) // _MOST_FILES))])
            for file in files:
                known = str(file.stat().st_size) if file in skipped else fingerprint(file)
                digest.update(f"{file.relative_to(path).as_posix()} {known}\n".encode())
            return digest.hexdigest()
        size = path.stat().st_size
        digest.update(str(size).encode())
        with path.open("rb") as stream:
            starts = [0] if size <= 3 * _PIECE else [0, (size - _PIECE) // 2, size - _PIECE]
            for start in starts:
                stream.seek(start)
                digest.update(stream.read(size if len(starts) == 1 else _PIECE))
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error)) from error
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of the program, of Python and of the libraries that results depend on."""
    found = {"ais-app": program_version(), "python": platform.python_version()}
    for name in ("numpy", "scipy", "torch", "openvino", "scikit-image"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def program_version() -> str:
    """Return the installed version of ais-app."""
    return version("ais-app")


def _relative(path: str | Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(Path(path).resolve(), folder)).as_posix()
    except ValueError:  # another drive on Windows
        return Path(path).resolve().as_posix()


def _jsonable(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, (str, Path)):
        return names.get(str(value), str(value))
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item, names) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item, names) for item in value]
    if hasattr(value, "to_dict"):
        return _jsonable(value.to_dict(), names)
    return value
