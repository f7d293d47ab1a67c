"""MRC / CCP4 maps and their kin (.mrc .map .rec .st .mrcs .ccp4), also packed with gzip or bzip2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ais_app.core.errors import FileProblem
from ais_app.core.formats.mrc_header import MODES, SIZE, MrcHeader, build_header, fit_to_file, parse_header
from ais_app.core.formats.rawfile import SliceFile, mapped, open_unpacked, pack
from ais_app.core.io import VolumeFormat, VolumeHeader, VolumeWriter
from ais_app.core.tomogram import LazyArray, Tomogram
from ais_app.core.volume.blocks import Magnitude
from ais_app.core.volume.moments import Moments, join, moments

_WRITTEN_AS = {"bool": 0, "int8": 0, "int16": 1, "float32": 2, "uint8": 6, "uint16": 6, "float16": 12}


def _open(path: Path) -> Tomogram:
    with open_unpacked(path, lambda head: _bytes_wanted(head, path)) as stream:
        header = parse_header(stream.read(SIZE), path)
        header = fit_to_file(header, stream.seek(0, 2), path)
        data = _data(stream, header)
    return Tomogram(
        data,
        voxel_size_zyx=header.voxel_size_zyx,
        origin_zyx=header.origin_zyx,
        nstart_zyx=header.nstart_zyx,
        path=path,
        labels=header.labels,
        warnings=header.warnings,
    )


def _bytes_wanted(head: bytes, path: Path) -> int:
    header = parse_header(head, path)
    return header.offset + header.data_bytes + 1  # one more byte tells a longer file


def _data(stream: BinaryIO, header: MrcHeader) -> LazyArray:
    stored = mapped(stream, header.dtype, header.stored_shape, header.offset)
    turned = stored.transpose(header.axes)
    return Magnitude(turned) if header.dtype.kind == "c" else turned


def _sniff(path: Path) -> bool:
    try:
        with open_unpacked(path, lambda head: SIZE) as stream:
            head = stream.read(SIZE)
            return head[208:211] == b"MAP" and bool(parse_header(head, path))
    except FileProblem:
        return False


class _MrcWriter:
    """Writes slices, and keeps what is known of the grey values of each for the header."""

    def __init__(self, stream: BinaryIO, header: VolumeHeader) -> None:
        self.mode = _WRITTEN_AS[header.dtype.name]
        self._file = SliceFile(stream, SIZE, header.shape, np.dtype(MODES[self.mode]).newbyteorder("<"))
        self._slices: dict[int, Moments] = {}

    def write(self, z: int, slab: np.ndarray) -> None:
        """Store `slab`, (n, y, x), as slices ``z ... z + n - 1``."""
        self._file.write(z, slab)
        self._slices.update((z + at, moments(plane)) for at, plane in enumerate(slab))

    def grey(self) -> tuple[float, float, float, float]:
        """Minimum, maximum, mean and deviation of all finite voxels."""
        whole = join(self._slices.values())
        return (whole.low, whole.high, whole.mean, whole.deviation) if whole.count else (0.0, 0.0, 0.0, 0.0)


@contextmanager
def _create(path: Path, header: VolumeHeader) -> Iterator[VolumeWriter]:
    packed = path.suffix in {".gz", ".bz2"}
    plain = path.with_name(path.name + ".mrc") if packed else path
    try:
        with plain.open("wb") as stream:
            writer = _MrcWriter(stream, header)
            yield writer
            stream.seek(0)
            stream.write(build_header(header, writer.mode, writer.grey()))
        if packed:
            pack(plain, path)
    finally:
        if packed:
            plain.unlink(missing_ok=True)


FORMAT = VolumeFormat(
    name="mrc",
    title="MRC / CCP4 map",
    suffixes=(".mrcs", ".ccp4", ".mrc", ".map", ".rec", ".st"),
    open=_open,
    sniff=_sniff,
    create=_create,
    dtypes=tuple(_WRITTEN_AS),
    packs=True,
)
