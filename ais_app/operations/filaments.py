"""Trace filaments: files of probabilities in, coordinates along the axes and the axes themselves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ais_app.core import provenance
from ais_app.core.coordinates import coordinate_format, write_particles
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.filaments import (
    DensityParams,
    Filament,
    FilamentParams,
    centre_on_density,
    sample_filaments,
    trace_filaments,
)
from ais_app.core.filaments.curves_file import write_filaments
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.picking.masking import grid_shift
from ais_app.core.probability import highest_probability, open_probabilities
from ais_app.core.tomogram import VOLUME_SUFFIXES, Tomogram, mean_size, tomogram_name
from ais_app.operations.companions import tomogram_of, volume_called
from ais_app.operations.per_file import FileResult, each_file, input_files
from ais_app.operations.pick import coordinate_path


@dataclass(frozen=True)
class _Order:
    """What is asked of every segmentation."""

    out_dir: Path
    params: FilamentParams
    formats: tuple[str, ...]
    refine: str | None
    refine_params: DensityParams
    voxel_size: float | None


def filaments_job(
    segmentations: Sequence[str | Path],
    out_dir: str | Path,
    params: FilamentParams | None = None,
    *,
    formats: Sequence[str] = ("star",),
    refine: str | Path | None = None,
    refine_params: DensityParams | None = None,
    voxel_size: float | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Trace the filaments of segmentations and sample them.

    Parameters
    ----------
    segmentations
        Files, folders or globs: probabilities as 0…1, 0…127 or 0…255, or masks.
    out_dir
        Folder of the results, made where it is missing: ``<segmentation>_coords.star`` (and other formats) with the
        samples, ``<segmentation>_filaments.json`` with the axes.
    params
        How to trace and sample; lengths in Å.
    formats
        Names of coordinate formats, see `ais_app.coordinate_formats`.
    refine
        The tomogram whose density the axes are centred on: a file, also with ``{tomogram}`` in its name, or a folder
        with a volume of the tomogram's name.
    refine_params
        How; lengths in Å.
    voxel_size
        Å; replaces what the files say.
    skip_existing
        Leave segmentations out whose results are there.

    Returns
    -------
    list of FileResult
        One per segmentation; a failure is in its ``error``. Nothing found is no failure.

    Raises
    ------
    ParameterProblem
        A format is not known, two inputs have the same name, or `refine_params` are given without `refine`.
    FileProblem
        A folder or glob holds no volume.
    """
    for name in formats:
        coordinate_format(name)  # an unknown one is said before anything is done
    if refine is None and refine_params not in (None, DensityParams()):
        problem = "options of the refinement are given, but no tomogram"
        raise ParameterProblem("refine", problem, "name the tomogram, or leave them out")
    order = _Order(
        Path(out_dir),
        params or FilamentParams(),
        tuple(formats),
        None if refine is None else str(refine),
        refine_params or DensityParams(),
        voxel_size,
    )

    def targets(path: Path) -> list[Path]:
        return [*(coordinate_path(path, out_dir, name) for name in formats), curves_path(path, out_dir)]

    def work(path: Path) -> Job[str]:
        return _trace_one(path, order)

    return (yield from each_file(input_files(segmentations), targets, work, skip_existing=skip_existing))


filaments = direct(filaments_job)


def curves_path(segmentation: str | Path, out_dir: str | Path) -> Path:
    """Return where the axes of a segmentation go: ``<segmentation>_filaments.json``."""
    return Path(out_dir) / f"{tomogram_name(segmentation)}_filaments.json"


def _trace_one(path: Path, order: _Order) -> Job[str]:
    yield Progress(0, 3, "reading")
    volume = open_probabilities(open_tomogram(path, voxel_size=order.voxel_size))
    size = volume.require_voxel_size_zyx()
    inputs = [path]
    density = None
    if order.refine is not None:
        inputs.append(_density_file(path, order.refine))
        density = open_tomogram(inputs[1], voxel_size=order.voxel_size)
        grid_shift(density, volume)  # a tomogram that does not fit is said before the work
    yield Progress(1, 3, "tracing")
    found = trace_filaments(volume.data, size, order.params)
    left = 0
    if density is not None:
        for number, filament in enumerate(found):
            yield Progress(2 + number / max(1, len(found)), 3, "centring on the density")
            found[number] = _refined(filament, density, volume, order)
            left += found[number].curve is filament.curve
    samples = sample_filaments(found, volume.shape, size, order.params)
    samples = replace(
        samples,
        tomograms=np.full(len(samples), tomogram_of(path), dtype=object),
        voxel_size=mean_size(size),
        shape_zyx=volume.shape,
    )
    recorded = {
        "segmentations": [str(path)],
        "out_dir": str(order.out_dir),
        "params": order.params,
        "formats": list(order.formats),
        "refine": None if density is None else str(inputs[1]),
        "refine_params": order.refine_params,
        "voxel_size": order.voxel_size,
    }
    outputs = [coordinate_path(path, order.out_dir, name) for name in order.formats]
    for output, name in zip(outputs, order.formats, strict=True):
        write_particles(output, samples, name)
    curves = curves_path(path, order.out_dir)
    write_filaments(curves, found, tomogram=tomogram_of(path), voxel_size_zyx=size, shape_zyx=volume.shape)
    notes = {"filaments": len(found), "samples": len(samples), "not_refined": left}
    for output in (*outputs, curves):
        provenance.record("filaments", output, recorded, inputs, notes).write(output)
    unclear = f"; {left} not refined, the density shows no clear axis" if left else ""
    return _summary(found, len(samples), volume, order.params) + unclear


def _refined(filament: Filament, density: Tomogram, volume: Tomogram, order: _Order) -> Filament:
    size = density.require_voxel_size_zyx()
    return centre_on_density(filament, density.data, size, order.refine_params, shift_zyx=grid_shift(density, volume))


def _density_file(segmentation: Path, which: str) -> Path:
    name = tomogram_of(segmentation)
    path = Path(which.replace("{tomogram}", name))
    if not path.is_dir() or path.name.lower().endswith(VOLUME_SUFFIXES):
        return path
    found = volume_called(name, path)
    if found is None:
        raise FileProblem(path, f"holds no volume called {name}", "name the tomogram itself, or use {tomogram}")
    return found


def _summary(found: Sequence[Filament], samples: int, volume: Tomogram, params: FilamentParams) -> str:
    if found:
        total = sum(filament.curve.length for filament in found) / 10
        return f"{len(found):,} filament{'s' * (len(found) != 1)}, {total:,.0f} nm, {samples:,} samples"
    highest = highest_probability(volume)
    if not highest >= params.threshold:
        return f"0 filaments: no voxel reaches the threshold {params.threshold:g}; the highest is {highest:.3g}"
    return f"0 filaments: none is {params.min_length:g} Å long"
