"""Averages of the gallery as files, and in the scene."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.core.jobs import Job, Progress
from ais_app.state import scene_store as store
from ais_app.state.commands import render
from ais_app.state.copying import particles_folder
from ais_app.state.gallery_table import PickSource, StackSource
from ais_app.state.session import Session
from ais_app.workers.particle_lines import file_name

if TYPE_CHECKING:
    from ais_app.operations.particle_work_results import AverageShown

COVERED = 0.25  # share of the picks of a set that another one covers: then that one is in the way


def saving_job(found: AverageShown, folder: Path) -> Job[list[Path]]:
    """Write an average with its halves and its curve into a folder."""
    from ais_app.operations.particle_work_results import write_average

    yield Progress(0, 1, "writing")
    return write_average(found, folder)


def files_of_an_average(folder: Path) -> list[Path]:
    """Return what `saving_job` would replace in a folder."""
    from ais_app.operations.particle_work_results import WRITTEN

    return [path for name in WRITTEN if (path := folder / name).exists()]


def why_not_placed(session: Session) -> str:
    """Return why an average of what the gallery shows cannot be placed at picks, and what to do; empty where it can."""
    source = session.gallery.source
    if isinstance(source, StackSource):
        return "A stack has no picks in the scene: save the average, then in a terminal: ais-app mapback"
    if not isinstance(source, PickSource) or not source.name:
        return "The average belongs to no single set of picks: show one set, and average that"
    return ""


def hide_what_covers(session: Session) -> list[str]:
    """Hide the sets of the scene in view that cover what is drawn at the picks of the gallery; return their names.

    A pick is covered where one of another set lies closer than the radius of the particle; arrows cover nothing.
    """
    from scipy.spatial import cKDTree

    scene, entry, source, project = store.scene_of(session), session.tomogram, session.gallery.source, session.project
    assert entry is not None and isinstance(source, PickSource)  # something was drawn at its picks
    places = {each.name: project.pick_store(each).read().positions_zyx for each in project.picks(entry)}
    radius = next(each.size for each in scene.picks if each.name == source.name) / 2
    covering = []
    for each in scene.picks:
        if each.name == source.name or not each.visible or each.style == "arrows" or not len(places.get(each.name, ())):
            continue
        nearest, _ = cKDTree(places[each.name]).query(places[source.name], distance_upper_bound=radius)
        if np.isfinite(nearest).mean() >= COVERED:
            covering.append(each.name)
    for covers in covering:
        render.change_picks(session, covers, visible=False)
    return covering


def place_at_picks(session: Session, found: AverageShown, rows: np.ndarray) -> Path:
    """Show an average at every pick of its set in the scene, turned as each is; return the map that is drawn.

    Parameters
    ----------
    rows
        (k,) of the gallery: where each of those is that went into it, −1 for those that are gone.

    Raises
    ------
    ParameterProblem
        The particles are no picks, or of several sets, or they are not turned as they are in the average.
    ProjectProblem
        The project is open read-only: the map would be written beside it.
    """
    from ais_app.operations.particle_work_results import surface_level, without_specks, write_map

    source = session.gallery.source
    if not isinstance(source, PickSource) or not source.name:
        remedy = "show one set of picks; of a stack save the average, then: ais-app mapback"
        raise ParameterProblem("average", "there are no picks of one set to place it at", remedy)
    there = rows >= 0
    if not there.any():
        raise ParameterProblem("average", "none of its particles is there any more", "undo, or average others")
    if session.project.read_only:
        remedy = "save the average instead, or work on a copy of the project"
        raise ProjectProblem(session.project.path, "is open read-only, and the map belongs beside it", remedy)
    table = session.gallery.table
    _check_turned(found, there, table.rotations, rows[there])
    level = surface_level(found.averages.average)
    folder = particles_folder(session.project.path)
    folder.mkdir(parents=True, exist_ok=True)
    clean = without_specks(found.averages.average, level)
    # the scenes of other tomograms, and of other particles of this set, have maps of their own
    mark = hashlib.blake2b(np.ascontiguousarray(clean, dtype=np.float32).tobytes(), digest_size=4).hexdigest()
    path = write_map(clean, found.voxel_size, folder / f"{file_name(source)}_{mark}_average.mrc")
    shown_in = np.unique(table.tomograms[rows[there]]).tolist()
    if session.view.tomogram not in shown_in:
        session.view.tomogram = int(shown_in[0])
    render.refresh(session)
    render.change_picks(session, source.name, style="map", template=str(path), template_level=level, visible=True)
    session.view.tab = "render"
    return path


def _check_turned(found: AverageShown, there: np.ndarray, rotations: np.ndarray | None, rows: np.ndarray) -> None:
    """Raise `ParameterProblem` where picks are not turned as they are in an average: it would stand askew there."""
    turned = np.full((len(rows), 3, 3), np.nan) if rotations is None else rotations[rows]
    if found.rotations is not None:
        same = np.isclose(turned, found.rotations[there], atol=1e-6, equal_nan=True).all(axis=(1, 2))
    else:  # kept by an earlier version, which did not note it
        aligned = found.worked is not None and found.worked.arguments["work"] == "align"
        same = np.isfinite(turned).all(axis=(1, 2)) | (not aligned)
    if not same.all():
        count = int((~same).sum())
        problem = f"{count:,} of its {len(rows):,} picks {'are' if count != 1 else 'is'} turned otherwise than in it"
        raise ParameterProblem("average", problem, "redo the alignment if it was undone, or average them again")
