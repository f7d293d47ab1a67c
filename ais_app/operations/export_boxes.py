"""Boxes of a project as particles, in the coordinate files of any known program."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ais_app.core import provenance
from ais_app.core.coordinates import write_particles
from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.state.project import Project


def export_boxes(
    project: str | Path, feature: str, out: str | Path, *, tomogram: str | None = None, format: str = "star"
) -> Path:
    """Write the boxes of a feature as particles at their centres, with provenance.

    Parameters
    ----------
    project
        The project file.
    feature
        Which.
    out
        File to write.
    tomogram
        Which; all when ``None``.
    format
        Name of a coordinate format.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    ParameterProblem
        There are no boxes, or the voxel size of a tomogram is not known.
    """
    with Project.open(project, read_only=True) as opened:
        entries = opened.tomograms if tomogram is None else [opened.tomogram(tomogram)]
        parts = []
        for entry in entries:
            boxes = opened.boxes(entry, feature)
            if boxes:
                positions = np.array([box.centre_zyx for box in boxes]) * np.array(entry.require_voxel_size_zyx())
                names = np.full(len(boxes), entry.name, dtype=object)
                parts.append(Particles(positions, tomograms=names, voxel_size=entry.voxel_size, shape_zyx=entry.shape))
    if not parts:
        raise ParameterProblem(feature, "has no boxes to write", "place some first")
    arguments = {"project": project, "feature": feature, "out": out, "tomogram": tomogram, "format": format}
    record = provenance.record("export_boxes", out, arguments, [project])
    write_particles(out, Particles.concatenate(parts), format)
    record.write(out)
    return Path(out)
