"""What is in the HDF5 file of a Keras model: its JSON and its weights, read in a process of its own.

The HDF5 library ends the program when it meets some kinds of damage (measured: a few changed bytes in a text). So a
child reads the file and hands plain numbers over; if it dies, the file is damaged and the program goes on.

Only plain arrays of floats that lie in the file itself are read: links, arrays kept elsewhere and anything that would
need unpickling or running are left out, with the reason.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import h5py
import numpy as np

MOST_NUMBERS = 2**29  # in all weights together: 2 GiB
MOST_TEXT = 64 * 2**20  # characters of the model's JSON
MOST_LAYERS = 10_000
SECONDS = 600  # a child that takes longer is ended
# what h5py and the JSON reader raise on damaged files
DAMAGE = (OSError, KeyError, IndexError, ValueError, TypeError, AttributeError, RuntimeError, OverflowError,
          RecursionError, MemoryError)  # fmt: skip
_CHILD = "import sys; sys.path[:] = {path!r}; from ais_app.core.keras.reader import main; main()"


@dataclass
class Contents:
    """What is in a file.

    Parameters
    ----------
    version
        Of Keras; empty where the file does not say.
    model
        How the network is built, as JSON; empty where the file holds weights alone.
    weights
        Layer to name to float32 array, or to the reason why it was left out.
    """

    version: str = ""
    model: str = ""
    weights: dict[str, dict[str, np.ndarray | str]] = field(default_factory=dict)

    def weight(self, home: Sequence[str], roles: Sequence[str]) -> np.ndarray:
        """Return a weight.

        Parameters
        ----------
        home
            Names of the layer that it belongs to, of the outermost first.
        roles
            What it may be called, such as ``"kernel"``.

        Raises
        ------
        ValueError
            It is not there, or was left out.
        """
        for role in roles:
            for name, value in self.weights.get(home[0], {}).items():
                path, _, last = f"/{name}".rpartition("/")
                inside = len(home) == 1 or f"/{home[-1]}/" in f"{path}/"
                if inside and last.split(":")[0] == role:
                    if isinstance(value, str):
                        raise ValueError(value)
                    return value
        raise ValueError(f"its weights {' or '.join(roles)} are not in the file")


def read_contents(stream: BinaryIO) -> Contents:
    """Read a file in a process of its own.

    Raises
    ------
    ValueError
        It is no HDF5 file of Keras, is damaged or too large.
    """
    path = [entry for entry in sys.path if entry]  # the folder that one happens to be in is none to import from
    quiet = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    command = [sys.executable, "-c", _CHILD.format(path=path)]
    try:
        done = subprocess.run(
            command, input=stream.read(), capture_output=True, timeout=SECONDS, check=False, creationflags=quiet
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"its HDF5 could not be read in {SECONDS} seconds") from error
    if done.returncode != 0 or len(done.stdout) < 8:
        raise ValueError("its HDF5 is damaged (the process that read it ended)")
    return _unpacked(done.stdout)


def contents(stream: BinaryIO) -> Contents:
    """Read a file in this process; raises one of `DAMAGE`. Only for files that are known to be whole."""
    found = Contents()
    with h5py.File(stream, "r") as file:
        found.version = _text(file.attrs.get("keras_version", ""))
        found.model = _text(file.attrs.get("model_config", ""))
        if len(found.model) > MOST_TEXT:
            raise ValueError(f"its description has {len(found.model):,} characters, more than {MOST_TEXT:,}")
        top = _member(file, ("model_weights",)) if "model_weights" in file else file
        layers = list(_listed(top, "layer_names"))
        if len(layers) > MOST_LAYERS:
            raise ValueError(f"it has {len(layers):,} layers, more than {MOST_LAYERS:,}")
        left = MOST_NUMBERS
        for layer in layers:
            group = _member(top, layer.split("/"))
            weights = found.weights[layer] = {}
            for name in _listed(group, "weight_names"):
                weights[name] = value = _value(group, name, left)
                left -= 0 if isinstance(value, str) else value.size
    return found


def main() -> None:
    """Be the child: HDF5 on the standard input, header and numbers on the standard output."""
    try:
        found = contents(io.BytesIO(sys.stdin.buffer.read()))
    except DAMAGE as error:
        _send({"problem": " ".join(str(error).split())[:300]}, [])
        return
    arrays = [(layer, name, value) for layer, all in found.weights.items() for name, value in all.items()]
    listed = [(layer, name, value if isinstance(value, str) else value.shape) for layer, name, value in arrays]
    head = {"version": found.version, "model": found.model, "weights": listed}
    _send(head, [value for _, _, value in arrays if not isinstance(value, str)])


def _send(head: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
    text = json.dumps(head).encode()
    sys.stdout.buffer.write(struct.pack(">Q", len(text)) + text)
    for array in arrays:
        sys.stdout.buffer.write(array.tobytes())


def _unpacked(answer: bytes) -> Contents:
    (size,) = struct.unpack_from(">Q", answer)
    head = json.loads(answer[8 : 8 + size])
    if "problem" in head:
        raise ValueError(head["problem"])
    found, offset = Contents(head["version"], head["model"]), 8 + size
    for layer, name, shape in head["weights"]:
        of_layer = found.weights.setdefault(layer, {})
        if isinstance(shape, str):
            of_layer[name] = shape
            continue
        count = int(np.prod(shape, dtype=np.int64))
        of_layer[name] = np.frombuffer(answer, np.float32, count, offset).reshape(shape)
        offset += 4 * count
    return found


def _value(group: Any, name: str, most: int) -> np.ndarray | str:
    """Return a weight of a layer, or why it is left out."""
    try:
        found = _member(group, name.split("/"))
    except ValueError as error:
        return str(error)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind != "f" or found.is_virtual or found.external:
        return f"{name} is no plain array of numbers"
    if found.size is None or found.size > most:
        return f"{name} has {found.size} numbers; all weights together may have {MOST_NUMBERS:,}"
    return np.asarray(found[()], dtype="<f4")


def _listed(group: Any, what: str) -> Iterator[str]:
    """Yield the names that a group lists; Keras cuts long lists into several attributes."""
    pieces = [what] if what in group.attrs else []
    while not pieces or pieces[-1] != what:
        name = f"{what}{len(pieces)}"
        if name not in group.attrs:
            break
        pieces.append(name)
    for piece in pieces:
        yield from map(_text, np.ravel(group.attrs[piece]))


def _member(group: Any, path: Sequence[str]) -> Any:
    """Follow names from a group, through what lies in the file itself."""
    for name in filter(None, path):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is missing, or leads out of the file")
        group = group[name]
    return group


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
