"""A tomogram: a lazy array in z, y, x with its voxel size, its origin and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.volume.moments import moments_job

ZYX = tuple[float, float, float]
Region = tuple[slice, slice, slice]


class LazyArray(Protocol):
    """What a volume format gives: a memory map, a zarr array, an HDF5 data set."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def dtype(self) -> np.dtype[Any]: ...  # noqa: D102
    def __getitem__(self, key: Any) -> Any: ...


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of a whole tomogram, in its own grey values."""

    mean: float
    deviation: float


def mean_size(sizes: ZYX) -> float:
    """Return the geometric mean of three voxel sizes; of equal ones exactly that number."""
    return float(sizes[0]) if len(set(sizes)) == 1 else float(np.cbrt(np.prod(sizes)))


@dataclass(frozen=True)
class Tomogram:
    """A volume on disk or in memory.

    Parameters
    ----------
    data
        Lazy array, (z, y, x), any real type.
    voxel_size_zyx
        Å along z, y, x; ``None`` where the file does not say (0 and 1 in a header count as not said).
    origin_zyx
        Å; position of the centre of voxel (0, 0, 0), as in the file's header.
    nstart_zyx
        MRC ``nzstart, nystart, nxstart``, voxels.
    path
        File or folder it came from; ``None`` for an array in memory.
    labels
        Text lines of the header.
    warnings
        What was odd about the file, in words, with the remedy.
    """

    data: LazyArray
    voxel_size_zyx: ZYX | None = None
    origin_zyx: ZYX = (0.0, 0.0, 0.0)
    nstart_zyx: tuple[int, int, int] = (0, 0, 0)
    path: Path | None = None
    labels: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def shape(self) -> tuple[int, int, int]:
        """(z, y, x) in voxels."""
        z, y, x = self.data.shape
        return int(z), int(y), int(x)

    @property
    def name(self) -> str:
        """File name without folder and volume suffixes: what outputs and tables call this tomogram."""
        return tomogram_name(self.path) if self.path is not None else "tomogram"

    @property
    def voxel_size(self) -> float:
        """One number for the voxel size, Å: the geometric mean of the three axes.

        Raises
        ------
        ParameterProblem
            The file does not say.
        """
        return mean_size(self.require_voxel_size_zyx())

    def require_voxel_size_zyx(self, remedy: str = "give it with --voxel-size, or set it in the project") -> ZYX:
        """Return the voxel size along z, y, x in Å, or raise `ParameterProblem` where it is not known.

        `remedy` names the option that says it: commands that read two kinds of volumes have one for each.
        """
        if self.voxel_size_zyx is None:
            raise ParameterProblem(self.path or self.name, "the voxel size is not known", remedy)
        return self.voxel_size_zyx

    def slab(self, z: int, depth: int = 1, region: tuple[slice, slice] | None = None) -> np.ndarray:
        """Return `depth` slices centred on slice `z`.

        Parameters
        ----------
        z
            Index of the central slice.
        depth
            Odd number of slices; those beyond the ends repeat the end slice.
        region
            Slices of y and x; all of the slice when ``None``.

        Returns
        -------
        ndarray
            (depth, y, x) float32, a copy in the file's grey values.
        """
        nz = self.shape[0]
        if not 0 <= z < nz:
            raise ParameterProblem(self.path or self.name, f"there is no slice {z}", f"slices run from 0 to {nz - 1}")
        ys, xs = region or (slice(None), slice(None))
        half = depth // 2
        low, high = max(0, z - half), min(nz, z + half + 1)
        block = np.asarray(self.data[low:high, ys, xs], dtype=np.float32)
        wanted = np.clip(np.arange(z - half, z - half + depth), 0, nz - 1) - low
        return block[wanted] if depth != len(block) else np.array(block)

    def read(self, region: Region | None = None) -> np.ndarray:
        """Return a region (or everything) as an array of the file's own type, in the machine's byte order."""
        block = np.asarray(self.data[region or (slice(None),) * 3])
        return block.astype(block.dtype.newbyteorder("="), copy=False)

    @cached_property
    def statistics(self) -> Statistics:
        """Mean and deviation of all finite voxels, computed once, block by block on all cores."""
        whole = run(moments_job(self.data))
        return Statistics(whole.mean, whole.deviation)


def known_voxel_size(sizes_zyx: Sequence[float]) -> ZYX | None:
    """Return a voxel size in Å, or ``None`` for what headers hold when nobody set it: 0, 1 Å, or no number.

    >>> known_voxel_size([13.68, 13.68, 13.68]), known_voxel_size([1.0, 1.0, 1.0]), known_voxel_size([0.0, 10.0, 10.0])
    ((13.68, 13.68, 13.68), None, None)
    """
    z, y, x = (float(size) for size in sizes_zyx)
    sizes = np.array([z, y, x])
    if not np.isfinite(sizes).all() or (sizes <= 0).any() or (sizes == 1).all():
        return None
    return z, y, x


VOLUME_SUFFIXES = (
    ".ome.zarr", ".zarr", ".mrc", ".map", ".rec", ".st", ".mrcs", ".ccp4",
    ".tif", ".tiff", ".em", ".hdf", ".h5", ".hdf5",
)  # fmt: skip


def tomogram_name(path: str | Path) -> str:
    """Return the name that outputs and tables use for a volume file.

    >>> tomogram_name("data/TS_01.mrc.gz")
    'TS_01'
    >>> tomogram_name("TS_02_10.00Apx.mrc")
    'TS_02_10.00Apx'
    """
    name = Path(path).name
    for suffix in (".gz", ".bz2", *VOLUME_SUFFIXES):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            name = name[: -len(suffix)]
            if suffix not in {".gz", ".bz2"}:
                break
    return name
