"""Plain bytes on disk: unpack .gz and .bz2, map slices of a file, write slices into a file."""

from __future__ import annotations

import bz2
import gzip
import shutil
import tempfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import numpy as np

from ais_app.core.errors import FileProblem

_PIECE = 2**22
_PACKED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open}


def open_unpacked(path: Path, size_of: Callable[[bytes], int] | None = None) -> BinaryIO:
    """Open a file for reading; what is packed with gzip or bzip2 (by content, not by name) is unpacked first.

    Parameters
    ----------
    path
        The file.
    size_of
        Given the first 1,024 unpacked bytes, says how many bytes are worth unpacking: a packed file of a few
        kilobytes must not fill the disk.

    Returns
    -------
    file
        At position 0. Unpacked content lies in a temporary file that goes when it is closed.

    Raises
    ------
    FileProblem
        The file cannot be read, is damaged, or does not fit on the disk of temporary files.
    """
    try:
        stream = path.open("rb")
        start = stream.read(3)
        stream.seek(0)
        opener = next((opener for magic, opener in _PACKED.items() if start.startswith(magic)), None)
        if opener is None:
            return stream
        with stream, cast(IO[bytes], opener(stream)) as packed:
            return _unpack(path, packed, size_of)
    except (EOFError, zlib.error, ValueError) as error:
        raise FileProblem(path, f"is damaged: it cannot be unpacked ({error})", "copy it again") from error
    except OSError as error:
        raise FileProblem(path, f"cannot be read ({error.strerror or error})") from error


def _unpack(path: Path, packed: IO[bytes], size_of: Callable[[bytes], int] | None) -> BinaryIO:
    head = packed.read(1024)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    limit = free // 2 if size_of is None else size_of(head)
    if limit > free:
        problem = f"needs {limit / 2**30:,.1f} GiB unpacked, but {tempfile.gettempdir()} has {free / 2**30:,.1f} GiB"
        raise FileProblem(path, problem, "unpack it by hand, or set TMPDIR to a larger disk")
    with ExitStack() as on_error:
        target = cast(BinaryIO, on_error.enter_context(tempfile.TemporaryFile()))
        target.write(head)
        while target.tell() < limit and (piece := packed.read(min(_PIECE, limit - target.tell()))):
            target.write(piece)
        target.seek(0)
        on_error.pop_all()  # from here on the caller closes it
    return target


def pack(source: Path, target: Path) -> None:
    """Pack a file with the method that the suffix of `target` names: .gz or .bz2."""
    opener = gzip.open if target.suffix == ".gz" else bz2.open
    with source.open("rb") as plain, cast(IO[bytes], opener(target, "wb", compresslevel=4)) as packed:
        shutil.copyfileobj(plain, packed, _PIECE)


def mapped(stream: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int) -> np.ndarray:
    """Map part of an open file into memory; the map outlives the file object."""
    return np.memmap(stream, dtype=dtype, mode="r", offset=offset, shape=shape)


class SliceFile:
    """Writes slices to their place in a file of raw voxels.

    Plain writes, not a memory map: on a full disk they raise, while a write to a map kills the program.
    """

    def __init__(self, stream: BinaryIO, offset: int, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
        self._stream, self._offset, self._dtype = stream, offset, dtype
        self._slice_bytes = shape[1] * shape[2] * dtype.itemsize

    def write(self, z: int, slab: np.ndarray) -> None:
        """Store `slab`, (n, y, x), as slices ``z ... z + n - 1``."""
        self._stream.seek(self._offset + z * self._slice_bytes)
        self._stream.write(np.ascontiguousarray(slab, dtype=self._dtype).reshape(-1).view(np.uint8).data)
