"""Annotations: editable labels of one feature in one tomogram, kept as sparse compressed tiles.

    brush.disk(labels, points, ...) ──► Edit ──► labels.apply(edit)

A label is 0 (background), 1 (feature) or 2 (ignore: not to be learnt from). Whether a 0 means "background" or "nobody
has looked" is told by the *annotated planes*, kept beside the tiles: a plane is annotated once a person has painted on
it or has said so.

Memory does not grow with the tomogram: a tile that holds only zeros does not exist, the others are compressed, and
they are decompressed only where they are read. The tiles live in any mapping from tile index to bytes: a dictionary
here, a table of the project file in `ais_app.state.labels`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import Region

BACKGROUND, FEATURE, IGNORE = 0, 1, 2

TILE = (8, 64, 64)  # z, y, x voxels: one stroke touches a few tiles in any plane, one slice of 1500 x 1400 some 500
AXES = ("z", "y", "x")

_BITS = b"\x01"  # first byte of a tile kept as bits; zlib starts with another
_RESTORE = "restore the project from a copy"

TileIndex = tuple[int, int, int]
Index = tuple[int, int, int]


@dataclass(frozen=True, order=True)
class Plane:
    """A plane of a tomogram that a person has annotated.

    Parameters
    ----------
    axis
        The axis it is perpendicular to: ``"z"`` for a slice (XY), ``"y"`` for XZ, ``"x"`` for YZ.
    index
        Its voxel index along that axis.
    """

    axis: str
    index: int

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise ParameterProblem("axis", f"{self.axis!r} is not an axis", "choose z, y or x")

    def region(self, shape: Index) -> Region:
        """Return the plane as a region of a volume of `shape`.

        Raises
        ------
        ParameterProblem
            The plane lies outside.
        """
        along = AXES.index(self.axis)
        if not 0 <= self.index < shape[along]:
            known = f"planes run from 0 to {shape[along] - 1}"
            raise ParameterProblem(f"plane {self.axis} = {self.index}", "lies outside the tomogram", known)
        z, y, x = (slice(self.index, self.index + 1) if i == along else slice(0, n) for i, n in enumerate(shape))
        return z, y, x


@dataclass(frozen=True)
class Edit:
    """A change of labels: where, what was there, what shall be there.

    Parameters
    ----------
    start_zyx
        Index of the first voxel of the region.
    before, after
        (dz, dy, dx) uint8 labels, handed over: they must not be written to any more. Only voxels that differ are
        written.
    planes
        Planes the person worked on; they become annotated.
    title
        What a person reads in the undo menu.
    """

    start_zyx: Index
    before: np.ndarray
    after: np.ndarray
    planes: tuple[Plane, ...] = ()
    title: str = "Paint"

    def __post_init__(self) -> None:
        for name in ("before", "after"):
            array = np.asarray(getattr(self, name))
            if array.ndim != 3 or array.shape != np.shape(self.before):
                raise ParameterProblem("edit", f"before and after differ in shape or are not 3D ({array.shape})")
            object.__setattr__(self, name, checked_labels(array))

    @property
    def region(self) -> Region:
        """Where it acts, as slices of z, y, x."""
        z, y, x = (slice(low, low + n) for low, n in zip(self.start_zyx, self.after.shape, strict=True))
        return z, y, x

    @property
    def changed(self) -> np.ndarray:
        """Which voxels of the region it changes, (dz, dy, dx) bool."""
        return self.before != self.after

    def reversed(self) -> Edit:
        """Return the edit that takes this one back."""
        return Edit(self.start_zyx, self.after, self.before, self.planes, self.title)


class Labels(Protocol):
    """What a brush paints on."""

    @property
    def shape(self) -> Index: ...  # noqa: D102
    def read(self, region: Region) -> np.ndarray: ...  # noqa: D102


class TiledLabels:
    """Labels of one feature in one tomogram.

    Parameters
    ----------
    shape
        (z, y, x) voxels of the tomogram.
    tiles
        Where the compressed tiles live; a new dictionary when ``None``.
    """

    def __init__(self, shape: Sequence[int], tiles: MutableMapping[TileIndex, bytes] | None = None) -> None:
        z, y, x = (int(n) for n in shape)
        if min(z, y, x) < 1:
            raise ParameterProblem("shape", f"{tuple(shape)} holds no voxels")
        self.shape: Index = (z, y, x)
        self.tiles: MutableMapping[TileIndex, bytes] = {} if tiles is None else tiles

    def read(self, region: Region) -> np.ndarray:
        """Return the labels of a region.

        Parameters
        ----------
        region
            Slices of z, y, x without step; they may reach beyond the volume no further than numpy's slices do.

        Returns
        -------
        ndarray
            uint8, a copy.
        """
        start, size = bounds(region, self.shape)
        result = np.zeros(size, dtype=np.uint8)
        for index, inside, outside in pieces(start, size):
            packed = self.tiles.get(index)
            if packed is not None:
                result[outside] = unpack(packed)[inside]
        return result

    def read_plane(self, plane: Plane) -> np.ndarray:
        """Return the labels of one plane, 2D uint8, axes in the order z, y, x without the plane's own."""
        return self.read(plane.region(self.shape)).squeeze(AXES.index(plane.axis))

    def write(self, region: Region, labels: np.ndarray, where: np.ndarray | None = None) -> None:
        """Replace the labels of a region.

        Parameters
        ----------
        region
            Slices of z, y, x without step.
        labels
            (dz, dy, dx) of 0, 1, 2.
        where
            (dz, dy, dx) bool: voxels to write; all when ``None``.

        Raises
        ------
        ParameterProblem
            A label is not 0, 1 or 2, or the shapes differ.
        """
        start, size = bounds(region, self.shape)
        labels = checked_labels(labels)
        if labels.shape != size or (where is not None and where.shape != size):
            raise ParameterProblem("labels", f"{labels.shape} voxels for a region of {size}")
        for index, inside, outside in pieces(start, size):
            if where is not None and not where[outside].any():
                continue
            packed = self.tiles.get(index)
            if packed is None and not labels[outside].any():
                continue
            tile = np.zeros(TILE, dtype=np.uint8) if packed is None else unpack(packed)
            np.copyto(tile[inside], labels[outside], where=True if where is None else where[outside])
            self._store(index, packed, tile)

    def apply(self, edit: Edit) -> None:
        """Write what `edit` changes."""
        self.write(edit.region, edit.after, edit.changed)

    def _store(self, index: TileIndex, packed: bytes | None, tile: np.ndarray) -> None:
        if tile.any():
            fresh = pack(tile)
            if fresh != packed and not _is_old(packed, tile):
                self.tiles[index] = fresh
        elif packed is not None:
            del self.tiles[index]


def pack(tile: np.ndarray) -> bytes:
    """Compress one tile, `TILE` uint8.

    A mark, then zlib of a bit a voxel: which are the feature, and if there are any, which are ignored. An eighth of
    the bytes to squeeze makes this 2 to 4 times faster, and half as long, as zlib of the labels themselves.
    """
    feature, ignored = np.packbits(tile == FEATURE), np.packbits(tile == IGNORE)
    bits = feature.tobytes() + (ignored.tobytes() if ignored.any() else b"")
    return _BITS + zlib.compress(bits, 1)


def unpack(packed: bytes) -> np.ndarray:
    """Return a tile, `TILE` uint8, writable; also one of a project of format 1, zlib of its labels.

    Raises
    ------
    ParameterProblem
        The bytes are no tile: the file they come from is damaged.
    """
    is_bits, size = packed[:1] == _BITS, TILE[0] * TILE[1] * TILE[2]
    sizes = (size // 8, size // 4) if is_bits else (size,)
    expand = zlib.decompressobj()
    try:
        raw = expand.decompress(packed[1:] if is_bits else packed, sizes[-1])  # no more, whatever the bytes say
    except zlib.error as error:
        raise ParameterProblem("label tile", f"is damaged ({error})", _RESTORE) from error
    if len(raw) not in sizes or not expand.eof:
        raise ParameterProblem("label tile", f"is damaged ({len(raw):,} of {sizes[-1]:,} bytes)", _RESTORE)
    values = np.frombuffer(raw, dtype=np.uint8)
    if not is_bits:
        return values.reshape(TILE).copy()
    bits = np.unpackbits(values)
    labels = bits[:size]
    if len(bits) > size:
        labels |= bits[size:] << 1
        if labels.max() > IGNORE:
            raise ParameterProblem("label tile", "is damaged (a voxel has two labels)", _RESTORE)
    return labels.reshape(TILE)


def _is_old(packed: bytes | None, tile: np.ndarray) -> bool:
    """Whether these are the same labels as a project of format 1 kept them: nothing has changed then."""
    return packed is not None and packed[:1] != _BITS and np.array_equal(unpack(packed), tile)


def checked_labels(labels: np.ndarray) -> np.ndarray:
    """Return labels as uint8 after making sure that there are only 0, 1 and 2; an array that is all this is not copied.

    Raises
    ------
    ParameterProblem
        There is another value.
    """
    labels = np.asarray(labels)
    if labels.dtype == bool:
        return labels.astype(np.uint8)
    if labels.dtype == np.uint8 and (not labels.size or labels.max() <= IGNORE):
        return labels
    wrong = ~np.isin(labels, (BACKGROUND, FEATURE, IGNORE))
    if wrong.any():
        value = labels[wrong].flat[0]
        raise ParameterProblem("labels", f"{value} is not a label", "use 0 background, 1 feature, 2 ignore")
    return labels.astype(np.uint8)


def bounds(region: Region, shape: Index) -> tuple[Index, Index]:
    """Return the first voxel and the size of a region.

    Raises
    ------
    ParameterProblem
        A slice has a step, or the region is not three slices.
    """
    if len(region) != 3 or any(not isinstance(part, slice) or part.step not in (None, 1) for part in region):
        raise ParameterProblem("region", f"{region} is not three slices without step", "give slices of z, y, x")
    spans = [part.indices(n)[:2] for part, n in zip(region, shape, strict=True)]
    z, y, x = ((low, max(0, high - low)) for low, high in spans)
    return (z[0], y[0], x[0]), (z[1], y[1], x[1])


def strips(region: Region, shape: Index) -> Iterator[Region]:
    """Cut a region where tiles end along z and y: strips that are each written within milliseconds, each tile once."""
    start, size = bounds(region, shape)
    x = slice(start[2], start[2] + size[2])
    for z in _spans(start[0], size[0], TILE[0]):
        for y in _spans(start[1], size[1], TILE[1]):
            yield z, y, x


def _spans(low: int, count: int, tile: int) -> list[slice]:
    ends = [low, *range((low // tile + 1) * tile, low + count, tile), low + count]
    return [slice(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True) if b > a]


def pieces(start: Index, size: Index) -> Iterator[tuple[TileIndex, Region, Region]]:
    """Cut a region along the tiles: tile index, part of the tile, part of the region."""
    spans = []
    for low, n, tile in zip(start, size, TILE, strict=True):
        along = []
        for number in range(low // tile, -(-(low + n) // tile) if n else low // tile):
            first, last = max(low, number * tile), min(low + n, (number + 1) * tile)
            along.append((number, slice(first - number * tile, last - number * tile), slice(first - low, last - low)))
        spans.append(along)
    for z, inside_z, outside_z in spans[0]:
        for y, inside_y, outside_y in spans[1]:
            for x, inside_x, outside_x in spans[2]:
                yield (z, y, x), (inside_z, inside_y, inside_x), (outside_z, outside_y, outside_x)
