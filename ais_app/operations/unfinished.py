"""Work that was stopped: what is needed to go on lies beside its output, and says what it was made from."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import FileProblem
from ais_app.core.files import replacing

_VALUES = "values"  # the array that holds what is no array, as JSON


class Unfinished:
    """The state of a long operation after one of its steps, in one file.

    Parameters
    ----------
    path
        The file; its folder is made.
    arguments
        Of the operation, with its ``params``; a state made with others is not gone on with.
    inputs
        Files that the state depends on, by their content.
    free
        Parameters that may change: how many more steps there are, and where they are computed.
    """

    def __init__(
        self, path: Path, arguments: Mapping[str, Any], inputs: Sequence[Path], free: Sequence[str] = ("device",)
    ) -> None:
        self.path = path
        params = {name: value for name, value in arguments["params"].to_dict().items() if name not in free}
        rest = {name: value for name, value in arguments.items() if name not in ("params", "out", "out_dir")}
        prints = [provenance.fingerprint(each) for each in inputs]
        text = json.dumps([params, rest, prints], sort_keys=True, default=str)
        self._mark = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def write(self, arrays: Mapping[str, np.ndarray], values: Any) -> None:
        """Write the state, whole or not at all: arrays by name, and JSON-able values.

        Raises
        ------
        FileProblem
            The file cannot be written.
        """
        held: dict[str, Any] = dict(arrays)
        held[_VALUES] = np.frombuffer(json.dumps([self._mark, values]).encode(), np.uint8)
        with replacing(self.path) as part, part.open("wb") as stream:
            np.savez(stream, **held)

    def read(self) -> tuple[dict[str, np.ndarray], Any] | None:
        """Return arrays and values of the last state; ``None`` where there is none, or it is of other work.

        Raises
        ------
        FileProblem
            The file is damaged.
        """
        if not self.path.exists():
            return None
        remedy = "start anew: --fresh"
        try:
            with self.path.open("rb") as stream:
                if not zipfile.is_zipfile(stream):
                    raise FileProblem(self.path, "is damaged: it is no .npz file, or is cut short", remedy)
            with np.load(self.path, allow_pickle=False) as content:
                arrays = {name: content[name] for name in content.files}
            mark, values = json.loads(arrays.pop(_VALUES).tobytes().decode())
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise FileProblem(self.path, f"is damaged: {error}", remedy) from error
        return (arrays, values) if mark == self._mark else None

    def remove(self) -> None:
        """Forget the state: the work is done."""
        self.path.unlink(missing_ok=True)
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()
