"""Filtered copies of volumes: what the display filters show, as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.files import check_not_input
from ais_app.core.filtering.blocks import filtered_slabs
from ais_app.core.filtering.chain import FilterSetting
from ais_app.core.io import create_volume, format_of, open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.tomogram import tomogram_name
from ais_app.core.volume.watched import Watched, no_numbers
from ais_app.operations.per_file import FileResult, each_file, input_files

Filters = Sequence[FilterSetting | Mapping[str, Any]]


def filter_volume_job(
    inputs: Sequence[str | Path],
    out: str | Path,
    filters: Filters,
    *,
    format: str | None = None,
    voxel_size: float | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Filter volumes.

    Parameters
    ----------
    inputs
        Files, folders or globs.
    out
        File to write, for one input; its suffix chooses the format. With `format`, a folder for
        ``<name>.<format>`` of every input. Voxels are float32.
    filters
        What to do, in order: `FilterSetting`, or dictionaries of name, params and enabled.
    format
        Suffix of the files in the folder: ``"mrc"``, ``"ome.zarr"`` ...
    voxel_size
        Å; replaces what the files say.
    skip_existing
        Leave inputs out whose output is there.

    Returns
    -------
    list of FileResult
        One per input; a failure is in its ``error``.

    Raises
    ------
    ParameterProblem
        A filter or parameter is not known or does not fit, several inputs have one output, or an output is an input.
    FileProblem
        The format cannot be written, or a folder or glob holds no volume.
    """
    chain = [f if isinstance(f, FilterSetting) else FilterSetting.from_dict(f) for f in filters]
    for setting in chain:
        setting.parameters()  # a wrong one is said before anything is done
    files = input_files(inputs)
    if format is None and len(files) > 1:
        raise ParameterProblem(out, f"{len(files)} volumes cannot become one file", "give --output-dir DIR")

    def target(path: Path) -> Path:
        return Path(out) if format is None else Path(out) / f"{tomogram_name(path)}.{format.lstrip('.')}"

    check_not_input([target(path) for path in files], files)
    for path in files:
        format_of(target(path), writable=True)

    def work(path: Path) -> Job[str]:
        return _filter_one(path, target(path), chain, voxel_size)

    return (yield from each_file(files, lambda path: [target(path)], work, skip_existing=skip_existing))


filter_volume = direct(filter_volume_job)
filter = filter_volume  # noqa: A001 - the operation of a module has its name: by that, provenance is replayed


def _filter_one(path: Path, target: Path, chain: Sequence[FilterSetting], voxel_size: float | None) -> Job[str]:
    tomogram = open_tomogram(path, voxel_size=voxel_size)
    tomogram.require_voxel_size_zyx()
    arguments = {"inputs": [str(path)], "out": str(target), "filters": [setting.to_dict() for setting in chain]}
    record = provenance.record("filter", target, {**arguments, "voxel_size": voxel_size}, [path])
    labels = [*tomogram.labels[:9], record.label]
    depth, data = tomogram.shape[0], Watched(tomogram.data)
    with create_volume(target, tomogram.shape, np.dtype(np.float32), like=tomogram, label=labels) as writer:
        for z, slab in filtered_slabs(replace(tomogram, data=data), chain):
            writer.write(z, slab)
            yield Progress(z + len(slab), depth, "filtering")
        if data.empty:
            raise no_numbers(path)
    record.write(target)
    return " then ".join(setting.name for setting in chain if setting.enabled) or "copied: no filter is enabled"
