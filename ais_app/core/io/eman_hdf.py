"""HDF5 volumes: EMAN2's (.hdf), and any file that holds exactly one 3D data set (.h5, .hdf5)."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import FileProblem
from ais_app.core.io import VolumeFormat
from ais_app.core.tomogram import ZYX, LazyArray, Tomogram, known_voxel_size
from ais_app.core.volume.blocks import BlockArray, Selected

if TYPE_CHECKING:
    import h5py

_IMAGES = "MDF/images"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def _open(path: Path) -> Tomogram:
    import h5py

    if path.is_file() and path.stat().st_size == 0:
        raise FileProblem(path, "is empty", "copy it again")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        reason = "truncated" if "truncated" in str(error) else "not an HDF5 file"
        raise FileProblem(path, f"is damaged or {reason}", "copy it again") from error
    try:
        tomogram = _eman(file, path) if _IMAGES in file else _only_volume(file, path)
    except (KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        file.close()
        raise FileProblem(path, f"is damaged: {error}", "copy it again") from error
    except FileProblem:
        file.close()
        raise
    weakref.finalize(tomogram.data, file.close)
    return tomogram


def _eman(file: h5py.File, path: Path) -> Tomogram:
    images = sorted((name for name in file[_IMAGES] if name.isdigit()), key=int)
    if not images:
        raise FileProblem(path, "is an EMAN2 file without images")
    group = file[_IMAGES][images[0]]
    volume = group["image"]
    if not 2 <= volume.ndim <= 3 or volume.dtype.kind not in "iuf" or volume.size == 0:
        raise FileProblem(path, f"holds an image of shape {volume.shape} and type {volume.dtype}, no volume")
    head = {name.removeprefix("EMAN."): _number(value) for name, value in group.attrs.items()}
    sizes = known_voxel_size([head.get(f"apix_{axis}") or 0.0 for axis in "zyx"])
    many = (f"the file holds {len(images)} images: the first is read",) if len(images) > 1 else ()
    axes = (0, 1, 2) if volume.ndim == 3 else (None, 0, 1)
    return Tomogram(
        _Stored(volume, path, axes, *_rendering(head)),
        voxel_size_zyx=sizes,
        origin_zyx=_three(head, "origin_"),
        path=path,
        warnings=many,
    )


def _rendering(head: dict[str, float | None]) -> tuple[float, float]:
    """Return scale and offset of a volume that EMAN2 compressed to a few bits: grey = offset + scale * stored."""
    bits, low, high = (head.get(f"stored_render{name}") for name in ("bits", "min", "max"))
    if not bits or low is None or high is None or high == low:
        return 1.0, 0.0
    return (high - low) / (2 ** int(bits) - 1), low


def _number(value: Any) -> float | None:
    """Return an attribute as a number; EMAN2 also keeps texts and lists."""
    array = np.asarray(value)
    return float(array.ravel()[0]) if array.dtype.kind in "iufb" and array.size == 1 else None


def _three(head: dict[str, float | None], name: str) -> ZYX:
    z, y, x = (head.get(name + axis) or 0.0 for axis in "zyx")
    return z, y, x


def _only_volume(file: h5py.File, path: Path) -> Tomogram:
    """Open the one data set that is a volume; where there are none or several, say what there is."""
    import h5py

    found: dict[str, h5py.Dataset] = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    volumes = {name: item for name, item in found.items() if _axes(item) is not None}
    if len(volumes) != 1:
        inside = ", ".join(f"{name} {item.shape}" for name, item in list(found.items())[:8]) or "nothing"
        problem = f"holds {len(volumes)} volumes where one is read; inside: {inside}"
        raise FileProblem(path, problem, "export the one you need as MRC, TIFF or OME-Zarr")
    ((name, item),) = volumes.items()
    axes = _axes(item)
    assert axes is not None  # volumes holds no other
    return Tomogram(_Stored(item, path, axes), path=path, labels=(f"HDF5 data set {name}",))


def _axes(item: h5py.Dataset) -> tuple[int, int, int] | None:
    """Return the three axes longer than 1 of a real-valued data set (ilastik adds channel and time), else None."""
    if item.dtype.kind not in "iuf" or item.ndim < 3 or item.size == 0:
        return None
    long = [axis for axis, length in enumerate(item.shape) if length > 1]
    if item.ndim == 3:
        return 0, 1, 2
    return (long[0], long[1], long[2]) if len(long) == 3 else None


class _Stored(BlockArray):
    """A data set; where EMAN2 stored fewer bits, its grey values are computed back, float32."""

    def __init__(
        self,
        source: LazyArray,
        path: Path,
        axes: tuple[int | None, int, int],
        scale: float = 1.0,
        offset: float = 0.0,
    ) -> None:
        self._selected, self._path = Selected(source, axes), path
        self._scale, self._offset = np.float32(scale), np.float32(offset)
        self._plain = scale == 1.0 and offset == 0.0
        super().__init__(self._selected.shape, source.dtype if self._plain else np.float32)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        try:
            block = self._selected.read(z, y, x)
        except (OSError, MemoryError) as error:
            raise FileProblem(self._path, f"cannot be read ({error})", "copy it again") from error
        return block if self._plain else block * self._scale + self._offset


def _sniff(path: Path) -> bool:
    if path.is_dir():
        return False
    with path.open("rb") as stream:
        return stream.read(8) == _SIGNATURE


FORMAT = VolumeFormat(name="hdf5", title="EMAN2 HDF5", suffixes=(".hdf5", ".hdf", ".h5"), open=_open, sniff=_sniff)
