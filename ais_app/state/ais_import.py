"""Take the annotations of an Ais session into a project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.ais.session import AisFeature, AisSession, read_ais_session
from ais_app.core.annotation.boxes import Box
from ais_app.core.annotation.labels import Plane
from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.core.tomogram import tomogram_name
from ais_app.state.feature_table import FORBIDDEN
from ais_app.state.records import Feature, TomogramEntry

if TYPE_CHECKING:
    from ais_app.state.project import Project


def import_ais(project: Project, session_path: Path) -> TomogramEntry:
    """Import a session as one step of undo; see `Project.import_ais`."""
    session = read_ais_session(session_path)
    with project.group(f"Import {session_path.name}"):
        entry = _tomogram(project, session)
        if entry.shape != session.shape:
            problem = f"is of {session.shape} voxels, but {entry.name} has {entry.shape}"
            raise ParameterProblem(session_path, problem, "add the tomogram it was made on")
        for part in session.features:
            feature = _feature(project, part)
            _labels(project, entry, feature, part)
            _boxes(project, entry, feature, part)
    return entry


def _tomogram(project: Project, session: AisSession) -> TomogramEntry:
    """Return the tomogram of that name; else add it from beside the session, beside the project, or as stored."""
    stored = PureWindowsPath(session.tomogram)  # splits at both kinds of slash
    name = tomogram_name(stored.name) if stored.name else tomogram_name(session.title)
    for entry in project.tomograms:
        if entry.name == name:
            return entry
    for place in _places(project, session, stored.name or f"{session.title}.mrc"):
        if place.exists():
            entry = project.add_tomogram(place)
            if entry.voxel_size_zyx is None and session.voxel_size is not None:
                project.set_voxel_size(entry, (session.voxel_size,) * 3)
            return project.tomogram(entry.id)
    remedy = "put it beside the session, or open it too (in a terminal: ais-app project add)"
    raise ProjectProblem(session.path, f"its tomogram {session.tomogram or session.title} is not there", remedy)


def _places(project: Project, session: AisSession, file_name: str) -> Iterator[Path]:
    yield session.path.parent / file_name
    yield project.folder / file_name
    if session.tomogram:
        yield Path(session.tomogram)


def _feature(project: Project, part: AisFeature) -> Feature:
    """Return the feature of that name; a new one gets the session's colour and box size."""
    name = re.sub("__+", "_", FORBIDDEN.sub("-", part.name)).strip()[:100] or "feature"
    for known in project.features:
        if known.name == name:
            return known
    colour = "#" + "".join(f"{round(channel * 255):02x}" for channel in part.colour)
    return project.add_feature(name, colour, part.box_size)


def _labels(project: Project, entry: TomogramEntry, feature: Feature, part: AisFeature) -> None:
    labels = project.labels(entry, feature)
    everything = slice(None)
    for z, mask in part.slices.items():
        labels.write((slice(z, z + 1), everything, everything), mask[np.newaxis], [Plane("z", z)])


def _boxes(project: Project, entry: TomogramEntry, feature: Feature, part: AisFeature) -> None:
    """Place the boxes that are not there yet, so that importing twice changes nothing."""
    known = {box.centre_zyx for box in project.boxes(entry, feature)}
    size = part.box_size if part.box_size != feature.box_size else None
    centres = [(float(z), float(y), float(x)) for z, pairs in part.boxes.items() for x, y in pairs]
    fresh = [Box(centre, size) for centre in dict.fromkeys(centres) if centre not in known]
    if fresh:
        project.add_boxes(entry, feature, fresh)
