"""Boxes of a project from the coordinate files of any known program."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ais_app.core.annotation.boxes import Box
from ais_app.core.coordinates import read_particles
from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.core.tomogram import tomogram_name
from ais_app.state.project import Project
from ais_app.state.records import TomogramEntry


def import_boxes(
    project: str | Path,
    tomogram: str,
    feature: str,
    file: str | Path,
    *,
    format: str | None = None,
    voxel_size: float | None = None,
) -> list[Box]:
    """Place boxes at the particles of a file, as one step of undo.

    Parameters
    ----------
    project
        The project file.
    tomogram, feature
        Where. A feature that is not there yet is added. Particles of other tomograms are left out; those that name
        no tomogram are taken.
    file
        Coordinates in any known format.
    format
        Name of the format; found from the content when ``None``.
    voxel_size
        Å, of the voxels the file counts in; ``None`` for what the file says, and the tomogram's where it says
        nothing.

    Returns
    -------
    list of Box
        The boxes placed, with their ids.

    Raises
    ------
    FileProblem
        The file cannot be read.
    ParameterProblem
        It holds no particle of this tomogram, or one that lies outside; then no box is placed.
    """
    with Project.open(project) as opened:
        entry = opened.tomogram(tomogram)
        particles = _read(file, format, voxel_size, entry)
        names = [tomogram_name(str(name)) if name else "" for name in particles.tomograms]
        chosen = np.array([name in ("", entry.name) for name in names], dtype=bool)
        if not chosen.any():
            others = ", ".join(sorted(set(names))) or "none"
            raise ParameterProblem(file, f"holds no particle of {entry.name}", f"its tomograms: {others}")
        centres = particles.positions_zyx[chosen] / np.array(entry.require_voxel_size_zyx())
        with opened.group(f"Import {Path(file).name}"):
            if feature not in [known.name for known in opened.features]:
                opened.add_feature(feature)
            return opened.add_boxes(entry, feature, [Box((z, y, x)) for z, y, x in centres.tolist()])


def _read(file: str | Path, format: str | None, voxel_size: float | None, entry: TomogramEntry) -> Particles:
    if voxel_size is not None:
        return read_particles(file, format, voxel_size=voxel_size)
    try:
        return read_particles(file, format)
    except ParameterProblem:
        if entry.voxel_size is None:
            raise
        return read_particles(file, format, voxel_size=entry.voxel_size)  # the file does not say
