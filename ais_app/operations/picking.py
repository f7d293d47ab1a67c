"""Particles from volumes by one picker: what the operations of all such pickers share.

volumes ──► each: picker ──► <volume>_<picker>_coords.star and other formats, with provenance
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.coordinates import coordinate_format, write_particles
from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress
from ais_app.core.params import Params
from ais_app.core.particle_set import Particles
from ais_app.core.pickers import DENSITY, PROBABILITY
from ais_app.core.picking.masking import MaskParams, keeper
from ais_app.core.probability import open_probabilities
from ais_app.core.tomogram import ZYX, mean_size, tomogram_name
from ais_app.core.volume.watched import Watched, no_numbers
from ais_app.operations.companions import companion, tomogram_of
from ais_app.operations.per_file import FileResult, each_file, input_files
from ais_app.operations.pick import coordinate_path

PickJob = Callable[..., Job[Particles]]


@dataclass(frozen=True)
class Picking:
    """How every volume is picked.

    Parameters
    ----------
    operation
        Name of the operation, and of its files where there is no `picker`: ``"dog"``.
    job
        ``job(volume, voxel_size_zyx, params, keep) -> Job[Particles]``.
    params
        Of the picker.
    formats, mask, mask_params, voxel_size
        As for the operation.
    picker
        Name of a plug-in, where the operation is the same for all of them.
    reads
        What the volumes are, as for `Picker`.
    """

    operation: str
    job: PickJob
    params: Params
    formats: Sequence[str] = ("star",)
    mask: str | Path | None = None
    mask_params: MaskParams | None = None
    voxel_size: float | None = None
    picker: str = ""
    reads: str = DENSITY

    def target(self, volume: Path, out_dir: Path, format: str) -> Path:
        """Return where coordinates go: ``<volume>_dog_coords.star``; see `operations.pick.coordinate_path`."""
        return coordinate_path(f"{tomogram_name(volume)}_{self.picker or self.operation}", out_dir, format)


def pick_each_job(
    tomograms: Sequence[str | Path], out_dir: str | Path, picking: Picking, skip_existing: bool
) -> Job[list[FileResult]]:
    """Pick every tomogram; a job.

    Raises
    ------
    ParameterProblem
        A format is not known, two inputs have the same name, or options of a mask are given without a mask.
    FileProblem
        A folder or glob holds no volume.
    """
    for name in picking.formats:
        coordinate_format(name)  # an unknown one is said before anything is done
    if picking.mask is None and picking.mask_params not in (None, MaskParams()):
        raise ParameterProblem("mask", "options of a mask are given, but no mask", "give the mask, or leave them out")

    def targets(path: Path) -> list[Path]:
        return [picking.target(path, Path(out_dir), name) for name in picking.formats]

    def work(path: Path) -> Job[str]:
        return _pick_one(path, Path(out_dir), picking)

    return (yield from each_file(input_files(tomograms), targets, work, skip_existing=skip_existing))


def _pick_one(path: Path, out_dir: Path, picking: Picking) -> Job[str]:
    yield Progress(0, 0, "reading")
    volume = open_tomogram(path, voxel_size=picking.voxel_size)
    name = tomogram_name(path)
    if picking.reads == PROBABILITY:
        volume, name = open_probabilities(volume), tomogram_of(path)
    size = volume.require_voxel_size_zyx()
    if max(size) > 1.01 * min(size):
        problem = f"{path}: its voxels are {size[0]:g} x {size[1]:g} x {size[2]:g} Å (z y x)"
        remedy = "formats that count voxels divide Å by the mean; prefer one that holds Å, such as tsv"
        warnings.warn(DataWarning(f"{problem}; {remedy}"), stacklevel=2)
    inputs, keep = [path], None
    if picking.mask is not None:
        inputs.append(companion(path, picking.mask))
        mask = open_probabilities(open_tomogram(inputs[-1], voxel_size=picking.voxel_size))
        keep = keeper(mask, volume, picking.mask_params or MaskParams())
    data = Watched(volume.data)
    found = yield from picking.job(data, size, picking.params, keep)
    if data.empty and not len(found):
        raise no_numbers(path)
    names = np.full(len(found), name, dtype=object)
    found = replace(found, tomograms=names, shape_zyx=volume.shape, voxel_size=found.voxel_size or mean_size(size))
    arguments: dict[str, Any] = {
        "tomograms": [str(path)],
        "out_dir": str(out_dir),
        "params": picking.params,
        "formats": list(picking.formats),
        "mask": None if picking.mask is None else str(inputs[-1]),
        "mask_params": picking.mask_params or MaskParams(),
        "voxel_size": picking.voxel_size,
    }
    if picking.picker:  # a plug-in's parameters are plain values to the operation
        arguments |= {"picker": picking.picker, "params": picking.params.to_dict()}
    for format in picking.formats:
        output = picking.target(path, out_dir, format)
        write_particles(output, found, format)
        notes = {"particles": len(found)}
        provenance.record(picking.operation, output, arguments, inputs, notes).write(output)
    return f"{len(found):,} particle{'s' * (len(found) != 1)}" if len(found) else _why_nothing(picking, data, size)


def _why_nothing(picking: Picking, data: Watched, voxel_size_zyx: ZYX) -> str:
    if data.only_value is not None:
        return f"0 particles: all voxels have one value, {data.only_value:g}"
    if picking.picker:
        return f"0 particles: {picking.picker} finds nothing with these parameters"
    dark, margin = getattr(picking.params, "dark", True), getattr(picking.params, "border_margin", 0.0)
    thinnest = min(n * size for n, size in zip(data.shape, voxel_size_zyx, strict=True))
    if 2 * margin > thinnest:
        return f"0 particles: --border-margin {margin:g} Å leaves nothing of a volume that is {thinnest:g} Å thin"
    where = f", or all of it lies within {margin:g} Å of a face (--border-margin)" if margin else ""
    where += "" if picking.mask is None else ", or all of it is on the wrong side of the mask"
    return f"0 particles: nothing {'dark' if dark else 'bright'} of this size stands out{where}"
