"""Put an average back at every pick of a tomogram, with its orientation: a volume that overlays the tomogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.io import create_volume, open_tomogram
from ais_app.core.jobs import Job, Progress, run
from ais_app.core.scene.map_back import MapBackParams, map_back
from ais_app.core.tomogram import tomogram_name
from ais_app.operations.particle_lists import particles_of, read_lists
from ais_app.operations.per_file import FileResult, each_file, input_files


def mapback(
    tomograms: Sequence[str | Path],
    out_dir: str | Path,
    params: MapBackParams | None = None,
    *,
    average: str | Path,
    coordinates: Sequence[str | Path],
    source: str = "auto",
    source_options: Mapping[str, Any] | None = None,
    rename: Sequence[str] = (),
    voxel_size: float | None = None,
    average_voxel_size: float | None = None,
    skip_existing: bool = False,
) -> list[FileResult]:
    """Write the map of an average at the picks of tomograms.

    Parameters
    ----------
    tomograms
        Files, folders or globs: their size, voxel size, frame and name are used, not their voxels.
    out_dir
        Folder of the results, ``<tomogram>__<average>.mrc``; made where it is missing.
    params
        What to do where particles overlap, and with low densities.
    average
        The map, of cubic voxels; voxel ``n // 2`` of each axis is the centre of the particle.
    coordinates
        Particle lists that hold the picks of these tomograms, and maybe of others.
    source, source_options, rename
        As for `operations.coordinates`: the format of the lists, what they do not say, and their names of tomograms.
    voxel_size, average_voxel_size
        Å; replace what the files of the tomograms, and of the average, say.
    skip_existing
        Leave tomograms out whose result is there.

    Returns
    -------
    list of FileResult
        One per tomogram; a failure is in its ``error``.

    Raises
    ------
    ParameterProblem
        The voxel size of the average is not known, or its voxels are not cubes.
    FileProblem
        The average or a list cannot be read, or a folder or glob holds no file.
    """
    options: dict[str, Any] = {"average": average, "coordinates": coordinates, "source": source}
    options |= {"source_options": source_options, "rename": rename, "voxel_size": voxel_size}
    options |= {"average_voxel_size": average_voxel_size, "skip_existing": skip_existing}
    return run(mapback_job(tomograms, out_dir, params, **options))


def mapback_job(
    tomograms: Sequence[str | Path],
    out_dir: str | Path,
    params: MapBackParams | None = None,
    *,
    average: str | Path,
    coordinates: Sequence[str | Path],
    source: str = "auto",
    source_options: Mapping[str, Any] | None = None,
    rename: Sequence[str] = (),
    voxel_size: float | None = None,
    average_voxel_size: float | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Write maps back as a job; see `mapback`."""
    chosen = params or MapBackParams()
    density, size = _average(Path(average), average_voxel_size)
    lists = [str(path) for path in coordinates]
    reading: dict[str, Any] = {"source": source, "source_options": dict(source_options or {}), "rename": list(rename)}
    arguments: dict[str, Any] = {"params": chosen, "average": str(average), "coordinates": lists, **reading}
    arguments |= {"voxel_size": voxel_size, "average_voxel_size": average_voxel_size}

    def targets(path: Path) -> list[Path]:
        return [Path(out_dir) / f"{tomogram_name(path)}__{tomogram_name(average)}.mrc"]

    def work(path: Path) -> Job[str]:
        tomogram = open_tomogram(path, voxel_size=voxel_size)
        listings = read_lists(lists, tomograms=[path], voxel_size=voxel_size, **reading)
        for listing in listings:
            if listing.error is not None:
                raise listing.error
        found = particles_of(listings, tomogram.name)
        (output,) = targets(path)
        inputs = [path, Path(average), *(listing.path for listing in listings)]
        recorded = {"tomograms": [str(path)], "out_dir": str(out_dir), **arguments}
        recorded["coordinates"] = [str(listing.path) for listing in listings]
        record = provenance.record("mapback", output, recorded, inputs, {"particles": len(found)})
        with create_volume(output, tomogram.shape, np.float32, like=tomogram, label=record.label) as writer:
            for z, slab in map_back(density, size, found, tomogram.shape, tomogram.require_voxel_size_zyx(), chosen):
                yield Progress(z, tomogram.shape[0], "slices")
                writer.write(z, slab)
        record.write(output)
        return f"{len(found):,} particle{'s' * (len(found) != 1)}"

    return (yield from each_file(input_files(tomograms), targets, work, skip_existing=skip_existing))


def _average(path: Path, voxel_size: float | None) -> tuple[np.ndarray, float]:
    average = open_tomogram(path, voxel_size=voxel_size)
    sizes = average.require_voxel_size_zyx()
    if max(sizes) > 1.001 * min(sizes):
        raise ParameterProblem(path, f"its voxels are no cubes: {sizes} Å (z y x)", "rescale it: ais-app convert")
    return average.read(), average.voxel_size
