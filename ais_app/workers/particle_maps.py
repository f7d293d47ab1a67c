"""Averages of the gallery as files, and in the scene."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.core.jobs import Job, Progress
from ais_app.state.commands import render
from ais_app.state.copying import particles_folder
from ais_app.state.gallery_table import PickSource
from ais_app.state.session import Session
from ais_app.workers.particle_lines import file_name

if TYPE_CHECKING:
    from ais_app.operations.particle_work_results import AverageShown


def saving_job(found: AverageShown, folder: Path) -> Job[list[Path]]:
    """Write an average with its halves and its curve into a folder."""
    from ais_app.operations.particle_work_results import write_average

    yield Progress(0, 1, "writing")
    return write_average(found, folder)


def files_of_an_average(folder: Path) -> list[Path]:
    """Return what `saving_job` would replace in a folder."""
    from ais_app.operations.particle_work_results import WRITTEN

    return [path for name in WRITTEN if (path := folder / name).exists()]


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
