"""The annotations of a project as training data."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ais_app.core import provenance
from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import DataWarning, ParameterProblem, ProjectProblem
from ais_app.core.training.combined import combined
from ais_app.core.training.data import LabelledTomogram
from ais_app.state.labels import LabelStore
from ais_app.state.project import Project
from ais_app.state.records import Feature, TomogramEntry


@dataclass(frozen=True)
class LabelChoice:
    """Which annotations of a project a network learns from, besides those of its own feature.

    Parameters
    ----------
    tomograms
        Names of the tomograms; all when empty.
    negatives
        Features that are known not to be this one: their voxels and boxes are background.
    ignored
        Features whose voxels are left out of the loss.
    """

    tomograms: Sequence[str] = ()
    negatives: Sequence[str] = ()
    ignored: Sequence[str] = ()


def labelled_tomograms(project: Project, feature: str, choice: LabelChoice | None = None) -> list[LabelledTomogram]:
    """Return the tomograms of a project in which a feature is annotated.

    Labels are read when they are asked for: the project must stay open until the boxes are cut.

    Raises
    ------
    ProjectProblem
        There is no such feature or tomogram, the feature is annotated nowhere, or a tomogram's file is not found.
    ParameterProblem
        A feature would be its own negative, or both negative and ignored.
    """
    choice = choice or LabelChoice()
    known = project.feature(feature)
    negatives = [project.feature(name) for name in choice.negatives]
    ignored = [project.feature(name) for name in choice.ignored]
    roles = [known, *negatives, *ignored]
    if len({entry.id for entry in roles}) < len(roles):
        problem = "plays two parts: learnt, negative and ignored features must differ"
        raise ParameterProblem(feature, problem, "give each feature one part")
    entries = [project.tomogram(name) for name in choice.tomograms] or project.tomograms
    found = [item for entry in entries if (item := _labelled(project, entry, known, negatives, ignored)) is not None]
    if not any(item.slices or item.boxes for item in found):
        where = "the chosen tomograms" if choice.tomograms else "any tomogram"
        problem = f"{feature!r} has neither annotated slices nor boxes in {where}"
        raise ProjectProblem(project.path, problem, "paint it, or: ais-app project import-labels")
    return found


def _labelled(
    project: Project, entry: TomogramEntry, known: Feature, negatives: list[Feature], ignored: list[Feature]
) -> LabelledTomogram | None:
    own = project.labels(entry, known)
    slices = own.annotated_slices()
    _warn_of_side_views(own)
    boxes = [box for each in (known, *negatives) for box in _boxes(project, entry, each)]
    others = {
        role: [(store.read, store.annotated_slices()) for store in (project.labels(entry, each) for each in features)]
        for role, features in (("negatives", negatives), ("ignored", ignored))
    }
    labels, teaching = combined(own.read, slices, boxes, others)
    if not teaching and not boxes:
        return None
    path = project.find(entry)
    origin = {"file": path.name, "fingerprint": provenance.fingerprint(path)}
    return LabelledTomogram(entry.name, project.open_tomogram(entry), labels, teaching, tuple(boxes), origin)


def _warn_of_side_views(labels: LabelStore) -> None:
    """Say so where a person has painted in XZ or YZ: no network learns from those planes as such."""
    sides = [plane for plane in labels.annotated_planes() if plane.axis != "z"]
    if sides:
        where = f"{len(sides)} planes of {labels.feature.name} on {labels.tomogram.name} were annotated in XZ or YZ"
        text = f"{where}; networks learn from XY slices: look at those that they cross, and mark them as annotated"
        warnings.warn(DataWarning(text), stacklevel=4)


def _boxes(project: Project, entry: TomogramEntry, feature: Feature) -> list[Box]:
    return [replace(box, size=box.size or feature.box_size) for box in project.boxes(entry, feature)]
