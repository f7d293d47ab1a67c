"""Read the particle lists of any program, several at once: names, filters, and what tomogram files add to them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.coordinates import Particles, coordinate_format, coordinate_formats, detect_format, read_particles
from ais_app.core.errors import AisAppError, DataWarning, FileProblem, ParameterProblem
from ais_app.core.formats.tables import UnknownVoxelSize
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, run
from ais_app.core.particle_set import Shape
from ais_app.core.tomogram import tomogram_name
from ais_app.operations.per_file import input_files

_EXTRA_SUFFIXES = (".txt", ".coords", ".xyz")


@dataclass(frozen=True)
class Listing:
    """A particle list that was read.

    Parameters
    ----------
    path, format
        The file and the name of its format.
    particles
        What it holds; ``None`` when it could not be read.
    error
        Why not.
    """

    path: Path
    format: str = ""
    particles: Particles | None = None
    error: AisAppError | None = None


@dataclass(frozen=True)
class _Box:
    """What a tomogram file says about the list that belongs to it."""

    name: str
    shape: Shape
    voxel_size: float | None


def check_told_apart(tomograms: Sequence[str | Path], *, series: bool = False) -> None:
    """Refuse tomograms that lists, which know them by the names of their files, cannot tell from each other.

    Parameters
    ----------
    tomograms
        Files.
    series
        Refuse also those of one tilt series, such as ``TS_01`` and ``rec_TS_01``, which have each other's particles.

    Raises
    ------
    ParameterProblem
        Two are called the same.
    """
    known: dict[str, str | Path] = {}
    for path in tomograms:
        name = _plain_name(tomogram_name(path)) if series else tomogram_name(path)
        other = known.setdefault(name, path)
        if other is not path:
            problem = f"{other} and {path} have one name, {name}, by which particle lists tell tomograms apart"
            links = "links do, and --rename for the lists" if series else "links do"
            remedy = f"give them different names ({links}), or do them one by one"
            raise ParameterProblem("tomograms", problem, remedy)


def read_lists(inputs: Sequence[str | Path], **arguments: Any) -> list[Listing]:
    """Read particle lists, all of them, also after one has failed; arguments as those of `operations.coordinates`."""
    return run(read_job(inputs, **arguments))


def read_job(
    inputs: Sequence[str | Path],
    *,
    source: str = "auto",
    voxel_size: float | None = None,
    shape: Sequence[int] | None = None,
    tomograms: Sequence[str | Path] = (),
    source_options: Mapping[str, Any] | None = None,
    only: Sequence[str] = (),
    rename: Sequence[str] = (),
    by_name: bool = False,
) -> Job[list[Listing]]:
    """Read as a job; see `read_lists`.

    With `by_name` a list whose only tomogram has another name than the only one of `tomograms` is not taken to be its.
    """
    suffixes = {known.suffix for known in coordinate_formats().values()} | {*_EXTRA_SUFFIXES}
    paths = input_files(inputs, sorted(suffixes), "coordinate file")
    boxes = _boxes(tomograms)
    given = dict(source_options or {})
    if voxel_size is not None:
        given["voxel_size"] = voxel_size
    size = _shape(shape)
    listings = []
    for number, path in enumerate(paths):
        yield Progress(number, len(paths), path.name)
        try:
            name = detect_format(path).name if source == "auto" else coordinate_format(source).name
            found = _renamed(_read(path, name, given, boxes, size), rename)
            found = _fitted(found, boxes, size, path, by_name, "voxel_size" in given)
            listings.append(Listing(path, name, _chosen(found, only, path)))
        except AisAppError as error:
            listings.append(Listing(path, error=error))
    return listings


def _shape(shape: Sequence[int] | None) -> Shape | None:
    if shape is None:
        return None
    if len(shape) != 3 or min(shape) < 1:
        raise ParameterProblem("shape", f"{list(shape)} is no size of a tomogram", "give z,y,x in voxels")
    z, y, x = (int(size) for size in shape)
    return z, y, x


def _boxes(tomograms: Sequence[str | Path]) -> list[_Box]:
    check_told_apart(tomograms, series=True)
    boxes = []
    for path in tomograms:
        volume = open_tomogram(path)
        boxes.append(_Box(volume.name, volume.shape, volume.voxel_size if volume.voxel_size_zyx is not None else None))
    sizes = [box.voxel_size for box in boxes if box.voxel_size is not None]
    if sizes and max(sizes) > 1.001 * min(sizes):
        said = f"{min(sizes):g} to {max(sizes):g} Å"
        raise ParameterProblem("tomogram", f"the files have different voxel sizes, {said}", "convert them one by one")
    return boxes


def _read(path: Path, name: str, given: dict[str, Any], boxes: Sequence[_Box], shape: Shape | None) -> Particles:
    known = coordinate_format(name).params.__dataclass_fields__
    given, size = dict(given), next((box.voxel_size for box in boxes if box.voxel_size is not None), None)
    one = shape if shape is not None else boxes[0].shape if len(boxes) == 1 else None
    if "shape" in known and one is not None:
        given.setdefault("shape", one)
    if len(boxes) == 1:
        given.setdefault("tomogram", _plain_name(boxes[0].name))
    if "pixel_size" in known and size is not None:  # RELION's, which counts pixels of its own
        given.setdefault("voxel_size", size)
    try:
        particles = read_particles(path, name, **given)
    except UnknownVoxelSize:
        if size is None:
            raise
        particles = read_particles(path, name, **{**given, "voxel_size": size})
    return particles


def _fitted(
    particles: Particles, boxes: Sequence[_Box], shape: Shape | None, path: Path, by_name: bool, keep_size: bool
) -> Particles:
    """Return the particles with the voxel size, unless it is kept, and the shapes of the tomograms that they name."""
    size = next((box.voxel_size for box in boxes if box.voxel_size is not None), None)
    theirs = not by_name or any(_same_series(n, box.name) for n in particles.names for box in boxes)
    if size is not None and theirs and not keep_size:
        particles = _on_grid_of(particles, size, path)
    shapes = {n: box.shape for n in particles.names for box in boxes if _same_series(n, box.name)}
    if len(boxes) == len(particles.names) == 1 and not shapes and not by_name:
        say_other_name(path, particles, boxes[0].name)
        shapes = {particles.names[0]: boxes[0].shape}
    return replace(particles, shapes={**particles.shapes, **shapes}, shape_zyx=shape or particles.shape_zyx)


def say_other_name(path: Path, particles: Particles, tomogram: str) -> None:
    """Warn where a list names one tomogram only, another one, and is taken for that of `tomogram` all the same."""
    if len(particles.names) == 1 and not _same_series(particles.names[0], tomogram):
        text = f"{path}: its tomogram {particles.names[0]} is taken to be {tomogram}"
        warnings.warn(DataWarning(f"{text}; --rename makes the names alike"), stacklevel=3)


def _on_grid_of(particles: Particles, size: float, path: Path) -> Particles:
    """Return the particles with the voxel size of their tomogram; positions are Å and stay."""
    said = particles.voxel_size
    if said is not None and abs(said / size - 1) > 0.01:
        text = f"{path}: the list says voxels of {said:g} Å, the tomogram {size:g} Å; positions in Å stay as they are"
        warnings.warn(DataWarning(f"{text}; --voxel-size corrects the list"), stacklevel=2)
    return replace(particles, voxel_size=size)


def _plain_name(name: str) -> str:
    """Return the name of a tilt series from that of its tomogram: RELION's prefix, Warp's pixel size go."""
    return re.sub(r"_\d+(\.\d+)?Apx$", "", name.removeprefix("rec_"))


def _same_series(one: str, other: str) -> bool:
    return one == other or _plain_name(one) == _plain_name(other)


def _renamed(particles: Particles, rules: Sequence[str]) -> Particles:
    if not rules:
        return particles
    names = {name: name for name in particles.names}
    for rule in rules:
        old, sign, new = rule.partition(":")
        if not sign or not old:
            raise ParameterProblem("rename", f"{rule!r} is not old:new", "write for example rec_:")
        names = {name: current.replace(old, new) for name, current in names.items()}
    table = particles.table
    if "rlnMicrographName" in table.columns:  # it repeats the name
        table = table.assign(rlnMicrographName=[names[name] for name in particles.tomograms])
    return replace(
        particles,
        tomograms=np.array([names[name] for name in particles.tomograms], dtype=object),
        shapes={names.get(name, name): shape for name, shape in particles.shapes.items()},
        table=table,
    )


def _chosen(particles: Particles, only: Sequence[str], path: Path) -> Particles:
    if not only:
        return particles
    keep = np.array([any(fnmatchcase(str(name), rule) for rule in only) for name in particles.tomograms], dtype=bool)
    if not keep.any():
        there = ", ".join(particles.names[:8]) or "none"
        raise FileProblem(path, f"has no particles of {', '.join(only)}", f"its tomograms: {there}")
    return particles[keep]


def check_not_empty(listings: Sequence[Listing]) -> None:
    """Raise `FileProblem`, which names them, where all lists that could be read hold no particle at all."""
    read = [listing for listing in listings if listing.particles is not None]
    if read and not any(len(listing.particles) for listing in read if listing.particles is not None):
        several = f" and {len(read) - 1} more" if len(read) > 1 else ""
        problem = f"{'hold' if several else 'holds'} no particles: the list is empty"
        raise FileProblem(f"{read[0].path}{several}", problem, "pick some first, or name another list")


def particles_of(listings: Sequence[Listing], tomogram: str, *, by_name: bool = False) -> Particles:
    """Return the particles of one tomogram from all lists, by the name of its file; of lists that could be read.

    Where the lists together name a single tomogram that is another one, `read_lists` has said so, and they are taken;
    not so with `by_name`.

    Raises
    ------
    FileProblem
        No list has any.
    """
    check_not_empty(listings)
    read = [listing.particles for listing in listings if listing.particles is not None]
    names = {name for particles in read for name in particles.names}
    own = {name for name in names if _same_series(str(name), tomogram)}
    if not own and len(names) == 1 and not by_name:
        own = names
    chosen = [particles[np.isin(particles.tomograms.astype(str), list(own))] for particles in read]
    if not any(len(particles) for particles in chosen):
        there = ", ".join(sorted(map(str, names))[:8]) or "none"
        raise FileProblem(tomogram, "has no particles in the lists", f"their tomograms: {there}; --rename changes them")
    return Particles.concatenate(chosen)


def how_many(particles: Particles) -> str:
    """Return how many particles there are, in words."""
    ones, tomograms = len(particles), len(particles.names)
    return f"{ones:,} particle{'s' * (ones != 1)} in {tomograms:,} tomogram{'s' * (tomograms != 1)}"
