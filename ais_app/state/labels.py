"""The labels of one feature in one tomogram, in the tables of the project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from ais_app.core.annotation.labels import AXES, TILE, Edit, Plane, TiledLabels, TileIndex, bounds, unpack
from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import Region
from ais_app.state.feature_table import refuse_locked
from ais_app.state.history import History
from ais_app.state.records import Feature, TomogramEntry


class LabelStore:
    """Labels that are in the file as soon as they are written.

    Nothing is kept in memory but SQLite's own pages and the tiles that were expanded last, so memory does not grow
    with the tomogram, and what another process or an undo has written is seen at once. Whatever writes raises
    `ProjectProblem` while the feature is locked.
    """

    def __init__(self, history: History, tomogram: TomogramEntry, feature: Feature) -> None:
        self.tomogram, self.feature = tomogram, feature
        self._history = history
        self._tiles = _TileTable(history, tomogram.id, feature.id)
        self._tiled = TiledLabels(tomogram.shape, self._tiles)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(z, y, x) voxels."""
        return self.tomogram.shape

    def read(self, region: Region | None = None) -> np.ndarray:
        """Return the labels of a region (everything when ``None``) as uint8: 0, 1, 2."""
        self._history.steps.settle()
        start, size = bounds(region or (slice(None),) * 3, self.shape)
        result = np.zeros(size, dtype=np.uint8)
        if result.size:
            for index, packed in self._tiles.between(start, size):
                inside, outside = zip(*map(_overlap, index, TILE, start, size), strict=True)
                result[outside] = _expanded(packed)[inside]
        return result

    def read_plane(self, axis: str, index: int) -> np.ndarray:
        """Return one plane, 2D uint8; `axis` is the one it is perpendicular to."""
        return self.read(Plane(axis, index).region(self.shape)).squeeze(AXES.index(axis))

    def annotated_planes(self) -> list[Plane]:
        """Return the planes a person has painted on or has said to be done, in order."""
        where = "tomogram = ? AND feature = ? ORDER BY axis DESC, position"
        rows = self._history.database.rows(f"SELECT axis, position FROM plane WHERE {where}", self._key)
        return [Plane(axis, position) for axis, position in rows]

    def annotated_slices(self) -> list[int]:
        """Return the z of the annotated slices (XY planes), in order: a 0 is background there, unknown elsewhere."""
        return [plane.index for plane in self.annotated_planes() if plane.axis == "z"]

    def apply(self, edit: Edit) -> None:
        """Write an edit: one stroke, one transaction, one step of undo. Its planes become annotated."""
        with self._editing(f"{edit.title} {self.feature.name} on {self.tomogram.name}"):
            self._tiled.apply(edit)
            self._mark(edit.planes)

    def write(self, region: Region, labels: np.ndarray, planes: Iterable[Plane] = ()) -> None:
        """Replace the labels of a region and mark `planes` as annotated, as one step of undo."""
        with self._editing(f"Replace {self.feature.name} on {self.tomogram.name}"):
            self._tiled.write(region, labels)
            self._mark(planes)

    def mark(self, axis: str, index: int) -> None:
        """Say that a plane is annotated: what is 0 there is background."""
        with self._editing(f"Mark {axis} = {index} of {self.tomogram.name} as annotated"):
            self._mark([Plane(axis, index)])

    def unmark(self, axis: str, index: int) -> None:
        """Say that a plane is not annotated; its labels stay."""
        plane = Plane(axis, index)
        with self._editing(f"Mark {axis} = {index} of {self.tomogram.name} as not annotated"):
            self._history.put("plane", (*self._key, plane.axis, plane.index), None)

    def clear_plane(self, axis: str, index: int) -> None:
        """Remove the labels of a plane and its mark."""
        plane = Plane(axis, index)
        region = plane.region(self.shape)
        with self._editing(f"Clear {axis} = {index} of {self.feature.name} on {self.tomogram.name}"):
            self._tiled.write(region, np.zeros(bounds(region, self.shape)[1], dtype=np.uint8))
            self._history.put("plane", (*self._key, plane.axis, plane.index), None)

    @property
    def is_empty(self) -> bool:
        """Neither a label nor an annotated plane."""
        return not self._tiled.tiles and not self.annotated_planes()

    @property
    def _key(self) -> tuple[int, int]:
        return self.tomogram.id, self.feature.id

    @contextmanager
    def _editing(self, title: str) -> Iterator[None]:
        with self._history.command(title):
            refuse_locked(self._history, self.feature.id)
            yield

    def _mark(self, planes: Iterable[Plane]) -> None:
        for plane in planes:
            plane.region(self.shape)  # refuses a plane outside
            self._history.put("plane", (*self._key, plane.axis, plane.index), ())


# By content: an undo, or another process, gives other bytes, so nothing here can be out of date. 2048 tiles are 64 MB,
# and tiles that look alike (all of the feature, none of it) are kept once.
@lru_cache(maxsize=2048)
def _expanded(packed: bytes) -> np.ndarray:
    tile = unpack(packed)
    tile.setflags(write=False)  # it is handed out again
    return tile


def _overlap(number: int, tile: int, low: int, size: int) -> tuple[slice, slice]:
    """Return where a tile and a region overlap along one axis: in the tile, in the region."""
    first, last = max(low, number * tile), min(low + size, (number + 1) * tile)
    return slice(first - number * tile, last - number * tile), slice(first - low, last - low)


class LabelVolume:
    """A label store that looks like a volume on disk: hand it to whatever takes a lazy (z, y, x) array."""

    dtype = np.dtype(np.uint8)

    def __init__(self, store: LabelStore) -> None:
        self.shape = store.shape
        self._store = store

    def __getitem__(self, key: Any) -> np.ndarray:
        parts = key if isinstance(key, tuple) else (key,)
        if len(parts) > 3 or any(not isinstance(part, (slice, int, np.integer)) for part in parts):
            raise ParameterProblem("labels", f"cannot be indexed with {key!r}", "use slices and whole numbers")
        parts = (*parts, *(slice(None),) * (3 - len(parts)))
        spans = [range(n)[part] for part, n in zip(parts, self.shape, strict=True)]
        # a whole number is a span of one and its axis goes; a step is taken after reading
        spans = [span if isinstance(span, range) else range(span, span + 1) for span in spans]
        z, y, x = (slice(min(s), max(s) + 1) if s else slice(0, 0) for s in spans)
        block = self._store.read((z, y, x))
        steps = tuple(slice(None, None, part.step) if isinstance(part, slice) else 0 for part in parts)
        return block[steps]


class _TileTable(MutableMapping[TileIndex, bytes]):
    """The compressed tiles of one label store, by index."""

    def __init__(self, history: History, tomogram: int, feature: int) -> None:
        self._history, self._key = history, (tomogram, feature)

    def get(self, index: TileIndex, default: Any = None) -> Any:
        found = self._history.get("tile", (*self._key, *index))
        return default if found is None else found[0]

    def between(self, start: TileIndex, size: TileIndex) -> Iterator[tuple[TileIndex, bytes]]:
        """Give the tiles that hold voxels of a region, in one query: its first voxel and its size, not 0."""
        where = "tomogram = ? AND feature = ? AND z BETWEEN ? AND ? AND y BETWEEN ? AND ? AND x BETWEEN ? AND ?"
        limits = [
            n for low, n, tile in zip(start, size, TILE, strict=True) for n in (low // tile, (low + n - 1) // tile)
        ]
        rows = self._history.database.rows(f"SELECT z, y, x, data FROM tile WHERE {where}", (*self._key, *limits))
        yield from (((z, y, x), data) for z, y, x, data in rows)

    def __getitem__(self, index: TileIndex) -> bytes:
        found = self.get(index)
        if found is None:
            raise KeyError(index)
        return bytes(found)

    def __setitem__(self, index: TileIndex, packed: bytes) -> None:
        self._history.put("tile", (*self._key, *index), (packed,))

    def __delitem__(self, index: TileIndex) -> None:
        self._history.put("tile", (*self._key, *index), None)

    def __iter__(self) -> Iterator[TileIndex]:
        where = "tomogram = ? AND feature = ?"
        rows = self._history.database.rows(f"SELECT z, y, x FROM tile WHERE {where}", self._key)
        yield from ((z, y, x) for z, y, x in rows)

    def __len__(self) -> int:
        where = "tomogram = ? AND feature = ?"
        return int(self._history.database.rows(f"SELECT count(*) FROM tile WHERE {where}", self._key)[0][0])
