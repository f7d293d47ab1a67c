"""The annotations of a project as training data."""

from __future__ import annotations

from dataclasses import replace

from ais_app.core import provenance
from ais_app.core.errors import ProjectProblem
from ais_app.core.training.data import LabelledTomogram
from ais_app.state.project import Project


def labelled_tomograms(project: Project, feature: str) -> list[LabelledTomogram]:
    """Return the tomograms of a project in which a feature is annotated.

    Labels are read when they are asked for: the project must stay open until the boxes are cut.

    Raises
    ------
    ProjectProblem
        There is no such feature, it is annotated nowhere, or a tomogram's file is not found.
    """
    known = project.feature(feature)
    found = []
    for entry in project.tomograms:
        store = project.labels(entry, known)
        slices = tuple(store.annotated_slices())
        boxes = tuple(replace(box, size=box.size or known.box_size) for box in project.boxes(entry, known))
        if slices or boxes:
            path = project.find(entry)
            origin = {"file": path.name, "fingerprint": provenance.fingerprint(path)}
            tomogram = project.open_tomogram(entry)
            found.append(LabelledTomogram(entry.name, tomogram, store.read, slices, boxes, origin))
    if not found:
        problem = f"{feature!r} has neither annotated slices nor boxes in any tomogram"
        raise ProjectProblem(project.path, problem, "paint it, or: ais-app project import-labels")
    return found
