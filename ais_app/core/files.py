"""Files that are either whole or not there."""

from __future__ import annotations

import glob
import gzip
import json
import os
import secrets
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem, ParameterProblem


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; rename it to `path` on success, remove it on failure.

    The suffix is kept (``volume.mrc`` is written as ``.volume.<random>.part.mrc``), so that writers which choose
    a format by suffix work. Folders (OME-Zarr) are replaced as a whole.

    Raises
    ------
    FileProblem
        The folder does not exist or cannot be written, the disk is full, or a folder lies where a file should.
    """
    path = Path(path)
    stem, suffix = _parts(path)
    part = path.with_name(f".{stem}.{secrets.token_hex(4)}.part{suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield part
        if path.is_dir() and not path.is_symlink():
            if not part.is_dir():  # it holds what nobody said should go
                raise FileProblem(path, "is a folder, where a file is to be written", "give the name of a file")
            shutil.rmtree(path)
        part.replace(path)
    except OSError as error:
        # an input that cannot be read inside the block is not a problem of this output
        if error.filename is not None and not str(error.filename).startswith(str(part)):
            raise
        raise _unwritable(path, error) from error
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def made_folder(folder: Path) -> Path:
    """Make a folder where it is missing.

    Raises
    ------
    FileProblem
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def check_writable(folder: Path, remedy: str = "choose another place") -> None:
    """Find out before the work, not after it, that a folder cannot be made or written to; nothing is made.

    Raises
    ------
    FileProblem
        It, or the nearest folder above it that there is, is a file or may not be written to by this user.
    """
    mine = os.access in os.supports_effective_ids
    # what lies in a folder that this user may not look into counts as not there: the folder is named then
    places = (folder, *folder.absolute().parents)
    above = next(place for place in places if os.access(place, os.F_OK, effective_ids=mine))
    if not above.is_dir():
        raise FileProblem(above, "is a file, not a folder", remedy)
    if not os.access(above, os.W_OK | os.X_OK, effective_ids=mine):
        raise FileProblem(above, "cannot be written to", remedy)


def check_file_writable(path: Path, what: str) -> None:
    """Find out before the work that a file cannot be written; nothing is made.

    Parameters
    ----------
    path
        The file.
    what
        It is, for the remedy: ``"a STAR file"``.

    Raises
    ------
    FileProblem
        There is a folder of that name, or its folder cannot be made or written to.
    """
    check_writable(path.parent)
    if path.is_dir():
        raise FileProblem(path, "is a folder", f"give the name of {what}")


def check_not_input(outputs: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Find out before the work that an output would overwrite an input.

    Parameters
    ----------
    outputs
        Files or folders that will be written. Where a name is only the beginning of many, give them all.
    inputs
        Files, or folders such as stacks, that are read; they need not be there.

    Raises
    ------
    ParameterProblem
        An output is an input, also by a link or another spelling of its name, or one lies in the other.
    """
    named = {Path(path).resolve(): path for path in inputs}
    known = {_identity(Path(path)) for path in named.values()} - {None}
    around = {folder: path for read, path in named.items() for folder in read.parents}
    remedy = "choose another name or folder"
    for output in map(Path, outputs):
        place = output.resolve()
        if place in named or _identity(output) in known:
            raise ParameterProblem(output, "is an input; it would be overwritten", remedy)
        if (above := next((folder for folder in place.parents if folder in named), None)) is not None:
            raise ParameterProblem(output, f"lies in the input {named[above]}, which would be changed", remedy)
        if place in around:
            raise ParameterProblem(output, f"would replace the folder that the input {around[place]} lies in", remedy)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what a file has under all its names; nothing where it is not there, or its disk does not number files."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_ino else None


def check_suffix(path: str | Path, suffixes: Sequence[str], what: str) -> None:
    """Find out before the work that the name of an output does not end as its kind of file does.

    Parameters
    ----------
    path
        The output.
    suffixes
        Lower-case, with dot; the first is proposed.
    what
        It is, for the message: ``"a STAR file"``.

    Raises
    ------
    ParameterProblem
        It ends in none of them.
    """
    path = Path(path)
    if not path.name.lower().endswith(tuple(suffixes)):
        problem = f"is to be {what}, which does not end in {path.suffix or 'nothing'}"
        raise ParameterProblem(path, problem, f"call it {_parts(path)[0]}{suffixes[0]}")


def remove_leftovers(path: str | Path) -> None:
    """Remove the temporary files of writers of `path` that were killed; call it only when nobody writes it."""
    path = Path(path)
    stem, suffix = _parts(path)
    for part in path.parent.glob(f".{glob.escape(stem)}.????????.part{glob.escape(suffix)}"):
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def make_durable(paths: Iterable[str | Path]) -> None:
    """Wait until finished files, or folders with all that is in them, are on the disk and survive a power cut."""
    for path in map(Path, paths):
        files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
        for file in files:
            with file.open("rb+") as stream:  # Windows flushes only what it may write
                os.fsync(stream.fileno())
        if os.name == "posix":  # the name as well
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _parts(path: Path) -> tuple[str, str]:
    if path.suffix in {".gz", ".bz2"}:
        return path.with_suffix("").stem, "".join(path.suffixes[-2:])
    return path.stem, path.suffix


def _unwritable(path: Path, error: OSError) -> FileProblem:
    return FileProblem(path, f"cannot be written ({error.strerror or error})", "choose another folder or make room")


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 text atomically and return the path."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    return Path(path)


def read_text(path: str | Path) -> str:
    """Read a UTF-8 text file, also one packed with gzip (``.gz``).

    Raises
    ------
    FileProblem
        The file is missing, unreadable, damaged or not text.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise FileProblem(path, "no such file", "check the name") from error
    except (zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise FileProblem(path, f"is damaged ({error})", "copy it again") from error
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise FileProblem(path, "is not text") from error
    if "\0" in text:
        raise FileProblem(path, "is not text")
    return text


def write_json(path: str | Path, value: Any) -> Path:
    """Write JSON atomically, indented, keys in the order given."""
    return write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    FileProblem
        The file is missing, unreadable or not JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # the latter: brackets nested without end
        raise FileProblem(path, f"is not valid JSON ({error})") from error
