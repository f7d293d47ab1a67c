"""Labels of a project as a volume that overlays its tomogram."""

from __future__ import annotations

from pathlib import Path

from ais_app.core import provenance
from ais_app.state.project import Project


def export_labels(project: str | Path, tomogram: str, feature: str, out: str | Path) -> Path:
    """Write the labels of a feature in a tomogram, with provenance.

    Parameters
    ----------
    project
        The project file.
    tomogram, feature
        Whose labels.
    out
        Volume to write: int8, 0 background, 1 feature, 2 ignore.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    ProjectProblem
        The project has no such tomogram or feature.
    FileProblem
        The file cannot be written.
    """
    with Project.open(project, read_only=True) as opened:
        labels = opened.labels(tomogram, feature)
        planes = [f"{plane.axis} = {plane.index}" for plane in labels.annotated_planes()]
        arguments = {"project": project, "tomogram": tomogram, "feature": feature, "out": out}
        record = provenance.record("export_labels", out, arguments, [project], {"annotated planes": planes})
        opened.export_labels(tomogram, feature, out)
    record.write(out)
    return Path(out)
