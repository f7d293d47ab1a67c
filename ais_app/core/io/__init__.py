"""Volumes in and out: one file per format, chosen by suffix, then by content.

    open_tomogram(path) ──► VolumeFormat.open ──► Tomogram (lazy)
    create_volume(path, ...) ──► VolumeFormat.create ──► VolumeWriter (slab by slab, renamed into place at the end)

Every module here that defines ``FORMAT`` is a format; they do not know each other.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.files import replacing
from ais_app.core.registry import plugins
from ais_app.core.tomogram import ZYX, Tomogram


class VolumeWriter(Protocol):
    """An open output volume that takes its slices in any order."""

    def write(self, z: int, slab: np.ndarray) -> None:
        """Store `slab`, (n, y, x) in the volume's type, as slices ``z ... z + n - 1``."""


@dataclass(frozen=True)
class VolumeHeader:
    """What a new volume is made with.

    Parameters
    ----------
    shape
        (z, y, x).
    dtype
        Type of the voxels in the file.
    voxel_size_zyx, origin_zyx, nstart_zyx
        As in `Tomogram`; an unknown voxel size is written as 0.
    labels
        Text lines; MRC keeps ten of 80 characters.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    voxel_size_zyx: ZYX | None = None
    origin_zyx: ZYX = (0.0, 0.0, 0.0)
    nstart_zyx: tuple[int, int, int] = (0, 0, 0)
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class VolumeFormat:
    """A volume format.

    Parameters
    ----------
    name
        Short name: ``"mrc"``.
    title
        Name for a person: ``"MRC / CCP4 map"``.
    suffixes
        Lower-case, with dot, longest first.
    open
        ``open(path) -> Tomogram``; raises `FileProblem`.
    sniff
        ``sniff(path) -> bool``: does the content look like this format? Asked when no suffix fits.
    create
        ``create(path, header)`` as a context manager that gives a `VolumeWriter`; ``None`` for read-only formats.
        It writes straight to `path`: `create_volume` hands it a temporary one.
    dtypes
        Names of the numpy types that `create` takes.
    packs
        Whether `create` also takes names that end in .gz or .bz2.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    open: Callable[[Path], Tomogram]
    sniff: Callable[[Path], bool]
    create: Callable[[Path, VolumeHeader], AbstractContextManager[VolumeWriter]] | None = None
    dtypes: tuple[str, ...] = ()
    packs: bool = False


def volume_formats() -> dict[str, VolumeFormat]:
    """Return every known volume format by its name."""
    return plugins("ais_app.core.io", "FORMAT")


def open_tomogram(path: str | Path, *, voxel_size: float | Sequence[float] | None = None) -> Tomogram:
    """Open a volume without reading its voxels.

    Parameters
    ----------
    path
        MRC (also .gz and .bz2), TIFF stack, OME-Zarr folder, EM or EMAN2 HDF5.
    voxel_size
        Å, one number or three in z, y, x; replaces what the file says.

    Returns
    -------
    Tomogram
        (z, y, x), lazily read.

    Raises
    ------
    FileProblem
        The file is missing, empty, truncated, or no volume.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise FileProblem(path, "no such file or folder", "check the name")
        tomogram = format_of(path).open(path)
    except OSError as error:
        raise FileProblem(path, f"cannot be read ({error.strerror or error})") from error
    _check_size(tomogram, path)
    for text in tomogram.warnings:
        warnings.warn(DataWarning(f"{path}: {text}"), stacklevel=2)
    if voxel_size is not None:
        tomogram = replace(tomogram, voxel_size_zyx=_three(voxel_size))
    return tomogram


def _check_size(tomogram: Tomogram, path: Path) -> None:
    """Refuse what a damaged or hostile header can promise but no memory can hold a slice of."""
    z, y, x = tomogram.shape
    if not 0 < min(z, y, x) <= max(z, y, x) <= 2**20 or y * x > 2**32:
        raise FileProblem(
            path, f"says that it holds {x} × {y} × {z} voxels", "its header must be damaged; copy it again"
        )


def _three(voxel_size: float | Sequence[float]) -> ZYX:
    values = np.broadcast_to(np.asarray(voxel_size, dtype=float), 3)
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise ParameterProblem("voxel size", f"{voxel_size} Å is not a size", "give a positive number of Å")
    z, y, x = (float(v) for v in values)
    return z, y, x


def format_of(path: str | Path, *, writable: bool = False) -> VolumeFormat:
    """Return the format of a file: by its suffix, else by its content.

    Raises
    ------
    FileProblem
        No format fits, or none that can be written.
    """
    path = Path(path)
    formats = [f for f in volume_formats().values() if f.create is not None or not writable]
    name = path.name.lower().removesuffix(".gz").removesuffix(".bz2")
    for candidate in formats:
        if name.endswith(candidate.suffixes):
            return candidate
    if path.exists():
        for candidate in formats:
            if candidate.sniff(path):
                return candidate
    known = ", ".join(suffix for candidate in formats for suffix in candidate.suffixes)
    raise FileProblem(path, "is not a volume that can be " + ("written" if writable else "read"), f"known: {known}")


@contextmanager
def create_volume(
    path: str | Path,
    shape: tuple[int, int, int],
    dtype: np.dtype | type,
    *,
    like: Tomogram | None = None,
    label: str | Sequence[str] = "",
) -> Iterator[VolumeWriter]:
    """Write a volume slab by slab; the file appears under its name when the block ends without an error.

    Parameters
    ----------
    path
        Where to; the suffix chooses the format (.mrc and its kin, .ome.zarr, .tif).
    shape, dtype
        (z, y, x) and type on disk.
    like
        Take voxel size, origin and nstart from this tomogram, so that both overlay in any viewer.
    label
        One line, or several, for the header.

    Raises
    ------
    FileProblem
        The format cannot be written, the folder cannot be written to, the disk is full, or slices were left out.
    ParameterProblem
        The format has no such type of voxel, or a slab does not fit the volume.
    """
    path = Path(path)
    chosen = format_of(path, writable=True)
    create = chosen.create
    assert create is not None  # format_of(writable=True) offers no other
    labels = (label,) if isinstance(label, str) else tuple(label)
    shape = (int(shape[0]), int(shape[1]), int(shape[2]))
    header = VolumeHeader(shape, np.dtype(dtype), labels=tuple(text for text in labels if text))
    if path.suffix in {".gz", ".bz2"} and not chosen.packs:
        raise ParameterProblem(path, f"{chosen.title} is not packed on writing", f"leave out {path.suffix}")
    if header.dtype.name not in chosen.dtypes:
        problem = f"{chosen.title} does not hold {header.dtype.name} voxels"
        raise ParameterProblem(path, problem, f"choose one of {', '.join(chosen.dtypes)}")
    if like is not None:
        geometry = {name: getattr(like, name) for name in ("voxel_size_zyx", "origin_zyx", "nstart_zyx")}
        header = replace(header, **geometry)
    with replacing(path) as part, create(part, header) as writer:
        checked = _CheckedWriter(writer, path, header)
        yield checked
        checked.finish()


class _CheckedWriter:
    """Refuses slabs that do not fit, so that no format has to, and a volume with slices left out."""

    def __init__(self, writer: VolumeWriter, path: Path, header: VolumeHeader) -> None:
        self._writer, self._path, self._shape, self._dtype = writer, path, header.shape, header.dtype
        self._written = np.zeros(header.shape[0], dtype=bool)

    def write(self, z: int, slab: np.ndarray) -> None:
        """Store `slab`, (n, y, x) or one slice (y, x), as slices ``z ... z + n - 1``."""
        slab = np.asarray(slab)
        slab = slab[None] if slab.ndim == 2 else slab
        depth = self._shape[0]
        if slab.ndim != 3 or slab.shape[1:] != self._shape[1:] or not 0 <= z <= z + len(slab) <= depth:
            problem = f"slices {z} to {z + len(slab) - 1} of shape {slab.shape[1:]} do not fit {self._shape}"
            raise ParameterProblem(self._path, problem)
        self._writer.write(z, self._of_type(slab))
        self._written[z : z + len(slab)] = True

    def _of_type(self, slab: np.ndarray) -> np.ndarray:
        """Return the slab in the volume's type, in native byte order; a value must not change on the way."""
        if slab.dtype == self._dtype:
            return slab
        if self._dtype.kind in "iu" and slab.size:
            limits = np.iinfo(self._dtype)
            if slab.dtype.kind not in "iub" or not limits.min <= slab.min() <= slab.max() <= limits.max:
                problem = f"{slab.dtype} values do not fit {self._dtype} voxels"
                raise ParameterProblem(self._path, problem, "scale and round them first")
        return slab.astype(self._dtype)

    def finish(self) -> None:
        """Raise `FileProblem` if a slice was never written."""
        missing = np.flatnonzero(~self._written)
        if missing.size:
            raise FileProblem(self._path, f"{missing.size} slices were not written, the first is {missing[0]}")


def write_volume(
    path: str | Path, data: np.ndarray, *, like: Tomogram | None = None, label: str | Sequence[str] = ""
) -> Path:
    """Write a whole array, (z, y, x), as `create_volume` does, and return the path."""
    with create_volume(path, data.shape, data.dtype, like=like, label=label) as writer:
        writer.write(0, data)
    return Path(path)
