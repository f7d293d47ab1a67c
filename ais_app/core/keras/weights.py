"""The HDF5 file of a Keras model: its JSON and its weights, and nothing else.

Only plain arrays of floats that lie in the file itself are read: links to other files, arrays kept elsewhere and
anything that would need unpickling or running are refused. What is read is as large as the network asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import h5py
import numpy as np

# what h5py and the JSON reader raise on damaged files
DAMAGE = (OSError, KeyError, IndexError, ValueError, TypeError, AttributeError, RuntimeError, OverflowError,
          RecursionError, MemoryError)  # fmt: skip
_MOST_TEXT = 64 * 2**20  # characters of the model's JSON


class KerasFile:
    """An open HDF5 file; see `keras_file`."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    @property
    def version(self) -> str:
        """Keras's version; empty where the file does not say."""
        return _text(self._file.attrs.get("keras_version", ""))

    def model(self) -> Any:
        """Return how the model is built, as Keras describes it.

        Raises
        ------
        ValueError
            The file holds weights alone, or no JSON.
        """
        if "model_config" not in self._file.attrs:
            raise ValueError("it holds no description of the network (weights alone are not enough)")
        text = _text(self._file.attrs["model_config"])
        if len(text) > _MOST_TEXT:
            raise ValueError(f"its description has {len(text):,} characters, more than {_MOST_TEXT:,}")
        return json.loads(text)

    def weight(self, home: Sequence[str], roles: Sequence[str], count: int) -> np.ndarray:
        """Return a weight as float32.

        Parameters
        ----------
        home
            Names of the layer that it belongs to, of the outermost first.
        roles
            What it may be called, such as ``"kernel"``.
        count
            How many numbers it must have.

        Raises
        ------
        ValueError
            It is not there, has another number of values, or is no plain array of floats.
        """
        top = _member(self._file, ("model_weights",)) if "model_weights" in self._file else self._file
        group = _member(top, (home[0],))
        names = _names(group)
        for role in roles:
            for name in names:
                parts = [part for part in name.split("/") if part]
                inside = len(home) == 1 or home[-1] in parts[:-1]
                if parts and inside and parts[-1].split(":")[0] == role:
                    return _values(_member(group, parts), count)
        raise ValueError(f"its weights {' or '.join(roles)} are not in the file")


@contextmanager
def keras_file(stream: BinaryIO) -> Iterator[KerasFile]:
    """Open a file-like object that holds HDF5; raises one of `DAMAGE`."""
    with h5py.File(stream, "r") as file:
        yield KerasFile(file)


def _names(group: Any) -> list[str]:
    """Return the weights of a layer; Keras cuts long lists into several attributes."""
    pieces = ["weight_names"] if "weight_names" in group.attrs else []
    while not pieces or pieces[-1] != "weight_names":
        name = f"weight_names{len(pieces)}"
        if name not in group.attrs:
            break
        pieces.append(name)
    return [_text(name) for piece in pieces for name in np.ravel(group.attrs[piece])]


def _member(group: Any, path: Sequence[str]) -> Any:
    """Follow names from a group, through what lies in the file itself."""
    for name in path:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} in it is missing, or leads out of the file")
        group = group[name]
    return group


def _values(found: Any, count: int) -> np.ndarray:
    if not isinstance(found, h5py.Dataset) or found.dtype.kind != "f" or found.is_virtual or found.external:
        raise ValueError(f"{found.name} in it is no plain array of numbers")
    if found.size != count:
        raise ValueError(f"{found.name} in it has {found.size:,} numbers, not {count:,}")
    return np.asarray(found[()], dtype=np.float32)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
