"""Commands about tomograms: add, close, choose, move through the slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ais_app.core.errors import AisAppError
from ais_app.core.tomogram import ZYX
from ais_app.state.log import CommandLine, command
from ais_app.state.records import TomogramEntry
from ais_app.state.session import Session


@command("Add {path}", shell="ais-app project add {project} {path}")
def add(session: Session, path: str | Path, show_it: bool = True) -> TomogramEntry:
    """Add a volume to the project, and show it.

    Raises
    ------
    FileProblem
        It is no volume that can be read.
    """
    entry = session.project.add_tomogram(path)
    if show_it or session.view.tomogram is None:
        show(session, entry.id)
    return entry


@command("Close {tomograms}", shell="ais-app project remove {project} {tomograms}")
def close(session: Session, tomograms: Sequence[int]) -> None:
    """Take tomograms with their annotations out of the project, as one step of undo; the files stay."""
    with session.project.group("Close tomograms"):
        for tomogram in tomograms:
            session.project.remove_tomogram(tomogram)
    if session.view.tomogram in tomograms:
        left = session.project.tomograms
        show(session, left[0].id if left else None)


def show(session: Session, tomogram: int | None) -> None:
    """Bring a tomogram into view, at the slice where it was left."""
    if tomogram is not None:
        session.project.tomogram(tomogram)
    session.view.tomogram = tomogram


def show_neighbour(session: Session, step: int) -> None:
    """Bring the next (1) or previous (-1) tomogram of the list into view."""
    ids = [entry.id for entry in session.project.tomograms]
    if session.view.tomogram in ids:
        place = min(max(ids.index(session.view.tomogram) + step, 0), len(ids) - 1)
        show(session, ids[place])


def go_to(session: Session, z: int | None = None, y: int | None = None, x: int | None = None) -> None:
    """Move to a voxel; what is not given stays. Positions outside the tomogram become the nearest inside."""
    entry = session.tomogram
    if entry is None:
        return
    for name, value, size in zip("zyx", (z, y, x), entry.shape, strict=True):
        if value is not None:
            setattr(session.view, name, min(max(int(value), 0), size - 1))


def step(session: Session, slices: int) -> None:
    """Move through the slices."""
    go_to(session, z=session.view.z + slices)


@command("Set the voxel size of {tomogram} to {voxel_size_zyx}")
def set_voxel_size(session: Session, tomogram: int, voxel_size_zyx: ZYX) -> None:
    """Set the voxel size (Å) instead of what the file says."""
    session.project.set_voxel_size(tomogram, voxel_size_zyx)


@command("Look for missing tomograms in {folder}")
def relink(session: Session, folder: str | Path) -> dict[str, Path | None]:
    """Look in a folder for missing tomograms; see `Project.relink`."""
    return session.project.relink(folder)


def take_relinked(session: Session, folder: str | Path, found: Mapping[str, Path | None]) -> None:
    """Note what `Project.relink_job` found in a folder; in the log it is `relink`, which does both."""
    session.project.take_relinked(found)
    title = f"Look for missing tomograms in {folder}"
    session.log.note(CommandLine(title, f"commands.tomograms.relink(session, {str(folder)!r})"))


def add_all(session: Session, paths: Sequence[str | Path]) -> list[AisAppError]:
    """Add many volumes; what cannot be added is returned as errors, the others are in."""
    problems: list[AisAppError] = []
    for path in paths:
        try:
            add(session, path)
        except AisAppError as error:
            problems.append(error)
    return problems


def show_feature(session: Session, tomogram: int, feature: int) -> None:
    """Choose a feature and bring a tomogram into view where it is annotated first, in a plane or with a box."""
    show(session, tomogram)
    session.view.feature = session.project.feature(feature).id
    planes = session.project.labels(tomogram, feature).annotated_planes()
    boxes = session.project.boxes(tomogram, feature)
    if planes:
        first = min(planes, key=lambda plane: ("zyx".index(plane.axis), plane.index))
        go_to(session, **{first.axis: first.index})
    elif boxes:
        z, y, x = min(box.centre_zyx for box in boxes)
        go_to(session, z=round(z), y=round(y), x=round(x))


@command("Set the voxel size of {tomograms} to {voxel_size_zyx}")
def set_voxel_sizes(session: Session, tomograms: Sequence[int], voxel_size_zyx: ZYX) -> None:
    """Set the voxel size (Å) of several tomograms, as one step of undo."""
    with session.project.group("Set voxel sizes"):
        for tomogram in tomograms:
            session.project.set_voxel_size(tomogram, voxel_size_zyx)
