"""Cut subtomograms at picks: tomograms and particle lists in, or a project; one stack out."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.files import check_not_input
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particle_set import Particles
from ais_app.core.particles.extract import Places, SubtomogramParams, cut, place
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import create_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.resample import rescaled
from ais_app.operations.empty_places import EmptyPlaces, check_any_filled
from ais_app.operations.per_file import input_files
from ais_app.operations.pick_sources import MISSING_SIZE, list_files, picks_of_lists, picks_of_project
from ais_app.operations.wedge import wedge_for


@dataclass(frozen=True)
class Extraction:
    """What was cut.

    Parameters
    ----------
    path
        The stack.
    particles, tomograms
        How many cubes it has, and from how many tomograms.
    outside, at_edge, unknown
        How many picks were left out: beyond their volume, with too little of the box in it, at no number.
    flat, empty
        How many of the cubes are 0, because the tomogram has a single grey value, or no numbers, there.
    """

    path: Path
    particles: int
    tomograms: int
    outside: int = 0
    at_edge: int = 0
    unknown: int = 0
    flat: int = 0
    empty: int = 0

    def __str__(self) -> str:
        left = {"outside": self.outside, "at the edge": self.at_edge, "without a position": self.unknown}
        words = ", ".join(f"{count:,} {why}" for why, count in left.items() if count)
        count = f"{self.particles:,} particle{'s' * (self.particles != 1)}"
        several = f" of {self.tomograms:,} tomograms" if self.tomograms > 1 else ""
        return f"{count}{several}{f'; left out: {words}' if words else ''} -> {self.path}"


@dataclass(frozen=True)
class _Source:
    """A tomogram with its picks: `places` lie on `grid`, which is the tomogram or that at another voxel size."""

    path: Path
    tomogram: Tomogram
    grid: Tomogram
    particles: Particles
    places: Places
    wedge: Wedge


def subtomo_extract_job(
    tomograms: Sequence[str | Path],
    out: str | Path,
    params: SubtomogramParams | None = None,
    *,
    coordinates: Sequence[str | Path] = (),
    source: str = "auto",
    source_options: Mapping[str, Any] | None = None,
    rename: Sequence[str] = (),
    project: str | Path | None = None,
    feature: str | None = None,
    pick_set: str | None = None,
    tilt: str | None = None,
    tilt_file: str | Path | None = None,
    tomogram_voxel_size: float | None = None,
    threads: int | None = None,
) -> Job[Extraction]:
    """Cut subtomograms into a stack.

    Parameters
    ----------
    tomograms
        Files, folders or globs; with a project the tomograms that are used, all of it if none is named.
    out
        The stack, a folder whose name ends in ``.zarr``; one that is there is replaced. If the work is stopped, the
        same call goes on where it was.
    params
        Box, binning, edges, grey values.
    coordinates
        Particle lists that hold the picks of these tomograms, and maybe of others.
    source, source_options, rename
        As for `operations.coordinates`: the format of the lists, what they do not say, and their names of tomograms.
    project, feature, pick_set
        Instead of lists: the picks of a project, those of a feature, or those of the sets of this name.
    tilt
        Lowest and highest tilt, ``"-60,60"``; estimated from each tomogram if neither this nor `tilt_file` is given.
    tilt_file
        Angles of the tilt series (.tlt, .rawtlt, .mdoc), also with ``{tomogram}`` in its name.
    tomogram_voxel_size
        Å; replaces what the files of the tomograms say.
    threads
        All cores if not given; the result does not depend on it.

    Returns
    -------
    Extraction
        What was cut, and what was left out.

    Raises
    ------
    ParameterProblem
        No pick has a place, or the tomograms hold nothing at any; a voxel size is not known; they differ and none is
        given; both lists and a project; `out` is an input.
    FileProblem
        A file cannot be read, no list has particles of any of the tomograms, or `out` is something else.
    ProjectProblem
        The project has no such tomogram, feature or set.
    """
    chosen, out = params or SubtomogramParams(), Path(out)
    if out.suffix != ".zarr":
        raise ParameterProblem("out", f"{out.name!r} does not end in .zarr", "a stack is a folder such as PICKS.zarr")
    reading: dict[str, Any] = {"source": source, "source_options": dict(source_options or {}), "rename": list(rename)}
    yield Progress(0, 0, "reading picks")
    if project is not None:
        if coordinates:
            raise ParameterProblem("coordinates", "are given, and a project too", "give one of them")
        found = list(picks_of_project(Path(project), tomograms, feature, pick_set, tomogram_voxel_size))
    else:
        if feature is not None or pick_set is not None:
            raise ParameterProblem("feature", "only the picks of a project have one", "give the project too")
        found = list(picks_of_lists(input_files(tomograms), coordinates, tomogram_voxel_size, reading))
    cube_size = _cube_voxel_size([tomogram for _, tomogram, _ in found], chosen)
    sources = []
    for number, (path, tomogram, particles) in enumerate(found):
        yield Progress(number, len(found), f"{tomogram.name}: missing wedge")
        wedge = wedge_for(tomogram, tilt, _tilt_file(tilt_file, tomogram))
        sources.append(_placed(path, tomogram, particles, chosen, cube_size, wedge))
    inputs = [each.path for each in sources]
    inputs += [file for each in sources if (file := _tilt_file(tilt_file, each.tomogram)) is not None]
    inputs += list_files(coordinates) if project is None else []
    check_not_input([out], inputs)
    inputs += [] if project is None else [Path(project)]  # a stack may lie in it
    arguments: dict[str, Any] = {"tomograms": [str(path) for path in tomograms], "out": str(out), "params": chosen}
    arguments |= {"coordinates": [str(path) for path in coordinates], **reading, "feature": feature}
    arguments |= {"project": None if project is None else str(project), "pick_set": pick_set, "tilt": tilt}
    arguments |= {"tilt_file": None if tilt_file is None else str(tilt_file)}
    arguments |= {"tomogram_voxel_size": tomogram_voxel_size}
    return (yield from _written(sources, out, chosen, cube_size, arguments, inputs, threads))


subtomo_extract = direct(subtomo_extract_job)


def _cube_voxel_size(tomograms: Sequence[Tomogram], params: SubtomogramParams) -> float:
    """Return Å of a voxel of the cubes, the same for all tomograms."""
    if not tomograms:
        remedy = "see which names the lists have: ais-app coordinates; --rename changes them"
        raise ParameterProblem("coordinates", "no pick is of any of these tomograms", remedy)
    if params.voxel_size is not None:
        return params.voxel_size * params.bin
    sizes = [size for tomogram in tomograms for size in tomogram.require_voxel_size_zyx(MISSING_SIZE)]
    if max(sizes) > 1.001 * min(sizes):
        problem = f"tomograms have voxels of {min(sizes):g} to {max(sizes):g} Å"
        raise ParameterProblem("voxel_size", problem, f"rescale them all: --voxel-size {max(sizes):g}")
    return tomograms[0].voxel_size * params.bin


def _placed(
    path: Path, tomogram: Tomogram, particles: Particles, params: SubtomogramParams, cube_size: float, wedge: Wedge
) -> _Source:
    """Return a tomogram with the places of its picks, at the voxel size that is asked for."""
    grid, first = tomogram, np.zeros(3)
    sizes = np.array(tomogram.require_voxel_size_zyx(MISSING_SIZE))
    if params.voxel_size is not None and np.abs(sizes / params.voxel_size - 1).max() > 1e-3:
        grid = rescaled(tomogram, params.voxel_size)
        middle = [(np.array(shape) - 1) / 2 for shape in (tomogram.shape, grid.shape)]
        first = middle[0] * sizes - middle[1] * params.voxel_size  # both grids have one centre
    size = cube_size / params.bin
    places = place(particles.positions_zyx, grid.shape, (size,) * 3, params, (first[0], first[1], first[2]))
    kept = particles[places.rows]
    centres = (places.picks[places.rows] if params.placing == "exact" else places.voxels) * size + first
    shapes = {name: tomogram.shape for name in kept.names}
    kept = replace(kept, positions_zyx=centres, voxel_size=tomogram.voxel_size, shapes=shapes)
    return _Source(path, tomogram, grid, kept, places, wedge)


def _tilt_file(tilt_file: str | Path | None, tomogram: Tomogram) -> Path | None:
    return None if tilt_file is None else Path(str(tilt_file).replace("{tomogram}", tomogram.name))


def _written(
    sources: Sequence[_Source],
    out: Path,
    params: SubtomogramParams,
    cube_size: float,
    arguments: Mapping[str, Any],
    inputs: Sequence[Path],
    threads: int | None,
) -> Job[Extraction]:
    """Cut the cubes of all tomograms into one stack."""
    lost = {name: sum(getattr(each.places, name) for each in sources) for name in ("outside", "at_edge", "unknown")}
    count = sum(len(each.particles) for each in sources)
    if not count:
        why = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in lost.items() if number)
        problem = f"none of {sum(lost.values()):,} has a box of {params.box} voxels in its tomogram ({why})"
        raise ParameterProblem(
            "picks", problem, "choose a smaller --box or --edge pad; are positions in this voxel size?"
        )
    particles = Particles.concatenate([each.particles for each in sources])
    wedges = tuple(dict.fromkeys(each.wedge for each in sources))
    wedge_of = np.repeat([wedges.index(each.wedge) for each in sources], [len(each.particles) for each in sources])
    notes = {"particles": count, "tomograms": len(sources), **lost, "wedges": [wedge.to_dict() for wedge in wedges]}
    record = provenance.record("subtomo_extract", out, arguments, inputs, notes)
    mark = hashlib.blake2b(digest_size=16)
    mark.update(json.dumps([record.arguments, record.inputs, notes], sort_keys=True, default=str).encode())
    mark.update(particles.positions_zyx.tobytes())
    edge, measured = params.box * params.bin, ((each.path, each.grid.data, each.places.voxels) for each in sources)
    check_any_filled(measured, edge)
    empty = EmptyPlaces(edge)
    with create_stack(
        out, params.box, particles, wedges, wedge_of, cube_size,
        poses=_poses(sources, particles, params), notes=_notes(params), resume=mark.hexdigest(),
    ) as writer:  # fmt: skip
        first = 0
        for each in sources:
            own = np.arange(first, first + len(each.particles))
            rows = np.flatnonzero(writer.missing[own])
            options: dict[str, Any] = {"rows": rows, "threads": threads or os.cpu_count() or 1}
            for at, cubes in cut(each.grid.data, each.places, params, cube_voxel_size=cube_size, **options):
                writer.write(own[at], cubes)
                empty.look(cubes, each.grid.data, each.places.voxels[at])
                yield Progress(count - int(writer.missing.sum()), count, each.tomogram.name)
            first += len(own)
    record.write(out)
    empty.say(out)
    return Extraction(out, count, len(sources), flat=empty.flat, empty=empty.unknown, **lost)


def _poses(sources: Sequence[_Source], particles: Particles, params: SubtomogramParams) -> Poses:
    """Return where the picks lie in their cubes: turned as the list says, beside the centre by the rest of a voxel."""
    count = len(particles)
    shifts = np.concatenate([each.places.shifts_zyx for each in sources])
    rotations = np.tile(np.eye(3), (count, 1, 1)) if particles.rotations is None else particles.rotations
    scores = np.zeros(count) if particles.scores is None else np.asarray(particles.scores, dtype=float)
    return Poses(rotations, np.zeros_like(shifts) if params.placing == "exact" else shifts, scores)


def _notes(params: SubtomogramParams) -> dict[str, Any]:
    return {"contrast": "bright", "extracted_with": params.to_dict()}
