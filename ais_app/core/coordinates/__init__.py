"""Particles and the coordinate files of other programs: one file per format, each reads and writes.

Every module here that defines ``FORMAT`` is a format; they do not know each other. Conventions (half voxels,
disputed centres, Euler angles) live in `ais_app.core.geometry` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import replacing, write_text
from ais_app.core.params import Params, param
from ais_app.core.particle_set import Layout, Particles
from ais_app.core.registry import plugins

__all__ = [
    "CoordinateFormat", "CoordinateParams", "Layout", "Particles", "coordinate_format", "coordinate_formats",
    "read_particles", "write_particles",
]  # fmt: skip


@dataclass(frozen=True)
class CoordinateParams(Params):
    """What every format may be told about a file that does not say it itself.

    Parameters
    ----------
    voxel_size
        Å; replaces what the file or the particles say.
    tomogram
        Name of the tomogram, for files that name none.
    """

    voxel_size: float | None = param(None, "Size of the voxels that positions count", unit="Å", low=0.01, high=1e4)
    tomogram: str = param("", "Name of the tomogram, for files that name none")


@dataclass(frozen=True)
class CoordinateFormat:
    """A coordinate file format.

    Parameters
    ----------
    name
        What ``--format`` takes: ``"star"``, ``"relion5"``.
    title
        Name for a person.
    suffix
        Suffix of files it writes, with the dot.
    params
        Dataclass of its options: what the file itself does not say, such as voxel size, centre, first index.
    sniff
        ``sniff(path) -> bool``: is this file of this format?
    read
        ``read(path, params) -> Particles``; raises `FileProblem`.
    write
        ``write(path, particles, params)``; `path` is a temporary name that the caller renames.
    companions
        ``companions(particles, params)``: suffix to text of the files that must stand beside it.
    lacks
        ``lacks(path) -> str``: what a file of this kind that no format knows is without; empty where it is another.
    one_tomogram
        The format has no room for the name of a tomogram, so that a file holds the particles of one.
    """

    name: str
    title: str
    suffix: str
    params: type[CoordinateParams]
    sniff: Callable[[Path], bool]
    read: Callable[[Path, Any], Particles]
    write: Callable[[Path, Particles, Any], None]
    companions: Callable[[Particles, Any], dict[str, str]] = lambda particles, params: {}
    lacks: Callable[[Path], str] = lambda path: ""
    one_tomogram: bool = False


def coordinate_formats() -> dict[str, CoordinateFormat]:
    """Return every known coordinate format by its name."""
    return plugins("ais_app.core.coordinates", "FORMAT")


def coordinate_format(name: str) -> CoordinateFormat:
    """Return a format by its name.

    Raises
    ------
    ParameterProblem
        There is no such format; the message lists those there are.
    """
    formats = coordinate_formats()
    if name not in formats:
        raise ParameterProblem("format", f"{name!r} is not known", f"known: {', '.join(formats)}")
    return formats[name]


def detect_format(path: str | Path) -> CoordinateFormat:
    """Return the format of a file, by its content.

    Raises
    ------
    FileProblem
        The file is missing or empty, or no format knows it; what a STAR file lacks is named.
    """
    path = Path(path)
    if not path.is_file():
        raise FileProblem(path, "is a folder" if path.is_dir() else "no such file", "check the name")
    for candidate in coordinate_formats().values():
        if candidate.sniff(path):
            return candidate
    if not path.stat().st_size:
        raise FileProblem(path, "is empty", "write it again, or leave it out")
    for candidate in coordinate_formats().values():
        if lacks := candidate.lacks(path):
            raise FileProblem(path, lacks, "is it of something else than positions?")
    known = ", ".join(coordinate_formats())
    raise FileProblem(path, "is not a coordinate file that is known by its content", f"say which it is: {known}")


def read_particles(path: str | Path, format: str | None = None, **params: Any) -> Particles:
    """Read particles from the file of any known program.

    Parameters
    ----------
    path
        The file; STAR, CSV and TSV also packed with gzip.
    format
        Name of the format; found from the content when ``None``.
    **params
        Options of the format, such as ``voxel_size=10.0``; `coordinate_formats` lists them, docs/formats/coordinates.md
        explains them.

    Returns
    -------
    Particles
        Positions in Å with shifts applied, rotations as matrices, everything else in its table and blocks.

    Raises
    ------
    FileProblem
        The file is missing, damaged, of an unknown format, or lacks columns.
    ParameterProblem
        The format has no such option, or needs one (the voxel size, the shape of the tomogram).
    """
    chosen = detect_format(path) if format is None else coordinate_format(format)
    return chosen.read(Path(path), chosen.params.from_dict(params))


def write_particles(path: str | Path, particles: Particles, format: str = "star", **params: Any) -> Path:
    """Write particles for any known program; the file is whole or not there.

    Parameters
    ----------
    path
        The file.
    particles
        What to write. Columns of its table that the format has room for are written too.
    format
        Name of the format.
    **params
        Options of the format, as in `read_particles`.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    FileProblem
        The file cannot be written.
    ParameterProblem
        The format has no such option, or needs one.
    """
    chosen = coordinate_format(format)
    values = chosen.params.from_dict(params)
    if chosen.one_tomogram and len(particles.names) > 1:
        problem = f"a file of format {format} holds one tomogram, here are {len(particles.names)}"
        raise ParameterProblem(path, problem, "write one file for each (--split)")
    with replacing(path) as part:
        chosen.write(part, particles, values)
    for suffix, text in chosen.companions(particles, values).items():
        write_text(Path(path).with_suffix(suffix), text)
    return Path(path)
