"""Picks with their tomograms, from particle lists or from a project: what is cut, compared or averaged."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.coordinates import coordinate_formats
from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem, ProjectProblem
from ais_app.core.formats.tables import UnknownVoxelSize
from ais_app.core.io import open_tomogram
from ais_app.core.particle_set import Particles
from ais_app.core.tomogram import Tomogram, tomogram_name
from ais_app.operations.particle_lists import Listing, check_not_empty, check_told_apart, particles_of, read_lists
from ais_app.operations.per_file import input_files

MISSING_SIZE = "give it with --tomogram-voxel-size, or set it in the project"  # --voxel-size is that of the cubes
_OTHER_SUFFIXES = (".txt", ".coords", ".xyz")


def list_files(coordinates: Sequence[str | Path]) -> list[Path]:
    """Return the particle lists that files, folders and globs stand for."""
    suffixes = {known.suffix for known in coordinate_formats().values()} | {*_OTHER_SUFFIXES}
    return input_files(coordinates, sorted(suffixes), "coordinate file")


def picks_of_lists(
    paths: Sequence[Path], coordinates: Sequence[str | Path], voxel_size: float | None, reading: Mapping[str, Any]
) -> Iterator[tuple[Path, Tomogram, Particles]]:
    """Yield the tomograms that have picks, with them: file, opened, picks.

    Parameters
    ----------
    paths
        The tomograms.
    coordinates
        Lists that may hold picks of other tomograms too.
    voxel_size
        Å; replaces what the tomograms say.
    reading
        ``source``, ``source_options``, ``rename`` of `read_lists`.

    Raises
    ------
    ParameterProblem
        There is no list, or it cannot tell the tomograms apart: two have one name.
    FileProblem
        A file cannot be read, or there is a single tomogram and it has no picks.
    """
    if not coordinates:
        raise ParameterProblem("coordinates", "none are given", "name particle lists, or a project with --project")
    check_told_apart(paths, series=True)
    by_name, missing = len(paths) > 1, []
    for path in paths:
        tomogram = open_tomogram(path, voxel_size=voxel_size)
        listings = _read(path, coordinates, voxel_size, by_name, reading)
        if not by_name or _mentions(listings, tomogram.name):
            yield path, tomogram, _named(particles_of(listings, tomogram.name, by_name=by_name), tomogram.name)
        else:
            missing.append(tomogram.name)
    if missing:
        text = f"{len(missing)} of {len(paths)} tomograms have no picks in the lists: {', '.join(missing[:5])}"
        warnings.warn(DataWarning(f"{text}; --rename makes the names alike"), stacklevel=2)


def picks_of_one(
    path: Path, coordinates: Sequence[str | Path], voxel_size: float | None, *, by_name: bool
) -> Particles:
    """Return the picks of a tomogram; arguments as those of `picks_of_lists` and `particle_lists.particles_of`.

    Raises
    ------
    FileProblem
        A list cannot be read, or none has picks of the tomogram.
    """
    listings = _read(path, coordinates, voxel_size, by_name, {}, "give it with --voxel-size")
    return particles_of(listings, tomogram_name(path), by_name=by_name)


def _read(
    path: Path,
    coordinates: Sequence[str | Path],
    voxel_size: float | None,
    by_name: bool,
    reading: Mapping[str, Any],
    missing_size: str = MISSING_SIZE,
) -> list[Listing]:
    """Read lists as those of one tomogram; what is wrong with one of them is raised."""
    listings = read_lists(coordinates, tomograms=[path], voxel_size=voxel_size, by_name=by_name, **reading)
    for listing in listings:
        if isinstance(listing.error, UnknownVoxelSize):
            raise UnknownVoxelSize(listing.error.subject, listing.error.problem, missing_size)
        if listing.error is not None:
            raise listing.error
    check_not_empty(listings)
    return listings


def _mentions(listings: Sequence[Listing], tomogram: str) -> bool:
    try:
        return len(particles_of(listings, tomogram, by_name=True)) > 0
    except FileProblem:
        return False


def picks_of_project(
    path: Path, tomograms: Sequence[str | Path], feature: str | None, pick_set: str | None, voxel_size: float | None
) -> Iterator[tuple[Path, Tomogram, Particles]]:
    """Yield the tomograms of a project that have picks of a feature, or in sets of a name, with them.

    Parameters
    ----------
    path
        The project.
    tomograms
        Their names; all if empty.
    feature, pick_set
        Which picks; all if not given.
    voxel_size
        Å; replaces what the project says.

    Raises
    ------
    ProjectProblem
        There is no such tomogram or feature, or there are no picks at all.
    """
    from ais_app.state.particle_classes import kept
    from ais_app.state.project import Project

    with Project.open(path, read_only=True) as opened:
        of = None if feature is None else opened.feature(feature).id
        entries = [opened.tomogram(str(name)) for name in tomograms] or opened.tomograms
        seen = set()
        for entry in entries:
            sets = [each for each in opened.picks(entry) if each.count]
            seen |= {each.name for each in sets}
            chosen = [each for each in sets if of is None or each.feature == of]
            chosen = [each for each in chosen if pick_set is None or each.name == pick_set]
            if not chosen:
                continue
            file = opened.find(entry)
            tomogram = opened.open_tomogram(entry)
            if voxel_size is not None:
                tomogram = replace(tomogram, voxel_size_zyx=(voxel_size,) * 3)
            picks = Particles.concatenate([kept(opened.pick_store(each).particles()) for each in chosen])
            yield file, tomogram, _named(picks, entry.name)
        if not seen:
            raise ProjectProblem(path, "has no picks", "pick particles first: ais-app pick, or Export in the window")


def _named(particles: Particles, tomogram: str) -> Particles:
    """Return particles that all know their tomogram, by the name of its file where they had none."""
    names = np.array([name or tomogram for name in particles.tomograms], dtype=object)
    return replace(particles, tomograms=names)
