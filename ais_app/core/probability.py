"""Probabilities on disk: the one place that knows their scale.

    create_probabilities(path, ...) ──► writer.write(z, p)      p in 0 ... 1, float
    open_probabilities(path)        ──► Tomogram, float32 0 ... 1, lazily decoded

=========  ==================  =====================================================================
encoding   in the file         remark
=========  ==================  =====================================================================
int8       0 ... 127           default; half the size of the 16-bit files that MRC needs for 0 ... 255
uint8      0 ... 255           as Ais writes them; MRC stores them in mode 6, 16 bits
float16    0 ... 1             MRC mode 12
float32    0 ... 1             as MemBrain writes its scores
=========  ==================  =====================================================================

A label line in the header names the scale, so that an almost empty map cannot be taken for a mask of 0 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.io import VolumeWriter, create_volume, open_tomogram
from ais_app.core.tomogram import LazyArray, Tomogram
from ais_app.core.volume.blocks import BlockArray
from ais_app.core.volume.moments import Moments, join, moments

Encoding = Literal["int8", "uint8", "float16", "float32"]
ENCODINGS: tuple[str, ...] = get_args(Encoding)
_TOP = {"int8": 127, "uint8": 255, "float16": 1, "float32": 1}
_LABEL = re.compile(r"probability: 0 to 1 stored as 0 to (\d+)")
_SLACK = 1e-3  # interpolated and half-precision maps overshoot 0 and 1 by this much


def encode(probabilities: np.ndarray, encoding: str = "int8") -> np.ndarray:
    """Scale probabilities to what a file holds.

    Parameters
    ----------
    probabilities
        Any shape, real, 0 to 1; what lies outside is clipped.
    encoding
        ``"int8"``, ``"uint8"``, ``"float16"`` or ``"float32"``.

    Returns
    -------
    ndarray
        Same shape, of that type; integers are rounded to the nearest.

    Raises
    ------
    ParameterProblem
        The encoding is unknown, or a value is no number.
    """
    top = _top(encoding)
    scaled = np.clip(np.asarray(probabilities, dtype=np.float32), 0.0, 1.0)
    if np.isnan(scaled.sum()):
        raise ParameterProblem("probabilities", "some are no number (NaN)", "check the input for NaN: ais-app info")
    if top > 1:
        scaled *= top
        np.rint(scaled, out=scaled)
    return scaled.astype(encoding)


def decode(stored: np.ndarray, path: str | Path = "volume", *, labels: Sequence[str] = ()) -> np.ndarray:
    """Scale a whole stored map back to probabilities.

    The scale is recognised from the type, the range and the label lines; for a map that is read piece by piece,
    use `open_probabilities`, which looks at all of it first.

    Parameters
    ----------
    stored
        The whole map, any shape.
    path
        Named in errors.
    labels
        Text lines of the header, where there are any.

    Returns
    -------
    ndarray
        float32, 0 to 1.

    Raises
    ------
    FileProblem
        The values are no probabilities.
    """
    return _scaled(stored, top_of(stored.dtype, moments(stored), path, labels))


def open_probabilities(path: str | Path | Tomogram) -> Tomogram:
    """Open a probability map; its ``data`` are float32, 0 to 1, decoded as they are read.

    Reads the map once to recognise its scale, unless a label line names it.

    Raises
    ------
    FileProblem
        The file is no volume, or its values are no probabilities.
    """
    tomogram = path if isinstance(path, Tomogram) else open_tomogram(path)
    return replace(tomogram, data=_Decoded(tomogram.data, scale_of(tomogram)))


def scale_of(tomogram: Tomogram) -> int:
    """Return the stored value that means probability 1; reads the map once, unless a label line names it.

    Raises
    ------
    FileProblem
        The values are no probabilities.
    """
    known = _labelled_top(tomogram.labels) is not None
    seen = Moments() if known else join(moments(np.asarray(tomogram.data[z])) for z in range(tomogram.shape[0]))
    return top_of(tomogram.data.dtype, seen, tomogram.path or tomogram.name, tomogram.labels)


def highest_probability(volume: Tomogram) -> float:
    """Return the largest voxel of a map, (z, y, x), read slice by slice: what a threshold can reach."""
    return max((float(np.max(volume.data[z])) for z in range(volume.shape[0])), default=0.0)


@contextmanager
def create_probabilities(
    path: str | Path,
    shape: tuple[int, int, int],
    encoding: str = "int8",
    *,
    like: Tomogram | None = None,
    label: str | Sequence[str] = "",
) -> Iterator[VolumeWriter]:
    """Write a probability map slab by slab; ``write(z, p)`` takes floats, 0 to 1. Otherwise as `create_volume`.

    Raises
    ------
    ParameterProblem
        The encoding is unknown, or a value is no number.
    FileProblem
        As `create_volume`.
    """
    lines = [label] if isinstance(label, str) else list(label)
    lines.append(f"probability: 0 to 1 stored as 0 to {_top(encoding)}")
    with create_volume(path, shape, np.dtype(encoding), like=like, label=lines) as writer:
        yield _EncodingWriter(writer, encoding)


def top_of(dtype: np.dtype, seen: Moments, path: str | Path, labels: Sequence[str] = ()) -> int:
    """Return the stored value that means probability 1.

    Parameters
    ----------
    dtype
        Type in the file.
    seen
        Range of the whole map.
    path
        Named in errors.
    labels
        Text lines of the header; a line written by `create_probabilities` decides.

    Raises
    ------
    FileProblem
        The values are no probabilities.
    """
    labelled = _labelled_top(labels)
    if labelled is not None:
        return labelled
    if seen.nans or seen.infinities:
        problem = f"holds {seen.nans + seen.infinities:,} voxels that are no finite number"
        raise FileProblem(path, problem, "a probability map has none; make it again")
    if seen.low < -_SLACK:
        raise FileProblem(path, f"is no probability map: its values go from {seen.low:g} to {seen.high:g}", _REMEDY)
    if seen.high <= 1 + _SLACK:
        return 1
    if dtype == np.int8 and seen.high <= 127:
        return 127
    if 127 < seen.high <= 255 or (dtype.kind in "ui" and seen.high <= 255):
        return 255
    raise FileProblem(path, f"is no probability map: its values go from {seen.low:g} to {seen.high:g}", _REMEDY)


_REMEDY = "0 to 1, 0 to 127 (int8) or 0 to 255 are read"


def _labelled_top(labels: Sequence[str]) -> int | None:
    found = (_LABEL.search(text) for text in labels)
    return next((int(match[1]) for match in found if match), None)


def _top(encoding: str) -> int:
    if encoding not in _TOP:
        raise ParameterProblem("encoding", f"{encoding!r} is not known", f"choose one of {', '.join(ENCODINGS)}")
    return _TOP[encoding]


def _scaled(stored: np.ndarray, top: int) -> np.ndarray:
    values = np.multiply(stored, np.float32(1 / top), dtype=np.float32)
    return np.clip(values, 0.0, 1.0, out=values)


class _Decoded(BlockArray):
    def __init__(self, source: LazyArray, top: int) -> None:
        self._source, self._top = source, top
        super().__init__(source.shape, np.float32)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        return _scaled(np.asarray(self._source[z, y, x]), self._top)


class _EncodingWriter:
    def __init__(self, writer: VolumeWriter, encoding: str) -> None:
        self._writer, self._encoding = writer, encoding

    def write(self, z: int, slab: np.ndarray) -> None:
        self._writer.write(z, encode(slab, self._encoding))
