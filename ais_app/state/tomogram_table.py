"""The tomograms of a project: adding, opening, finding them again."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import DataWarning, ParameterProblem, ProjectProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress
from ais_app.core.provenance import fingerprint
from ais_app.core.tomogram import ZYX, Tomogram
from ais_app.state import links, pick_table
from ais_app.state.history import TABLES, History
from ais_app.state.records import TomogramEntry, named

LOOK_FOR_IT = "choose Tomogram > Look for missing tomograms… (in a terminal: ais-app project relink PROJECT FOLDER)"
_COLUMNS = ", ".join(("id", *TABLES["tomogram"][1]))


def entries(history: History) -> list[TomogramEntry]:
    """Return all tomograms in the order in which they were added."""
    return [_entry(row) for row in history.database.rows(f"SELECT {_COLUMNS} FROM tomogram ORDER BY id")]


def add(
    history: History,
    folder: Path,
    path: Path,
    voxel_size: float | Sequence[float] | None = None,
    name: str | None = None,
) -> TomogramEntry:
    """Add a volume; adding the same file again changes nothing and returns its entry.

    Raises
    ------
    FileProblem
        It is missing or no volume.
    ProjectProblem
        Another tomogram has this name.
    """
    tomogram = open_tomogram(path, voxel_size=voxel_size)
    name = name or tomogram.name
    for known in _matching(history, name):
        if links.locate(link_of(known), folder) == path.resolve():
            if voxel_size is not None and known.voxel_size_zyx != tomogram.voxel_size_zyx:
                set_voxel_size(history, known, tomogram.require_voxel_size_zyx())
            return find_entry(history, name)
        problem = f"there is a tomogram of this name already ({known.path})"
        raise ProjectProblem(name, problem, f"rename {path.name}: outputs are named after it")
    link = links.make_link(path, folder)
    voxels = tomogram.voxel_size_zyx or (None, None, None)
    values = (
        name, link.relative, link.last_seen, link.fingerprint, link.bytes, *tomogram.shape, *voxels,
        *(float(v) for v in tomogram.origin_zyx), *(int(v) for v in tomogram.nstart_zyx),
    )  # fmt: skip
    with history.command(f"Add tomogram {name}"):
        history.insert("tomogram", values)
    return find_entry(history, name)


def find_entry(history: History, which: str | int | TomogramEntry) -> TomogramEntry:
    """Return a tomogram by its name or id.

    Raises
    ------
    ProjectProblem
        There is none; the known ones are named.
    """
    wanted = which.id if isinstance(which, TomogramEntry) else which
    for entry in _matching(history, wanted):
        return entry
    names = named(entry.name for entry in entries(history)) or "none yet; add one with: ais-app project add"
    raise ProjectProblem(f"tomogram {wanted}", "is not in the project", f"there are: {names}")


def _matching(history: History, which: str | int) -> list[TomogramEntry]:
    column, wanted = ("name", which) if isinstance(which, str) else ("id", int(which))
    return [
        _entry(row) for row in history.database.rows(f"SELECT {_COLUMNS} FROM tomogram WHERE {column} = ?", (wanted,))
    ]


def remove(history: History, entry: TomogramEntry) -> None:
    """Take a tomogram with all its annotations out of the project; its file stays."""
    with history.command(f"Remove tomogram {entry.name}"):
        remove_annotations(history, "tomogram", entry.id)
        for table in ("pick_block", "pick_set"):
            _remove_rows(history, table, "tomogram", entry.id)
        history.put("tomogram", (entry.id,), None)


def remove_annotations(history: History, owner: str, id: int) -> None:
    """Remove tiles, planes and boxes that belong to one tomogram or one feature; within a command."""
    for table in ("tile", "plane", "box"):
        _remove_rows(history, table, owner, id)


def _remove_rows(history: History, table: str, owner: str, id: int) -> None:
    keys = ", ".join(TABLES[table][0])
    for key in history.database.rows(f"SELECT {keys} FROM {table} WHERE {owner} = ?", (id,)):
        history.put(table, key, None)


def set_voxel_size(history: History, entry: TomogramEntry, voxel_size_zyx: ZYX) -> None:
    """Set the voxel size, Å, instead of what the file says; picks stay on the voxels that they are on."""
    if not all(0 < value < float("inf") for value in voxel_size_zyx):
        raise ParameterProblem("voxel size", f"{voxel_size_zyx} Å is not a size", "give positive numbers of Å")
    row = history.get("tomogram", (entry.id,))
    assert row is not None  # the entry comes from this table
    values = _with(row, voxel_z=voxel_size_zyx[0], voxel_y=voxel_size_zyx[1], voxel_x=voxel_size_zyx[2])
    with history.command(f"Set voxel size of {entry.name}"):
        if entry.voxel_size_zyx is not None:
            pick_table.rescale(history, entry.id, np.divide(voxel_size_zyx, entry.voxel_size_zyx))
        history.put("tomogram", (entry.id,), values)


def open_entry(history: History, folder: Path, entry: TomogramEntry) -> Tomogram:
    """Open a tomogram wherever it is now; its voxel size is the project's.

    Raises
    ------
    ProjectProblem
        It is not to be found, or the file there has another shape.
    """
    path = find(history, folder, entry)
    tomogram = open_tomogram(path, voxel_size=entry.voxel_size_zyx)
    if tomogram.shape != entry.shape:
        problem = f"has {tomogram.shape} voxels, but {entry.shape} when it was added"
        raise ProjectProblem(path, problem, "put the original back, or add this one under another name")
    # the content of a folder (OME-Zarr) may be large; its shape must do
    if path.is_file() and fingerprint(path) != entry.fingerprint:
        warnings.warn(DataWarning(f"{path}: has changed since it was added to the project"), stacklevel=2)
    return tomogram


def find(history: History, folder: Path, entry: TomogramEntry) -> Path:
    """Return where a tomogram is now: where the project says, else by its content near the project."""
    link = link_of(entry)
    path = links.locate(link, folder)
    if path is None:
        path = links.search([link], folder).get(link)
        if path is None:
            tried = " and ".join(dict.fromkeys(str(place) for place in links.places(link, folder)))
            raise ProjectProblem(entry.name, f"not found at {tried}", LOOK_FOR_IT)
        if not history.database.read_only:
            _point_to(history, entry, path, folder)
    return path


def relink_job(known: Sequence[TomogramEntry], folder: Path, place: Path) -> Job[dict[str, Path | None]]:
    """Look in `place` and below for tomograms that are not where they should be; changes nothing.

    Returns
    -------
    dict
        Name of each missing tomogram to its new path, or ``None`` when it is not there either.
    """
    missing = []
    for number, entry in enumerate(known):
        yield Progress(number, len(known), f"is {entry.name} there?")
        if links.locate(link_of(entry), folder) is None:
            missing.append(entry)
    found = yield from links.search_job([link_of(entry) for entry in missing], place)
    return {entry.name: found.get(link_of(entry)) for entry in missing}


def point_to(history: History, folder: Path, found: Mapping[str, Path | None]) -> None:
    """Note where tomograms, by their names, are now; of those that are still in the project."""
    with history.database.transaction():
        for entry in entries(history):
            path = found.get(entry.name)
            if path is not None:
                _point_to(history, entry, path, folder)


def link_of(entry: TomogramEntry) -> links.Link:
    """Return how the project refers to the file of a tomogram."""
    return links.Link(entry.relative_path, str(entry.path), entry.fingerprint, entry.bytes)


def _point_to(history: History, entry: TomogramEntry, path: Path, folder: Path) -> None:
    """Note a new place. Not a step of undo: the old place is of no use to anybody."""
    statement = "UPDATE tomogram SET path = ?, last_seen = ? WHERE id = ?"
    with history.database.transaction():
        history.database.execute(statement, (links.relative_to(path, folder), str(path), entry.id))


def _with(row: tuple[Any, ...], **values: Any) -> tuple[Any, ...]:
    return tuple(values.get(name, old) for name, old in zip(TABLES["tomogram"][1], row, strict=True))


def _entry(row: tuple[Any, ...]) -> TomogramEntry:
    id, *values = row
    value = dict(zip(TABLES["tomogram"][1], values, strict=True))
    z, y, x = (value[f"voxel_{axis}"] for axis in "zyx")
    return TomogramEntry(
        id=id,
        name=value["name"],
        path=Path(value["last_seen"]),
        fingerprint=value["fingerprint"],
        shape=(value["nz"], value["ny"], value["nx"]),
        voxel_size_zyx=None if z is None else (z, y, x),
        origin_zyx=(value["origin_z"], value["origin_y"], value["origin_x"]),
        nstart_zyx=(value["nstart_z"], value["nstart_y"], value["nstart_x"]),
        bytes=value["bytes"],
        relative_path=value["path"],
    )
