"""OME-Zarr: folders of packed chunks in several resolutions; 0.4 (Zarr 2) and 0.5 (Zarr 3) read, 0.5 written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import FileProblem
from ais_app.core.formats.ngff import Multiscale, multiscale_attributes, read_multiscale
from ais_app.core.io import VolumeFormat, VolumeHeader, VolumeWriter
from ais_app.core.tomogram import LazyArray, Tomogram
from ais_app.core.volume.blocks import BlockArray, Selected
from ais_app.core.volume.resample import binned_slice

if TYPE_CHECKING:
    import zarr

_CHUNK = (16, 256, 256)
_SMALLEST_LEVEL = 64  # voxels: a pyramid ends when no side is longer than twice this
_LARGEST_CHUNK = 2**32  # bytes; a chunk is unpacked as a whole
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, MemoryError, OSError)
_MARKS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")


def _open(path: Path) -> Tomogram:
    import zarr

    if not path.is_dir():
        raise FileProblem(path, "is a file, but OME-Zarr is a folder", "unpack it, or check the name")
    if not any((path / mark).is_file() for mark in _MARKS):
        raise FileProblem(path, "is no OME-Zarr folder: it has neither zarr.json nor .zattrs", "check the name")
    try:
        node = zarr.open(path, mode="r")
        if isinstance(node, zarr.Array):
            return _plain_array(node, path)
        image = read_multiscale(dict(node.attrs), path)
        array = node[image.paths[0]]
        if not isinstance(array, zarr.Array):
            raise FileProblem(path, f"has no array at {image.paths[0]}, where its metadata promise one")
        _check(array, path, image)
        data: LazyArray = _Chunks(array, image.axes, path)
    except FileProblem:
        raise
    except FileNotFoundError as error:
        raise FileProblem(path, "lacks an array that its metadata promise", "copy it again") from error
    except _DAMAGE as error:
        reason = str(error).strip().split("\n")[0]
        raise FileProblem(path, f"is damaged: {type(error).__name__} {reason}", "copy it again") from error
    return Tomogram(
        data,
        voxel_size_zyx=image.voxel_size_zyx,
        origin_zyx=image.origin_zyx,
        nstart_zyx=image.nstart_zyx,
        path=path,
        labels=image.labels,
        warnings=image.warnings,
    )


def _plain_array(array: zarr.Array, path: Path) -> Tomogram:
    if array.ndim != 3:
        raise FileProblem(path, f"is a Zarr array of shape {array.shape}, no volume")
    _check(array, path)
    warning = "a plain Zarr array without OME metadata: axes taken as z, y, x"
    return Tomogram(_Chunks(array, (0, 1, 2), path), path=path, warnings=(warning,))


def _check(array: zarr.Array, path: Path, image: Multiscale | None = None) -> None:
    """Refuse what is no single grey volume, and chunks that would fill the memory."""
    if image is not None:
        others = [at for at in range(array.ndim) if at not in image.axes]
        if len(image.kinds) != array.ndim or any(array.shape[at] > 1 for at in others):
            shown = " × ".join(f"{n} {name}" for name, n in zip(image.kinds, array.shape, strict=False))
            raise FileProblem(path, f"is no single grey volume: it holds {shown}", "save one channel")
    if array.dtype.kind not in "iufb" or array.size == 0:
        raise FileProblem(path, f"holds {array.shape} voxels of type {array.dtype}, which are no grey values")
    if math.prod(array.chunks) * array.dtype.itemsize > _LARGEST_CHUNK:
        raise FileProblem(path, f"has chunks of {array.chunks} voxels, too large to unpack", "write smaller chunks")


class _Chunks(BlockArray):
    """An array whose chunks are unpacked when they are asked for."""

    def __init__(self, array: zarr.Array, axes: tuple[int | None, int, int], path: Path) -> None:
        self._selected, self._path = Selected(array, axes), path
        super().__init__(self._selected.shape, np.uint8 if array.dtype.kind == "b" else array.dtype)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        try:
            return self._selected.read(z, y, x)
        except _DAMAGE as error:
            raise FileProblem(self._path, f"a chunk cannot be unpacked ({error})", "copy it again") from error


def _sniff(path: Path) -> bool:
    return path.is_dir() and any((path / mark).is_file() for mark in _MARKS)


class _PyramidWriter:
    """Gathers slices into layers of whole chunks; each layer goes to disk once, then to the next level, binned.

    Slices that come in order keep one layer of each level in memory, whatever the number of slices.
    """

    def __init__(self, arrays: list[zarr.Array], binning: list[tuple[int, int, int]]) -> None:
        self._arrays = arrays
        self._steps = [(1, 1, 1)] + [
            (b[0] // a[0], b[1] // a[1], b[2] // a[2]) for a, b in zip(binning, binning[1:], strict=False)
        ]
        self._layers: list[dict[int, tuple[np.ndarray, set[int]]]] = [{} for _ in arrays]

    def write(self, z: int, slab: np.ndarray) -> None:
        """Store `slab`, (n, y, x), as slices ``z ... z + n - 1``."""
        for at, plane in enumerate(slab, start=z):
            self._add(0, at, plane)

    def _add(self, level: int, z: int, plane: np.ndarray) -> None:
        array, layers = self._arrays[level], self._layers[level]
        depth = array.chunks[0]
        layer = z // depth
        first, last = layer * depth, min((layer + 1) * depth, array.shape[0])
        if layer not in layers:
            layers[layer] = np.empty((last - first, *array.shape[1:]), array.dtype), set()
        block, have = layers[layer]
        block[z - first] = plane
        have.add(z)
        if len(have) == last - first:
            array[first:last] = block
            del layers[layer]
            self._pass_on(level, first, block)

    def _pass_on(self, level: int, first: int, block: np.ndarray) -> None:
        if level + 1 == len(self._arrays):
            return
        coarse, step = self._arrays[level + 1], self._steps[level + 1]
        for z in range(first // step[0], min((first + len(block)) // step[0], coarse.shape[0])):
            cube = block[z * step[0] - first : (z + 1) * step[0] - first]
            plane = binned_slice(cube.astype(np.float32), step)
            self._add(level + 1, z, np.rint(plane) if coarse.dtype.kind in "iu" else plane)


def _levels(shape: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """Return the binning of each level; an axis that is already small is not binned further."""
    levels = [(1, 1, 1)]
    sides = list(shape)
    while max(sides) > 2 * _SMALLEST_LEVEL:
        step = [2 if side > _SMALLEST_LEVEL else 1 for side in sides]
        sides = [side // s for side, s in zip(sides, step, strict=True)]
        z, y, x = (b * s for b, s in zip(levels[-1], step, strict=True))
        levels.append((z, y, x))
    return levels


@contextmanager
def _create(path: Path, header: VolumeHeader) -> Iterator[VolumeWriter]:
    import zarr
    from zarr.codecs import BloscCodec

    binning = _levels(header.shape)
    group = zarr.create_group(path, zarr_format=3, attributes=multiscale_attributes(header, binning))
    arrays = []
    for level, step in enumerate(binning):
        shape = tuple(side // b for side, b in zip(header.shape, step, strict=True))
        arrays.append(
            group.create_array(
                str(level),
                shape=shape,
                chunks=tuple(min(a, b) for a, b in zip(_CHUNK, shape, strict=True)),
                dtype=header.dtype,
                compressors=BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"),
                dimension_names=("z", "y", "x"),
            )
        )
    yield _PyramidWriter(arrays, binning)


FORMAT = VolumeFormat(
    name="ome-zarr",
    title="OME-Zarr",
    suffixes=(".ome.zarr", ".zarr"),
    open=_open,
    sniff=_sniff,
    create=_create,
    dtypes=("uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"),
)
