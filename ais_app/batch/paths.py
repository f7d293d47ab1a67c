"""Arguments of an operation as JSON, with paths relative to the queue's folder.

    {"tomograms": ["/data/a/TS_01.mrc"], "mask": "membrane"}        in memory: absolute
    {"tomograms": [{"@path": "../a/TS_01.mrc"}], "mask": "membrane"}  in the file: the folder can be moved

A path is a `Path`, or an absolute name. Other text stays as it is: it may be the name of a feature.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem, ParameterProblem

_KEY = "@path"  # no argument can have this name


def to_text(value: Any, folder: Path) -> str:
    """Return arguments as JSON.

    Raises
    ------
    ParameterProblem
        A value is nothing that JSON can hold.
    """
    return json.dumps(_stored(value, folder), ensure_ascii=False)


def from_text(text: str, folder: Path) -> Any:
    """Return what `to_text` was given, with absolute paths, parameter sets as plain values.

    Raises
    ------
    FileProblem
        The text is damaged.
    """
    try:
        return _loaded(json.loads(text), folder)
    except (ValueError, RecursionError) as error:
        problem = f"its queue holds a damaged item ({error})"
        raise FileProblem(folder, problem, "remove the item and add it again") from error


def absolute(path: str | Path) -> Path:
    """Return the absolute path without dots in it; links are kept, for they have names of their own."""
    return Path(os.path.normpath(Path(path).absolute()))


def _stored(value: Any, folder: Path) -> Any:
    if isinstance(value, Path) or (isinstance(value, str) and Path(value).is_absolute()):
        return {_KEY: _relative(absolute(value), folder)}
    if isinstance(value, Mapping):
        return {str(key): _stored(item, folder) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_stored(item, folder) for item in value]
    if hasattr(value, "to_dict"):
        return _stored(value.to_dict(), folder)
    if value is None or isinstance(value, (str, int, float)):
        return value
    if hasattr(value, "item"):  # a number of numpy
        return _stored(value.item(), folder)
    raise ParameterProblem("queue", f"{value!r} cannot be kept in a file", "give numbers, text, lists and paths")


def _loaded(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        if list(value) == [_KEY]:
            return os.path.normpath(folder / str(value[_KEY]))
        return {key: _loaded(item, folder) for key, item in value.items()}
    return [_loaded(item, folder) for item in value] if isinstance(value, list) else value


def _relative(path: Path, folder: Path) -> str:
    # dots only mean what they say where no folder on the way is a link
    real = path.parent.resolve() / path.name
    try:
        return Path(os.path.relpath(real, folder)).as_posix()
    except ValueError:  # another drive on Windows
        return real.as_posix()
