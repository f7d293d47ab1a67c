"""What jobs found out about particles, taken into the project or the stack."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.particles.wedge import Wedge
from ais_app.state.commands import particles
from ais_app.state.gallery_groups import Grouping, keep_grouping
from ais_app.state.gallery_groups import name_clusters as keep_names
from ais_app.state.gallery_table import StackSource
from ais_app.state.log import CommandLine, command
from ais_app.state.session import Session

TILTS = "particles/tilts"  # display setting of a project

if TYPE_CHECKING:
    from ais_app.core.particles.poses import Poses


def take_poses(session: Session, rows: np.ndarray, poses: Poses, voxel_size: float) -> None:
    """Put what an alignment found into picks, as one step of undo, or into the stack: where, how turned, how well.

    Parameters
    ----------
    rows
        (k,) of the gallery.
    poses
        (k,) of the cubes around the picks' nearest voxels.
    voxel_size
        Å, of the cubes.
    """
    gallery = session.gallery
    if isinstance(gallery.source, StackSource):
        from ais_app.core.particles.poses import Poses as Known
        from ais_app.core.particles.stack import SubtomogramStack, save_poses

        before = SubtomogramStack.open(gallery.source.path).poses
        parts = [np.array(each) for each in (before.rotations, before.shifts_zyx, before.scores)]
        for part, fresh in zip(parts, (poses.rotations, poses.shifts_zyx, poses.scores), strict=True):
            part[rows] = fresh
        save_poses(gallery.source.path, Known(*parts))
        return
    table = gallery.table
    title = f"Align {len(rows):,} particles"
    with session.project.group(title):
        for pick_set in np.unique(table.sets[rows]).tolist():
            places = np.flatnonzero(table.sets[rows] == pick_set)
            mine = rows[places]
            sizes = np.array(session.project.tomogram(int(table.tomograms[mine[0]])).require_voxel_size_zyx())
            nearest = np.floor(table.positions_zyx[mine] / sizes + 0.5) * sizes
            session.project.pick_store(int(pick_set)).change(
                table.ids[mine],
                positions_zyx=nearest + poses.shifts_zyx[places] * voxel_size,
                rotations=poses.rotations[places],
                scores=poses.scores[places],
            )


def take_grouping(session: Session, title: str, grouping: Grouping) -> None:
    """Take clusters into the project, as one step of undo; where it is open read-only they are shown and not kept."""
    gallery = session.gallery
    if gallery.source is None or session.project.read_only:
        gallery.set_grouping(grouping)
        return
    with session.project.group(title):
        keep_grouping(session.project, gallery.source, gallery.table, grouping)


def name_clusters(session: Session, clusters: Sequence[int], name: str) -> int:
    """Give the particles of clusters a class, and the clusters its name, as one step of undo; return how many changed.

    Raises
    ------
    ParameterProblem
        There is no such cluster, or the name is empty.
    """
    gallery, numbers, name = session.gallery, [int(number) for number in clusters], name.strip()
    grouping = gallery.grouping
    if grouping is None or not numbers or not all(0 <= number < grouping.count for number in numbers):
        count = 0 if grouping is None else grouping.count
        raise ParameterProblem("clusters", f"{numbers} are none of the {count}", "group the particles, then choose")
    if not name:
        raise ParameterProblem("class", "has no name", "give it one")
    rows, id = np.flatnonzero(np.isin(grouping.assignment, numbers)), grouping.id
    shown = ", ".join(str(number + 1) for number in numbers)
    with session.project.group(f"Cluster{'s' * (len(numbers) != 1)} {shown}: {name}"):
        changed = particles.set_class(session, rows, name)
        if id >= 0:
            keep_names(session.project, id, dict.fromkeys(numbers, name))
    return changed


def tilts(session: Session) -> Wedge:
    """Return the tilts of the project's tomograms as they were typed or estimated; ±60° about y before that."""
    kept = session.project.display(TILTS) if session.has_project else None
    if isinstance(kept, dict):
        try:
            return Wedge.from_dict(kept)
        except (ParameterProblem, TypeError):
            text = f"{session.project.path}: the tilts that it keeps cannot be: {kept}; type them anew"
            warnings.warn(DataWarning(text), stacklevel=2)
    return Wedge()


@command("Tilts from {low} to {high}° about {tilt_axis}")
def set_tilts(session: Session, low: float, high: float, tilt_axis: str = "y", beam_axis: str = "z") -> None:
    """Say which tilts the tomograms of the project have, degrees; what is computed from particles needs them.

    Raises
    ------
    ParameterProblem
        They cannot be.
    """
    session.project.set_display(TILTS, Wedge(low, high, tilt_axis, beam_axis).to_dict())


def note_work(session: Session, title: str, python: str, shell: str = "") -> None:
    """Note what a job has computed, as the lines of Python and of a terminal that do it again."""
    session.log.note(CommandLine(title, python, shell))
