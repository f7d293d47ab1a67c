"""TIFF stacks: ImageJ's, OME's, and plain ones; each page is a slice."""

from __future__ import annotations

import logging
import math
import struct
import threading
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from xml.etree.ElementTree import ParseError

import numpy as np

from ais_app.core.errors import FileProblem
from ais_app.core.formats.rawfile import SliceFile, mapped, open_unpacked
from ais_app.core.formats.tiff_metadata import TiffGeometry, imagej_metadata, own_notes, read_geometry
from ais_app.core.io import VolumeFormat, VolumeHeader, VolumeWriter
from ais_app.core.tomogram import LazyArray, Tomogram
from ais_app.core.volume.blocks import BlockArray, Selected

if TYPE_CHECKING:
    import tifffile

_IMAGEJ_TYPES = {"uint8", "uint16", "float32"}
_LARGE = 2**32 - 2**25  # bytes from which classic TIFF has no room
# what tifffile raises on damaged files, some of it by assertion
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, AssertionError,
           EOFError, MemoryError, struct.error, zlib.error, ParseError)  # fmt: skip


def _open(path: Path) -> Tomogram:
    stream = open_unpacked(path)
    complaints: list[str] = []
    try:
        with _listening(complaints):
            data, geometry, warnings = _read(stream, path)
    except FileProblem:
        stream.close()
        raise
    except _DAMAGE as error:
        stream.close()
        raise FileProblem(path, f"is not a TIFF stack, or damaged ({error})", "copy it again") from error
    if not isinstance(data, _Pages):
        stream.close()  # the memory map stays
    if complaints:
        warnings.append(f"part of the file cannot be read, it may be cut ({complaints[0]}): copy it again")
    return Tomogram(
        data,
        voxel_size_zyx=geometry.voxel_size_zyx,
        origin_zyx=geometry.origin_zyx,
        nstart_zyx=geometry.nstart_zyx,
        path=path,
        labels=geometry.labels,
        warnings=(*warnings, *geometry.warnings),
    )


def _read(stream: BinaryIO, path: Path) -> tuple[LazyArray, TiffGeometry, list[str]]:
    import tifffile

    if not stream.read(1):
        raise FileProblem(path, "is empty", "copy it again")
    stream.seek(0)
    file = tifffile.TiffFile(tifffile.FileHandle(stream, name=path.name))
    series = file.series[0]
    axes, warnings = _axes(series, len(file.series), path)
    return _data(stream, file, series, axes, path), read_geometry(file), warnings


@contextmanager
def _listening(complaints: list[str]) -> Iterator[None]:
    """Collect what tifffile logs as an error and then reads around."""
    log = logging.getLogger("tifffile")
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: complaints.append(record.getMessage().split("\n")[0])  # type: ignore[method-assign]
    propagate, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagate


def _axes(series: tifffile.TiffPageSeries, count: int, path: Path) -> tuple[tuple[int | None, int, int], list[str]]:
    """Return which axes of the series are z, y and x."""
    if series.size == 0 or series.dtype is None or series.dtype.kind not in "iufb":
        raise FileProblem(path, f"holds voxels of type {series.dtype}, which are no grey values")
    y, x = series.axes.index("Y"), series.axes.index("X")
    others = [at for at, length in enumerate(series.shape) if at not in (y, x) and length > 1]
    if len(others) > 1 or any(series.axes[at] == "S" for at in others):
        shown = " × ".join(f"{length} {name}" for name, length in zip(series.axes, series.shape, strict=True))
        raise FileProblem(path, f"is no single grey volume: it holds {shown}", "save one channel as a stack of slices")
    warnings = [f"the file holds {count} series of images: the first is read"] if count > 1 else []
    if others and series.axes[others[0]] in "CT":
        kind = {"C": "channels", "T": "times"}[series.axes[others[0]]]
        warnings.append(f"the file calls its slices {kind}: read as slices along z")
    return (others[0] if others else None, y, x), warnings


def _data(
    stream: BinaryIO,
    file: tifffile.TiffFile,
    series: tifffile.TiffPageSeries,
    axes: tuple[int | None, int, int],
    path: Path,
) -> LazyArray:
    if series.dataoffset is None or series.dtype.kind == "b":
        return _Pages(stream, series, path)
    size, wanted = stream.seek(0, 2), series.dataoffset + series.nbytes
    if size < wanted:
        problem = f"is truncated: it has {size:,} of the {wanted:,} bytes that its tags promise"
        raise FileProblem(path, problem, "copy it again")
    stored = mapped(stream, series.dtype.newbyteorder(file.byteorder), series.shape, series.dataoffset)
    if stored.ndim == 3 and axes == (0, 1, 2):
        return stored
    return Selected(stored, axes)


class _Pages(BlockArray):
    """Pages that are packed or scattered: each is read and unpacked when it is asked for."""

    def __init__(self, stream: BinaryIO, series: tifffile.TiffPageSeries, path: Path) -> None:
        self._pages = [page for page in series.pages if page is not None]
        self._path, self._lock = path, threading.Lock()
        shape = (len(self._pages), series.keyframe.imagelength, series.keyframe.imagewidth)
        if math.prod(shape) != series.size:
            raise FileProblem(path, f"has pages of an unusual layout ({series.axes} {series.shape})", "save it again")
        super().__init__(shape, np.uint8 if series.dtype.kind == "b" else series.dtype)
        weakref.finalize(self, stream.close)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        out = np.empty((z.stop - z.start, y.stop - y.start, x.stop - x.start), self.dtype)
        for at, page in enumerate(self._pages[z]):
            try:
                with self._lock:
                    plane = page.asarray().reshape(self.shape[1:])
            except _DAMAGE as error:
                raise FileProblem(self._path, f"slice {z.start + at} cannot be unpacked ({error})") from error
            out[at] = plane[y, x]
        return out


def _sniff(path: Path) -> bool:
    if path.is_dir():
        return False
    with open_unpacked(path, lambda head: len(head)) as stream:
        return stream.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@contextmanager
def _create(path: Path, header: VolumeHeader) -> Iterator[VolumeWriter]:
    import tifffile

    size = math.prod(header.shape) * header.dtype.itemsize
    imagej = header.dtype.name in _IMAGEJ_TYPES and size < _LARGE
    voxel_size = header.voxel_size_zyx
    placed = tifffile.imwrite(
        path,
        shape=header.shape,
        dtype=header.dtype,
        byteorder="<",
        imagej=imagej,
        bigtiff=size >= _LARGE,
        photometric="minisblack",
        resolution=(10 / voxel_size[2], 10 / voxel_size[1]) if voxel_size else None,
        metadata=imagej_metadata(header) if imagej else own_notes(header),
        returnoffset=True,
    )
    assert placed is not None  # uncompressed pages lie in one piece
    with path.open("r+b") as stream:
        yield SliceFile(stream, placed[0], header.shape, header.dtype.newbyteorder("<"))


FORMAT = VolumeFormat(
    name="tiff",
    title="TIFF stack",
    suffixes=(".tiff", ".tif"),
    open=_open,
    sniff=_sniff,
    create=_create,
    dtypes=("uint8", "uint16", "float32", "int8", "int16", "int32", "uint32", "float16", "float64"),
)
