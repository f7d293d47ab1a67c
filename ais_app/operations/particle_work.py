"""What is computed from the cubes of a gallery: averages, clusters, classes; and the same again from files alone."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.jobs import Job, Progress, direct, in_words, retold
from ais_app.core.particles.extract import SubtomogramParams
from ais_app.core.particles.grouping import GroupingParams, group_job
from ais_app.core.particles.halves_params import AverageParams
from ais_app.core.particles.tiles import central_slices
from ais_app.core.particles.wedge import Wedge
from ais_app.core.training.checkpoint import checkpoint_path
from ais_app.operations.particle_cubes import CubeRequest, cubes_job
from ais_app.operations.particle_work_list import Worked, open_all, read_list, worked
from ais_app.operations.particle_work_results import (
    AverageShown,
    ClassesFound,
    GroupsFound,
    keep_average,
    shown,
    write_average,
    write_table,
)

if TYPE_CHECKING:
    from ais_app.state.gallery_table import ParticleTable

CLASSIFIED_AT_ONCE = 16
WORK = ("average", "align", "group", "classify")

R = TypeVar("R", AverageShown, GroupsFound, ClassesFound)


def average_rows_job(request: CubeRequest, symmetry: str = "C1", seed: int = 0) -> Job[AverageShown]:
    """Average cubes with the poses that they have, at once; the seed is of the two halves."""
    from ais_app.core.particles.average import average_now_job

    done = worked(request, "average", symmetry=symmetry, seed=seed)
    cubes = yield from retold(cubes_job(request), in_words)
    stack = cubes.stack
    averages = yield from average_now_job(
        stack.cubes,
        stack.poses,
        stack.wedges,
        stack.wedge_of,
        voxel_size=stack.voxel_size,
        symmetry=symmetry,
        seed=seed,
    )
    turned = request.table.rotations
    found = shown(averages, cubes.rows, stack.voxel_size)
    return replace(found, rotations=None if turned is None else turned[cubes.rows], worked=done)


def align_rows_job(request: CubeRequest, params: AverageParams) -> Job[AverageShown]:
    """Align cubes to their own average and average them, in turn."""
    from ais_app.core.particles.halves import refine_halves_job

    done = worked(request, "align", alignment=params.to_dict())
    cubes = yield from retold(cubes_job(request), in_words)
    stack = cubes.stack
    start = None if params.random_start else stack.poses
    refined = yield from refine_halves_job(
        stack.cubes, stack.wedges, stack.wedge_of, params, voxel_size=stack.voxel_size, start=start
    )
    found = shown(refined.averages, cubes.rows, stack.voxel_size, refined.poses)
    return replace(found, rotations=refined.poses.rotations, worked=done)


def group_rows_job(request: CubeRequest, params: GroupingParams) -> Job[GroupsFound]:
    """Group cubes without labels; where they are kept beside the project, so is a training that is stopped."""
    done = worked(request, "group", grouping=params.to_dict())
    cubes = yield from retold(cubes_job(request), in_words)
    place = request.cache
    kept = checkpoint_path(place.with_name(f"{place.stem}_encoder")) if place and place.parent.is_dir() else None
    found = yield from group_job(cubes.stack.cubes, params, wedges=cubes.stack.wedges, kept=kept)
    if kept is not None and found.encoder is not None:
        kept.unlink(missing_ok=True)
    slices = tuple(central_slices(centre) for centre in found.centres)
    return GroupsFound(cubes.rows, found.clusters.assignment, np.asarray(found.map, dtype=float), slices, done)


def classify_rows_job(request: CubeRequest, model: str | Path) -> Job[ClassesFound]:
    """Classify cubes with a network."""
    from ais_app.core.model.package import load_model
    from ais_app.core.particles.classify import class_names, classify

    yield Progress(0, 0, "reading the network")
    done = worked(request, "classify", model=str(model))
    network = load_model(model)
    cubes = yield from retold(cubes_job(request), in_words)
    names, parts = class_names(network), []
    count = len(cubes.rows)
    for low in range(0, count, CLASSIFIED_AT_ONCE):
        part = cubes.stack.read(slice(low, min(low + CLASSIFIED_AT_ONCE, count)))
        parts.append(classify(network, part))
        yield Progress(low + len(part), count, "classifying")
    found = np.concatenate(parts)
    return ClassesFound(cubes.rows, [names[best] for best in found.argmax(axis=1).tolist()], found.max(axis=1), done)


def kept_job(job: Job[R], table: ParticleTable, folder_now: Callable[[], Path | None], name: str) -> Job[R]:
    """Do the work, and write beside the project which particles it was, and of an average what it is.

    That a file cannot be written is said; the result is there all the same.

    Parameters
    ----------
    job
        The work.
    table
        The particles of the gallery.
    folder_now
        Returns that of the project's particles once the work is done, when the project may have another place;
        ``None`` where it may not be written.
    name
        Of the choice of particles, in names of files.
    """
    found = yield from job
    folder = folder_now()
    if folder is None or found.worked is None:
        return found
    try:
        found = replace(found, worked=found.worked.in_folder(folder / "lists", name))
        if isinstance(found, AverageShown):
            keep_average(found, table, folder / f"{name}_average.npz")
    except FileProblem as error:
        warnings.warn(DataWarning(f"what was found is shown, and not kept: {error}"), stacklevel=2)
    return found


def particle_work_job(
    tomograms: Sequence[str | Path],
    particles: str | Path,
    out_dir: str | Path,
    *,
    work: str = "average",
    voxel_sizes: Sequence[Sequence[float]] = (),
    stack: str | Path | None = None,
    cubes: SubtomogramParams | None = None,
    wedge: Wedge | None = None,
    symmetry: str = "C1",
    seed: int = 0,
    alignment: AverageParams | None = None,
    grouping: GroupingParams | None = None,
    model: str | Path | None = None,
) -> Job[list[Path]]:
    """Do again what the Particles tab did, with the very same particles.

    Parameters
    ----------
    tomograms
        Files, in the order in which the list counts them; none for a stack.
    particles
        The list, CSV: tomogram, position z y x in Å, rotation row by row; of a stack its rows.
    out_dir
        Gets ``average.mrc``, ``half1.mrc``, ``half2.mrc`` and ``fsc.csv``, or ``clusters.csv``, or ``classes.csv``.
    work
        ``"average"`` with the orientations that are known, ``"align"`` first, ``"group"`` or ``"classify"``.
    voxel_sizes
        Å along z, y, x, of each tomogram; what the files say if not given.
    stack
        Subtomograms, instead of tomograms.
    cubes, wedge
        How cubes are cut from tomograms, and which tilts were measured.
    symmetry, seed
        Of an average: of the particle, and of the division into halves.
    alignment, grouping, model
        Of the other work.

    Raises
    ------
    ParameterProblem
        The work is not known, or a network is missing.
    FileProblem
        A file cannot be read or written.
    """
    if work not in WORK:
        raise ParameterProblem("work", f"{work!r} is not known", f"choose one of {', '.join(WORK)}")
    opened = open_all(tomograms, voxel_sizes)
    table, rows = read_list(particles, opened)
    request = CubeRequest(
        table, rows, lambda number: opened[number], cubes or SubtomogramParams(edge="pad"), wedge or Wedge(),
        stack=None if stack is None else Path(stack),
    )  # fmt: skip
    out = Path(out_dir)
    if work == "average":
        return write_average((yield from average_rows_job(request, symmetry, seed)), out)
    if work == "align":
        return write_average((yield from align_rows_job(request, alignment or AverageParams())), out)
    if work == "group":
        found = yield from group_rows_job(request, grouping or GroupingParams())
        places = found.embedding.tolist()
        columns = zip(found.rows.tolist(), (found.assignment + 1).tolist(), places, strict=True)
        text = _table(("row", "cluster", "x", "y"), ([row, cluster, *place] for row, cluster, place in columns))
        return _written(text, found.worked, out / "clusters.csv")
    if model is None:
        raise ParameterProblem("model", "is not given", "give the network that classifies")
    said = yield from classify_rows_job(request, model)
    columns_ = zip(said.rows.tolist(), said.names, said.probabilities.tolist(), strict=True)
    return _written(_table(("row", "class", "probability"), columns_), said.worked, out / "classes.csv")


particle_work = direct(particle_work_job)


def _written(text: str, done: Worked | None, output: Path) -> list[Path]:
    assert done is not None  # every job says what it worked on
    output.parent.mkdir(parents=True, exist_ok=True)
    return [write_table(text, done, output)]


def _table(header: Sequence[str], lines: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()
