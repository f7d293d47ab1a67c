"""EM files of the TOM toolbox, AV3, PyTom and Dynamo: a 512-byte header, then the voxels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ais_app.core.errors import FileProblem
from ais_app.core.formats.rawfile import mapped, open_unpacked
from ais_app.core.io import VolumeFormat
from ais_app.core.tomogram import LazyArray, Tomogram
from ais_app.core.volume.blocks import Magnitude

_HEADER = 512
_BIG_ENDIAN = {0, 3, 4, 5}  # OS-9, SGI, Sun, Mac; 1 VAX, 2 Convex and 6 PC are little-endian
_TYPES = {1: "i1", 2: "i2", 4: "i4", 5: "f4", 8: "c8", 9: "f8", 10: "c16"}


def _open(path: Path) -> Tomogram:
    with open_unpacked(path, lambda head: _layout(head, path)[2] + 1) as stream:
        head = stream.read(_HEADER)
        shape, dtype, wanted = _layout(head, path)
        size = stream.seek(0, 2)
        if size < wanted:
            problem = f"is truncated: it has {size:,} of the {wanted:,} bytes that its header promises"
            raise FileProblem(path, problem, "copy it again")
        stored = mapped(stream, dtype, shape, _HEADER)
    longer = (f"the file is {size - wanted:,} bytes longer than its header says: the rest is not read",)
    data: LazyArray = Magnitude(stored) if dtype.kind == "c" else stored
    comment = head[16:96].decode("ascii", "replace").split("\0")[0].strip()
    labels = (comment,) if comment.isprintable() and comment else ()
    return Tomogram(data, path=path, labels=labels, warnings=longer if size > wanted else ())


def _layout(head: bytes, path: Path) -> tuple[tuple[int, int, int], np.dtype, int]:
    """Return shape (z, y, x), type with byte order, and the bytes a whole file has."""
    if len(head) < _HEADER:
        problem = "is empty" if not head else f"is too short for an EM header: {len(head):,} of {_HEADER} bytes"
        raise FileProblem(path, problem, "copy it again")
    order = ">" if head[0] in _BIG_ENDIAN else "<"
    x, y, z = (int(n) for n in np.frombuffer(head, order + "i4", count=3, offset=4))
    if head[0] > 6 or head[3] not in _TYPES or not all(0 < n <= 2**20 for n in (x, y, z)):
        raise FileProblem(path, f"is not an EM file: its header says {x} × {y} × {z} voxels of type {head[3]}")
    dtype = np.dtype(order + _TYPES[head[3]])
    return (z, y, x), dtype, _HEADER + math.prod((z, y, x)) * dtype.itemsize


def _sniff(path: Path) -> bool:
    if path.is_dir():
        return False
    try:
        return _open(path).warnings == ()  # the format has no mark of its own: only an exact fit counts
    except FileProblem:
        return False


FORMAT = VolumeFormat(name="em", title="EM (TOM toolbox, Dynamo)", suffixes=(".em",), open=_open, sniff=_sniff)
