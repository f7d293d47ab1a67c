"""Lazy arrays: what is not plain memory is read block by block, through one small base class.

    BlockArray.read(z, y, x) ──► one block, read and worked on when it is asked for
        Cropped       a region of another array
        Selected      three of its axes, in another order
        RotatedX      turned about x
        Reread        the same bytes as another type
        Magnitude     absolute values of complex numbers

Volume formats and `ais_app.core.volume.resample` derive theirs from it.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import EllipsisType
from typing import Any

import numpy as np

from ais_app.core.tomogram import LazyArray, Region

Index = int | slice | EllipsisType


class BlockArray(ABC):
    """A (z, y, x) array that is read in blocks.

    Parameters
    ----------
    shape
        (z, y, x).
    dtype
        Type of the blocks, in native byte order.
    """

    ndim = 3

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any] | type) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype).newbyteorder("=")

    @abstractmethod
    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        """Return one block; the slices have bounds inside the array, in order, and no step."""

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Index | tuple[Index, ...]) -> np.ndarray:
        """Return a copy; takes integers, slices (also with steps) and an ellipsis."""
        wanted = [_bounds(index, length) for index, length in zip(_three(key), self.shape, strict=True)]
        (z, z_step), (y, y_step), (x, x_step) = wanted
        if abs(z_step) > 1:  # a stack of every nth slice must not read what lies between
            planes = [self.read(slice(i, i + 1), y, x) for i in range(z.start, z.stop, abs(z_step))]
            block = np.concatenate(planes) if planes else self.read(slice(0, 0), y, x)
            block = block[:: int(np.sign(z_step))]
        else:
            block = self.read(z, y, x)[::z_step]
        block = block[:, ::y_step, ::x_step]
        drop = tuple(0 if isinstance(index, int) else slice(None) for index in _three(key))
        return np.asarray(block[drop], dtype=self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        block = self[...]
        return block if dtype is None else block.astype(dtype)


def _three(key: Index | tuple[Index, ...]) -> list[int | slice]:
    """Write an index as three integers or slices."""
    given = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis not in given:
        given.append(Ellipsis)
    at = given.index(Ellipsis)
    missing = 3 - (len(given) - 1)
    if missing < 0:
        raise IndexError("a volume has three axes")
    given[at : at + 1] = [slice(None)] * missing
    return [index if isinstance(index, slice) else operator.index(index) for index in given]  # type: ignore[arg-type]


def _bounds(index: int | slice, length: int) -> tuple[slice, int]:
    """Return the covering slice, without step, and the step to walk it with."""
    if isinstance(index, int):
        at = index + length if index < 0 else index
        if not 0 <= at < length:
            raise IndexError(f"index {index} is out of bounds for an axis of {length}")
        return slice(at, at + 1), 1
    steps = range(length)[index]
    if len(steps) == 0:
        return slice(0, 0), 1
    low, high = min(steps[0], steps[-1]), max(steps[0], steps[-1])
    return slice(low, high + 1), steps.step


def read_ahead(data: LazyArray, slices: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield ``(z, slab)`` from the first slice to the last, `slices` at a time, while the next ones are being read.

    At most three slabs are in memory, whatever the number of slices.
    """
    pending: deque[tuple[int, Future[np.ndarray]]] = deque()
    pool = ThreadPoolExecutor(2)
    try:
        for z in range(0, data.shape[0], slices):
            pending.append((z, pool.submit(_slab, data, slice(z, z + slices))))
            if len(pending) == 3:
                at, slab = pending.popleft()
                yield at, slab.result()
        while pending:
            at, slab = pending.popleft()
            yield at, slab.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _slab(data: LazyArray, slices: slice) -> np.ndarray:
    return np.asarray(data[slices])


class Cropped(BlockArray):
    """A region of another lazy array."""

    def __init__(self, source: LazyArray, region: Region) -> None:
        self._source = source
        self._start = [part.start for part in region]
        super().__init__(tuple(part.stop - part.start for part in region), source.dtype)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        """Return the block of the source that lies there."""
        block = [slice(a.start + s, a.stop + s) for a, s in zip((z, y, x), self._start, strict=True)]
        return np.asarray(self._source[tuple(block)])


class Selected(BlockArray):
    """Three axes of another lazy array, in another order: ``axes`` are the source's axes that become z, y, x.

    ``None`` for z gives a volume of one slice; every other axis of the source is taken at its first entry.
    """

    def __init__(self, source: LazyArray, axes: tuple[int | None, int, int]) -> None:
        self._source, self._axes = source, axes
        super().__init__(tuple(1 if axis is None else source.shape[axis] for axis in axes), source.dtype)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        """Return the block with its axes in place."""
        there: list[int | slice] = [0] * len(self._source.shape)
        for axis, part in zip(self._axes, (z, y, x), strict=True):
            if axis is not None:
                there[axis] = part
        block = np.asarray(self._source[tuple(there)])
        kept = sorted(axis for axis in self._axes if axis is not None)
        block = block.transpose([kept.index(axis) for axis in self._axes if axis is not None])
        return block[None][z] if self._axes[0] is None else block


class RotatedX(BlockArray):
    """Another array turned by -90° about x, as IMOD's ``trimvol -rx``: what was y becomes -z, what was z becomes y."""

    def __init__(self, source: LazyArray) -> None:
        self._source = source
        z, y, x = source.shape
        super().__init__((y, z, x), source.dtype)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        """Return the turned block."""
        last = self.shape[0]
        return np.asarray(self._source[y, last - z.stop : last - z.start, x])[:, ::-1].transpose(1, 0, 2)


class Reread(BlockArray):
    """The same bytes, read as another type of the same size: unsigned for signed, and the reverse."""

    def __init__(self, source: LazyArray, dtype: np.dtype[Any] | type) -> None:
        self._source = source
        super().__init__(source.shape, dtype)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        """Return the block as the other type."""
        return np.ascontiguousarray(self._source[z, y, x]).view(self.dtype)


class Inverted(BlockArray):
    """Grey values turned over: dark becomes bright. Integers keep their range: 0 becomes 255, or -1 where signed."""

    def __init__(self, source: LazyArray) -> None:
        self._source = source
        super().__init__(source.shape, source.dtype)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        """Return the block turned over."""
        block = np.asarray(self._source[z, y, x])
        return ~block if block.dtype.kind in "iu" else -block


class Magnitude(BlockArray):
    """Absolute values of a complex array, float32."""

    def __init__(self, source: np.ndarray) -> None:
        self._source = source
        super().__init__(source.shape, np.float32)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        """Return the magnitudes of a block."""
        return np.abs(self._source[z, y, x])
