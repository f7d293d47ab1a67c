"""Put an average back at every pick of a tomogram, with its orientation: a volume that overlays the tomogram."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.io import create_volume, open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particle_set import Particles
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.scene.map_back import MapBackParams, PlacedMaps, check_density
from ais_app.core.tomogram import tomogram_name
from ais_app.operations.density_maps import read_density
from ais_app.operations.particle_lists import Listing, particles_of, read_lists, say_other_name
from ais_app.operations.per_file import FileResult, each_file, input_files
from ais_app.operations.subtomo_outputs import known_poses, stack_parts


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
    """Write the map of an average at the picks of tomograms.

    Parameters
    ----------
    tomograms
        Files, folders or globs: their size, voxel size, frame and name are used, not their voxels.
    out_dir
        Folder of the results, ``<tomogram>__<average>.mrc`` (without ``{class}``); made where it is missing.
    params
        What to do where particles overlap, and with low densities.
    average
        The map, of cubic voxels; voxel ``n // 2`` of each axis is the centre of the particle. With ``{class}`` in its
        name it is one map for each class, counted from 1: ``class_{class}_average.mrc``.
    coordinates
        Particle lists that hold the picks of these tomograms, and maybe of others; or stacks of subtomograms, whose
        poses are taken.
    source, source_options, rename
        As for `operations.coordinates`: the format of the lists, what they do not say, and their names of tomograms.
    voxel_size, average_voxel_size
        Å; replace what the files of the tomograms, and of the average, say.
    skip_existing
        Leave tomograms out whose result is there.

    Returns
    -------
    list of FileResult
        One per tomogram; a failure is in its ``error``: all particles lie outside, say, or none has a class and there
        is a map for each. Those that lie outside are warned of and do not count.

    Raises
    ------
    ParameterProblem
        The voxel size of the average is not known, its voxels are not cubes, or nothing of it would be written.
    FileProblem
        The average or a list cannot be read, or a folder or glob holds no file.
    """
    chosen, one = params or MapBackParams(), "{class}" not in str(average)
    if one:
        _map(Path(average), average_voxel_size, chosen)  # what is wrong with it is said before anything is done
    lists = [str(path) for path in coordinates]
    reading: dict[str, Any] = {"source": source, "source_options": dict(source_options or {}), "rename": list(rename)}
    arguments: dict[str, Any] = {"params": chosen, "average": str(average), "coordinates": lists, **reading}
    arguments |= {"voxel_size": voxel_size, "average_voxel_size": average_voxel_size}
    files = input_files(tomograms)
    by_name = len(files) > 1  # a list of one tomogram is then not taken for that of each
    label = re.sub(r"[_-]?\{class\}", "", tomogram_name(average)).strip("_-") or "classes"

    def targets(path: Path) -> list[Path]:
        return [Path(out_dir) / f"{tomogram_name(path)}__{label}.mrc"]

    def work(path: Path) -> Job[str]:
        tomogram = open_tomogram(path, voxel_size=voxel_size)
        sizes = tomogram.require_voxel_size_zyx()
        listings = _listings(lists, path, voxel_size, {**reading, "by_name": by_name})
        found = particles_of(listings, tomogram.name, by_name=by_name)
        if found.rotations is None:
            text = f"{tomogram.name}: not all of its particles have an orientation, so none is turned"
            warnings.warn(DataWarning(f"{text}; align them: ais-app subtomo align"), stacklevel=2)
        numbers = np.ones(len(found), dtype=int) if one else _classes(found, tomogram.name)
        occurring = sorted(set(numbers[numbers > 0].tolist()))
        averages = [Path(str(average).replace("{class}", str(number))) for number in occurring]
        maps = [_map(file, average_voxel_size, chosen, None if one else occurring) for file in averages]
        which = np.array([occurring.index(number) if number > 0 else -1 for number in numbers])
        maps_there = PlacedMaps(maps, which, found, tomogram.shape, sizes, chosen)
        placed = int(maps_there.reaching().sum())
        _say_outside(path, listings, placed, int((which >= 0).sum()))
        (output,) = targets(path)
        read = [stack_parts(each.path) if one and each.format == "stack" else [each.path] for each in listings]
        inputs = [path, *averages, *chain.from_iterable(read)]
        recorded = {"tomograms": [str(path)], "out_dir": str(out_dir), **arguments}
        recorded["coordinates"] = [str(listing.path) for listing in listings]
        record = provenance.record("mapback", output, recorded, inputs, {"particles": placed})
        with create_volume(output, tomogram.shape, np.float32, like=tomogram, label=record.label) as writer:
            for z, slab in maps_there.slabs():
                yield Progress(z, tomogram.shape[0], "slices")
                writer.write(z, slab)
        record.write(output)
        of = "" if one else f" of {len(occurring)} class{'es' * (len(occurring) != 1)}"
        return f"{placed:,} particle{'s' * (placed != 1)}{of}"

    return (yield from each_file(files, targets, work, skip_existing=skip_existing))


mapback = direct(mapback_job)


def _listings(
    lists: Sequence[str], tomogram: Path, voxel_size: float | None, reading: Mapping[str, Any]
) -> list[Listing]:
    """Read particle lists, and stacks: their particles where their poses put them, with their classes."""
    stacks = [path for path in map(Path, lists) if path.suffix == ".zarr"]
    plain = [path for path in lists if Path(path) not in stacks]
    found = read_lists(plain, tomograms=[tomogram], voxel_size=voxel_size, **reading) if plain else []
    for listing in found:
        if listing.error is not None:
            raise listing.error
    for path in stacks:
        stack = SubtomogramStack.open(path)
        placed = stack.placed()
        if not known_poses(stack.poses):
            placed = replace(placed, rotations=None)
        if not reading["by_name"]:
            say_other_name(path, placed, tomogram_name(tomogram))
        if stack.classes is not None:
            placed = replace(placed, table=placed.table.assign(rlnClassNumber=stack.classes + 1))
        found.append(Listing(path, "stack", placed))
    return found


def _map(
    path: Path, voxel_size: float | None, params: MapBackParams, classes: Sequence[int] | None = None
) -> tuple[np.ndarray, float]:
    """Read a map of which something will be written; `classes` are those of the particles, where each has its own."""
    if not path.exists():
        remedy = "give the file of a map"
        if classes is not None:
            remedy = f"the particles have the classes {', '.join(map(str, classes))}: give a map of each, or sort again"
        raise FileProblem(path, "there is no such file", remedy)
    density, size = read_density(path, voxel_size, option="--average-voxel-size")
    check_density(path, density, params)
    return density, size


def _say_outside(tomogram: Path, listings: Sequence[Listing], placed: int, count: int) -> None:
    """Warn of particles that reach nowhere into a tomogram; refuse where none does."""
    if placed == count:
        return
    names = ", ".join(listing.path.name for listing in listings)
    remedy = "give the tomogram and the voxel size that the list was made for"
    if not placed:
        raise ParameterProblem(tomogram, f"none of its {count:,} particles ({names}) lies in it", remedy)
    text = f"{tomogram}: {count - placed:,} of its {count:,} particles ({names}) lie outside of it and are left out"
    warnings.warn(DataWarning(f"{text}; {remedy}"), stacklevel=2)


def _classes(particles: Particles, tomogram: str) -> np.ndarray:
    """Return the class of each particle, (n,), from 1; 0 for none."""
    if "rlnClassNumber" not in particles.table.columns:
        problem = f"the particles of {tomogram} have no classes, and there is a map for each"
        raise ParameterProblem("average", problem, "sort them first, or give one map")
    numbers = np.nan_to_num(particles.table["rlnClassNumber"].to_numpy(dtype=float)).astype(int)
    if not (numbers > 0).any():
        problem = f"none of the particles of {tomogram} has a class, and there is a map for each"
        raise ParameterProblem("average", problem, "sort them first, or give one map")
    return np.asarray(numbers)
