"""Volumes from one format, grid or type to another.

    open ──► bytes, voxel size ──► invert ──► turn ──► crop ──► bin ──► rescale ──► type ──► write

Everything is computed slab by slab, so memory does not grow with the number of slices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.files import check_not_input
from ais_app.core.io import create_volume, format_of, open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.tomogram import Tomogram, tomogram_name
from ais_app.core.volume.blocks import Inverted, Reread, read_ahead
from ais_app.core.volume.grey_types import cast_for
from ais_app.core.volume.region import parse_region
from ais_app.core.volume.resample import binned, cropped, rescaled, rotated_x
from ais_app.operations.per_file import FileResult, each_file, input_files

_SLAB = 2**22  # voxels written at a time


@dataclass(frozen=True)
class ConvertParams(Params):
    """What to change on the way; nothing by default."""

    crop: str | None = param(None, "Keep this region, z0:z1,y0:y1,x0:x1, before binning", unit="voxels")
    bin: int = param(1, "Join cubes of this many voxels a side", unit="voxels", low=1)
    bin_by: str = param("mean", "What a cube becomes: its mean, or its maximum (masks)", choices=("mean", "max"))
    rescale: float | None = param(None, "Resample to this voxel size, without aliasing", unit="Å", low=0.01)
    dtype: str = param(
        "same",
        "Type of the voxels; grey values are scaled only where they do not fit",
        choices=("same", "int8", "uint8", "int16", "uint16", "float16", "float32"),
    )
    voxel_size: float | None = param(None, "The voxel size of the input; replaces what it says", unit="Å", low=0.01)
    rotate_x: bool = param(False, "Turn by -90° about x first, as IMOD's trimvol -rx, where y is the thin axis")
    invert: bool = param(False, "Turn grey values over: what is bright becomes dark, as most networks expect it")
    bytes: str = param(
        "as-said",
        "Read 8-bit voxels as signed or unsigned, whatever the file says",
        choices=("as-said", "signed", "unsigned"),
    )


def convert_job(
    inputs: Sequence[str | Path],
    out: str | Path,
    params: ConvertParams | None = None,
    *,
    format: str | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Convert volumes, cropped, binned, rescaled or in another type.

    Parameters
    ----------
    inputs
        Files, folders or globs.
    out
        File to write, for one input; its suffix chooses the format. With `format`, a folder for
        ``<name>.<format>`` of every input.
    params
        What to change.
    format
        Suffix of the files in the folder: ``"mrc"``, ``"mrc.gz"``, ``"tif"``, ``"ome.zarr"`` ...
    skip_existing
        Leave inputs out whose output is there.

    Returns
    -------
    list of FileResult
        One per input; a failure is in its ``error``.

    Raises
    ------
    ParameterProblem
        Several inputs have one output, or an output is an input.
    FileProblem
        The format cannot be written, or a folder or glob holds no volume.
    """
    files = input_files(inputs)
    target = _targets(files, Path(out), format)
    chosen = params or ConvertParams()
    check_not_input([target(path) for path in files], files)
    for path in files:
        format_of(target(path), writable=True)  # an unknown one is said before anything is done

    def work(path: Path) -> Job[str]:
        return _convert_one(path, target(path), chosen)

    return (yield from each_file(files, lambda path: [target(path)], work, skip_existing=skip_existing))


convert = direct(convert_job)


def _targets(files: Sequence[Path], out: Path, format: str | None) -> Callable[[Path], Path]:
    if format is not None:
        return lambda path: out / f"{tomogram_name(path)}.{format.lstrip('.')}"
    if len(files) > 1:
        raise ParameterProblem(out, f"{len(files)} volumes cannot become one file", "give --output-dir DIR")
    return lambda path: out


def _convert_one(path: Path, target: Path, params: ConvertParams) -> Job[str]:
    source = open_tomogram(path, voxel_size=params.voxel_size)
    tomogram = _changed(source, params)
    wanted = None if params.dtype == "same" else params.dtype
    read_as = _with_bytes(source, params.bytes).data.dtype
    cast = yield from cast_for(tomogram, read_as, wanted, format_of(target, writable=True).dtypes)
    notes: dict[str, Any] = {"shape_zyx": list(tomogram.shape), "dtype": cast.dtype.name, **cast.to_dict()}
    arguments = {"inputs": [str(path)], "out": str(target), "params": params}
    record = provenance.record("convert", target, arguments, [path], notes)
    labels = [*cast.labels(source.labels)[:8], *([cast.label] if cast.label else []), record.label]
    step = max(1, _SLAB // (tomogram.shape[1] * tomogram.shape[2]))
    with create_volume(target, tomogram.shape, cast.dtype, like=tomogram, label=labels) as writer:
        for z, slab in read_ahead(tomogram.data, step):
            writer.write(z, cast(slab))
            yield Progress(z + len(slab), tomogram.shape[0], "writing")
    record.write(target)
    z, y, x = tomogram.shape
    return f"{x} × {y} × {z} voxels, {cast.dtype.name}" + (f", {cast.label}" if cast.label else "")


def _changed(tomogram: Tomogram, params: ConvertParams) -> Tomogram:
    """Apply everything but the type; still lazily."""
    tomogram = _with_bytes(tomogram, params.bytes)
    if params.invert:
        tomogram = replace(tomogram, data=Inverted(tomogram.data))
    if params.rotate_x:
        tomogram = rotated_x(tomogram)
    if params.crop is not None:
        tomogram = cropped(tomogram, parse_region(params.crop, tomogram.shape, "--crop"))
    if params.bin > 1:
        tomogram = binned(tomogram, params.bin, "max" if params.bin_by == "max" else "mean")
    if params.rescale is not None:
        tomogram = rescaled(tomogram, params.rescale)
    return tomogram


def _with_bytes(tomogram: Tomogram, wanted: str) -> Tomogram:
    if wanted == "as-said":
        return tomogram
    if tomogram.data.dtype.itemsize != 1:
        problem = f"has voxels of type {tomogram.data.dtype}, not of 8 bits"
        raise ParameterProblem(tomogram.path or tomogram.name, problem, "leave out --bytes")
    kind = np.uint8 if wanted == "unsigned" else np.int8
    return replace(tomogram, data=Reread(tomogram.data, kind))
