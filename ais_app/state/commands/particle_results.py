"""What jobs found out about particles, taken into the project or the stack."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import DataWarning, ParameterProblem, ProjectProblem
from ais_app.core.particles.wedge import Wedge
from ais_app.state.chosen_particles import Chosen
from ais_app.state.commands import particles
from ais_app.state.gallery_groups import Grouping, keep_grouping, rows_of
from ais_app.state.gallery_groups import name_clusters as keep_names
from ais_app.state.gallery_table import PickReader, PickSource, StackSource
from ais_app.state.log import CommandLine, command
from ais_app.state.session import Session

TILTS = "particles/tilts"  # display setting of a project

if TYPE_CHECKING:
    from ais_app.core.particles.poses import Poses


def take_poses(session: Session, asked: Chosen, poses: Poses, voxel_size: float) -> np.ndarray:
    """Put what an alignment found into picks, as one step of undo, or into the stack: where, how turned, how well.

    Picks that were removed or moved since stay as they are: a person knew better.

    Parameters
    ----------
    asked
        (k,) particles as they were when their cubes were cut.
    poses
        (k,) of the cubes around the picks' nearest voxels.
    voxel_size
        Å, of the cubes.

    Returns
    -------
    numpy.ndarray
        (m,) places among `asked` of those that got their poses.

    Raises
    ------
    ParameterProblem
        The stack has other particles now.
    """
    if isinstance(asked.source, StackSource):
        _pose_stack(asked, poses)
        return np.arange(len(asked))
    there, places = asked.here_now(session.project)
    before = asked.part(places)
    unmoved = (there.table.positions_zyx[there.rows] == before.table.positions_zyx[before.rows]).all(axis=1)
    there, places = there.part(unmoved), places[unmoved]
    if not len(there):
        return places
    with session.project.group(f"Align {len(there):,} particles"):
        for pick_set, among in there.by_set():
            mine, found = there.rows[among], places[among]
            sizes = np.array(session.project.tomogram(int(there.table.tomograms[mine[0]])).require_voxel_size_zyx())
            nearest = np.floor(there.table.positions_zyx[mine] / sizes + 0.5) * sizes
            session.project.pick_store(pick_set).change(
                there.table.ids[mine],
                positions_zyx=nearest + poses.shifts_zyx[found] * voxel_size,
                rotations=poses.rotations[found],
                scores=poses.scores[found],
            )
    return places


def _pose_stack(asked: Chosen, poses: Poses) -> None:
    from ais_app.core.particles.poses import Poses as Known
    from ais_app.core.particles.stack import SubtomogramStack, save_poses

    assert isinstance(asked.source, StackSource)
    path = asked.source.path
    before = SubtomogramStack.open(path).poses
    if len(before.rotations) != len(asked.table):
        problem = f"has {len(before.rotations):,} particles now, and had {len(asked.table):,}"
        raise ParameterProblem(path, problem, "open it again, and align these")
    parts = [np.array(each) for each in (before.rotations, before.shifts_zyx, before.scores)]
    for part, fresh in zip(parts, (poses.rotations, poses.shifts_zyx, poses.scores), strict=True):
        part[asked.rows] = fresh
    save_poses(path, Known(*parts))


def take_classes(session: Session, asked: Chosen, names: Sequence[str]) -> tuple[int, int]:
    """Give particles the classes that a network said, as one step of undo.

    Return how many of them are still there, and how many of these had another class before.
    """
    there, places = asked.here_now(session.project)
    before = there.table.classes
    changed, given = particles.give_classes(session, there, [names[place] for place in places.tolist()])
    if len(changed):
        session.log.note(CommandLine(particles.class_title(given), _classes_again(changed, given)))
    return len(there), int((before[changed.rows] != "").sum())


def class_picks(session: Session, picks: Mapping[int, Sequence[int]], names: Sequence[str]) -> int:
    """Give picks classes, as one step of undo, whatever the gallery shows; return how many changed.

    Parameters
    ----------
    picks
        Ids of picks, set by set.
    names
        One for each, in the same order; of picks that are not there they are passed over.
    """
    sets = np.repeat(np.array(list(picks), dtype=np.int64), [len(ids) for ids in picks.values()])
    ids = np.array([id for each in picks.values() for id in each], dtype=np.int64)
    table = PickReader(session.project, lambda pick_set: pick_set.id in picks).table()
    rows = rows_of(table, sets, ids)
    given = [name for name, row in zip(names, rows.tolist(), strict=True) if row >= 0]
    changed, given = particles.give_classes(session, Chosen(PickSource(), table, rows[rows >= 0]), given)
    if len(changed):
        session.log.note(CommandLine(particles.class_title(given), _classes_again(changed, given)))
    return len(changed)


def _classes_again(chosen: Chosen, names: Sequence[str]) -> str:
    """Return the line that gives the same particles these classes again."""
    if isinstance(chosen.source, StackSource):
        shown = f"commands.particles.open_stack(session, {str(chosen.source.path)!r})"
        return f"{shown}; commands.particles.set_classes(session, {chosen.rows.tolist()}, {list(names)!r})"
    picks = {pick_set: chosen.table.ids[chosen.rows[places]].tolist() for pick_set, places in chosen.by_set()}
    ordered = [names[place] for _, places in chosen.by_set() for place in places.tolist()]
    return f"commands.particle_results.class_picks(session, {picks!r}, {ordered!r})"


def take_grouping(session: Session, title: str, grouping: Grouping, asked: Chosen | None = None) -> int:
    """Take clusters into the project, as one step of undo; return how many of the particles are still there.

    Where the project is open read-only they are shown and not kept.

    Parameters
    ----------
    title
        Of the step.
    grouping
        Of the rows of a table.
    asked
        Those that were grouped, and the table; if not given what the gallery shows.

    Raises
    ------
    ProjectProblem
        The project is open read-only, and the gallery shows others.
    """
    gallery, project = session.gallery, session.project
    if asked is None and gallery.source is not None:
        asked = Chosen(gallery.source, gallery.table, np.flatnonzero(grouping.assignment >= 0))
    if asked is None or project.read_only:
        if asked is not None and gallery.source != asked.source:
            remedy = "group them again and show them until that is done, or work on a copy"
            raise ProjectProblem(project.path, "is open read-only, and clusters of others are shown nowhere", remedy)
        gallery.set_grouping(grouping)
        return len(gallery.table)
    there, _ = asked.here_now(project)
    if len(there):
        with project.group(title):
            keep_grouping(project, asked.source, asked.table, grouping)
    return len(there)


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
