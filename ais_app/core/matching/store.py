"""Results of the tiles of a search, in a folder or in memory; written and read in steps."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.files import made_folder, read_text, replacing, write_text
from ais_app.core.matching.steps import Steps, slabs
from ais_app.core.matching.tiles import Tiling

if TYPE_CHECKING:
    import torch

    from ais_app.core.matching.maxima import Maxima


@dataclass(frozen=True)
class Scores:
    """The result of a search.

    Parameters
    ----------
    score
        (z, y, x) float32, -1 ... 1: the best of all rotations; 0 where the tomogram is flat.
    angle
        (z, y, x) int32: the rotation that gave it.
    rotations
        (k, 3, 3), those that were tried.
    deviation
        Root mean square of the scores of all voxels and rotations.
    searched
        How many scores there were: voxels that are not flat or at a face, times rotations.
    """

    score: np.ndarray
    angle: np.ndarray
    rotations: np.ndarray
    deviation: float
    searched: float


@dataclass(frozen=True)
class _Values:
    """An array that is had part by part, along its first axis."""

    shape: tuple[int, ...]
    dtype: Any
    part: Callable[[slice], np.ndarray]

    def parts(self) -> Iterator[tuple[slice, np.ndarray]]:
        for part in slabs(self.shape[0], math.prod(self.shape[1:])):
            yield part, self.part(part)

    def whole(self) -> Steps[np.ndarray]:
        found = np.empty(self.shape, self.dtype)
        for part, values in self.parts():
            found[part] = values
            yield
        return found


class Store:
    """What is finished of a search.

    Parameters
    ----------
    folder
        Made where it is missing; what another search left in it is removed. In memory if not given.
    identity
        What tells this search from others.
    """

    def __init__(self, folder: Path | None, identity: dict[str, Any]) -> None:
        self._folder = folder
        self._memory: dict[int, dict[str, np.ndarray]] = {}
        if folder is None:
            return
        made_folder(folder)
        note, text = folder / "search.json", json.dumps(identity, sort_keys=True)
        if note.exists() and read_text(note) == text:
            return
        for old in [note, *folder.glob("tile_*.npz"), *folder.glob(".*.part*"), *folder.glob("part_*.npz")]:
            old.unlink(missing_ok=True)
        write_text(note, text)

    def is_done(self, number: int) -> bool:
        """Say whether a tile is finished."""
        return number in self._memory if self._folder is None else self._tile(number).exists()

    def keep(self, number: int, maxima: Maxima) -> Steps[None]:
        """Keep a finished tile."""
        shape = tuple(maxima.weights.shape)
        values = {"sums": _held(np.array([maxima.power, maxima.count, maxima.searched]))}
        for end, lowest in (("", False), ("_dark", True))[: 1 + maxima.both]:
            values[f"score{end}"] = _Values(shape, np.float32, partial(maxima.score, lowest))
            values[f"angle{end}"] = _Values(shape, np.int32, partial(maxima.angle, lowest))
        if self._folder is not None:
            yield from _write(self._tile(number), values)
            self._part(number).unlink(missing_ok=True)
            return
        result = {}
        for name, array in values.items():
            result[name] = yield from array.whole()
        self._memory[number] = result

    def keep_part(self, number: int, maxima: Maxima, done: int) -> Steps[None]:
        """Keep a tile of which `done` rotations were tried, where there is a folder."""
        if self._folder is None:
            return
        values = {"sums": _held(np.array([maxima.power, maxima.count])), "done": _held(np.array([done]))}
        for name, tensor in maxima.tensors().items():
            values[name] = _held(tensor)
        yield from _write(self._part(number), values)

    def restore(self, number: int, maxima: Maxima) -> Steps[int]:
        """Go on with a tile that was kept; return how many rotations were tried."""
        import torch

        if self._folder is None or not self._part(number).exists():
            return 0
        for name, tensor in maxima.tensors().items():
            for part, values in _parts(self._part(number), name):
                tensor[part] = torch.tensor(values, device=tensor.device)
                yield
        maxima.power, maxima.count = (float(value) for value in _whole(self._part(number), "sums"))
        return int(_whole(self._part(number), "done")[0])

    def assembled(self, plan: Tiling, shape: tuple[int, ...], rotations: np.ndarray, *, lowest: bool) -> Steps[Scores]:
        """Put finished tiles together; in a folder the volumes are mapped files."""
        end = "_dark" if lowest else ""
        volumes = {
            name: self._volume(name, shape, kind)
            for name, kind in ((f"score{end}", np.float32), (f"angle{end}", np.int32))
        }
        sums = np.zeros(3)
        for number, core in enumerate(plan.cores):
            for name, volume in volumes.items():
                for part, values in self._parts_of(number, name):
                    volume[core][part] = values
                    yield
            sums += self._memory[number]["sums"] if self._folder is None else _whole(self._tile(number), "sums")
        deviation = math.sqrt(sums[0] / max(1.0, sums[1]))
        score, angle = volumes.values()
        return Scores(score, angle, rotations, deviation, float(len(rotations)) * float(sums[2]))

    def _parts_of(self, number: int, name: str) -> Iterator[tuple[slice, np.ndarray]]:
        return _parts(self._tile(number), name) if self._folder else _held(self._memory[number][name]).parts()

    def _volume(self, name: str, shape: tuple[int, ...], kind: Any) -> np.ndarray:
        if self._folder is None:
            return np.empty(shape, dtype=kind)
        file = self._folder / f"{name}.npy"
        file.unlink(missing_ok=True)  # whoever still looks at an earlier one keeps it
        mapped: np.ndarray = np.lib.format.open_memmap(file, mode="w+", dtype=kind, shape=shape)
        return mapped

    def _tile(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"tile_{number:04d}.npz"

    def _part(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"part_{number:04d}.npz"


def _held(array: np.ndarray | torch.Tensor) -> _Values:
    if isinstance(array, np.ndarray):
        return _Values(array.shape, array.dtype, lambda part: array[part])
    kind = np.dtype(str(array.dtype).removeprefix("torch."))
    return _Values(tuple(array.shape), kind, lambda part: array[part].cpu().numpy())


def _write(path: Path, arrays: dict[str, _Values]) -> Steps[None]:
    """Write what `numpy.savez` would, in steps."""
    with replacing(path) as part, zipfile.ZipFile(part, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                descr = np.lib.format.dtype_to_descr(np.dtype(array.dtype))
                header = {"descr": descr, "fortran_order": False, "shape": array.shape}
                np.lib.format.write_array_header_1_0(file, header)
                for _, values in array.parts():
                    file.write(np.ascontiguousarray(values, dtype=array.dtype).tobytes())
                    yield


def _parts(path: Path, name: str) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield an array of a file, part by part along its first axis."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        np.lib.format.read_magic(file)
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
        for part in slabs(shape[0], math.prod(shape[1:])):
            rest = (part.stop - part.start, *shape[1:])
            yield part, np.frombuffer(file.read(math.prod(rest) * kind.itemsize), kind).reshape(rest)


def _whole(path: Path, name: str) -> np.ndarray:
    return np.concatenate([values for _, values in _parts(path, name)])
