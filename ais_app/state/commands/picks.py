"""Commands about coordinates: picks from the files of other programs, picks and boxes into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.coordinates import coordinate_format, write_particles
from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.state.log import CommandLine, command
from ais_app.state.particle_classes import kept
from ais_app.state.readings import Correction, Placed, Reading, placed, read_as
from ais_app.state.records import PickSet, TomogramEntry
from ais_app.state.session import Session


@command("Import coordinates from {path}")
def import_file(
    session: Session,
    path: str | Path,
    format: str | None = None,
    options: Mapping[str, Any] | None = None,
    correction: Mapping[str, Any] | None = None,
    name: str = "",
    tomogram: int | None = None,
) -> list[PickSet]:
    """Read a coordinate file and add a set of picks to each tomogram it has particles of, as one step of undo.

    Parameters
    ----------
    path
        The file.
    format, options
        As `read_particles` takes them; the format is found from the content when ``None``.
    correction
        Fields of `Correction`.
    name
        Of the sets; the file's stem when empty. A number is added where a set of the name is there.
    tomogram
        That which particles without a known name belong to; the one in view when ``None``.

    Raises
    ------
    ParameterProblem
        The file cannot be read so, or holds no particle of a tomogram of the project.
    """
    entry = entry_of(session, tomogram)
    how = Correction.from_dict(correction or {})
    reading = read_as(Path(path), entry, format, options, how)
    return _add(session, reading, entry, name)


def add_reading(session: Session, reading: Reading, name: str, tomogram: int | None = None) -> list[PickSet]:
    """Add what was read already; noted as the `import_file` that does the same."""
    entry = entry_of(session, tomogram)
    kept = _add(session, reading, entry, name)
    given = [repr(str(reading.path)), f"format={reading.format!r}", f"options={_json(reading.options)!r}"]
    given += [f"correction={reading.correction.to_dict()!r}", f"name={name!r}", f"tomogram={tomogram!r}"]
    session.log.note(
        CommandLine(
            f"Import coordinates from {reading.path.name}", f"commands.picks.import_file(session, {', '.join(given)})"
        )
    )
    return kept


def entry_of(session: Session, tomogram: int | None) -> TomogramEntry:
    """Return a tomogram, the one in view when ``None``; raises `ParameterProblem` where none is."""
    entry = session.tomogram if tomogram is None else session.project.tomogram(tomogram)
    if entry is None:
        raise ParameterProblem("coordinates", "there is no tomogram in view", "open the one they belong to first")
    return entry


def _add(session: Session, reading: Reading, entry: TomogramEntry, name: str) -> list[PickSet]:
    project = session.project
    found = placed(reading, project.tomograms, entry)
    if reading.problem:
        raise ParameterProblem(reading.path, reading.problem.removeprefix(f"{reading.path}: "))
    if not found.count:
        raise ParameterProblem(reading.path, "holds no particle of a tomogram here", _names(found))
    name = name.strip() or set_name(reading.path)
    source = {"method": "file", "file": str(reading.path), "format": reading.format, "options": _json(reading.options),
              "correction": reading.correction.to_dict()}  # fmt: skip
    with project.group(f"Import {reading.path.name}"):
        return [
            project.add_picks(id, free_name(session, id, name), part, source)
            for id, part in sorted(found.parts.items())
        ]


def free_name(session: Session, tomogram: int, name: str) -> str:
    """Return the name, with a number where a set of it is there already."""
    taken = {known.name for known in session.project.picks(tomogram)}
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free


def set_name(path: Path) -> str:
    """Return what a set of picks of a file is called unless a person says otherwise."""
    return Path(path.name.removesuffix(".gz")).stem


def _names(found: Placed) -> str:
    return f"its tomograms: {', '.join(found.unknown[:5]) or 'none'}"


def _json(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}


# out


def pick_particles(session: Session, pick_set: int) -> Particles:
    """Return the picks of a set that were not rejected, as particles of its tomogram."""
    return kept(session.project.pick_store(pick_set).particles())


def box_particles(session: Session, tomogram: int, feature: int) -> Particles:
    """Return the boxes of a feature on a tomogram as particles at their centres; raises without a voxel size."""
    entry = session.project.tomogram(tomogram)
    boxes = session.project.boxes(tomogram, feature)
    centres = np.array([box.centre_zyx for box in boxes]).reshape(-1, 3)
    positions = centres * np.array(entry.require_voxel_size_zyx())
    names = np.full(len(boxes), entry.name, dtype=object)
    return Particles(positions, tomograms=names, voxel_size=entry.voxel_size, shape_zyx=entry.shape)


def gathered(session: Session, pick_sets: Sequence[int], boxes: Sequence[tuple[int, int]]) -> Particles:
    """Return sets of picks and boxes, (tomogram, feature), together.

    Raises
    ------
    ParameterProblem
        There are none.
    """
    parts = [pick_particles(session, each) for each in pick_sets]
    parts += [box_particles(session, tomogram, feature) for tomogram, feature in boxes]
    together = Particles.concatenate(parts) if parts else Particles(np.empty((0, 3)))
    if not len(together):
        raise ParameterProblem("coordinates", "nothing is chosen to write", "tick picks or boxes that are not empty")
    return together


def files_of(path: Path, format: str, particles: Particles) -> dict[Path, Particles]:
    """Return which file gets which particles: several where the format has no room for the names of tomograms."""
    if not coordinate_format(format).one_tomogram or len(particles.names) < 2:
        return {path: particles}
    return {
        path.with_name(f"{path.stem}_{name}{path.suffix}"): particles[particles.tomograms == name]
        for name in particles.names
    }


@command("Export coordinates to {path}")
def export_file(
    session: Session,
    path: str | Path,
    format: str = "star",
    options: Mapping[str, Any] | None = None,
    pick_sets: Sequence[int] = (),
    boxes: Sequence[tuple[int, int]] = (),
) -> list[Path]:
    """Write picks and boxes for another program; each file is whole or not there.

    Parameters
    ----------
    path
        The file; for a format that holds one tomogram a file, the name of the tomogram is put behind the stem.
    format, options
        As `write_particles` takes them.
    pick_sets
        Ids of sets of picks.
    boxes
        Ids of tomogram and feature, for the boxes of that feature.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ParameterProblem
        Nothing to write, or an option that does not fit.
    FileProblem
        A file cannot be written.
    """
    return write_files(Path(path), format, dict(options or {}), gathered(session, pick_sets, boxes))


def note_export(
    session: Session,
    path: Path,
    format: str,
    options: Mapping[str, Any],
    pick_sets: Sequence[int],
    boxes: Sequence[tuple[int, int]],
) -> None:
    """Note an export that was written off the main thread, as the `export_file` that does the same."""
    given = f"{str(path)!r}, {format!r}, {_json(options)!r}, {list(pick_sets)!r}, {list(boxes)!r}"
    session.log.note(CommandLine(f"Export coordinates to {path.name}", f"commands.picks.export_file(session, {given})"))


def write_files(path: Path, format: str, options: dict[str, Any], particles: Particles) -> list[Path]:
    """Write particles to one file, or one for each tomogram; see `export_file`."""
    given = {name: value for name, value in options.items() if value is not None}
    written = []
    for target, part in files_of(path, format, particles).items():
        written.append(write_particles(target, part, format, **given))
    return written
