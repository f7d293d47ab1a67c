"""Classes of particles: names with colours, kept in the project and part of its history.

A pick says its class by name, in its column ``class_name``, and whether it was rejected in its column ``rejected``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.core.errors import ParameterProblem

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles
    from ais_app.state.pick_blocks import Picks
    from ais_app.state.project import Project

DOCUMENT = "particle classes"
CLASS, REJECTED = "class_name", "rejected"  # columns of picks
REJECTED_COLOUR = "#7d838a"


def classes(project: Project) -> dict[str, str]:
    """Return the classes, name to ``#rrggbb``, in the order in which they were made."""
    found = project.document(DOCUMENT, {})
    return {str(name): str(colour) for name, colour in found.items()} if isinstance(found, dict) else {}


def ensure_class(project: Project, name: str) -> str:
    """Return the name of a class as it is kept; one that is new gets the next colour. Within a group.

    Raises
    ------
    ParameterProblem
        The name is empty.
    """
    name = name.strip()
    if not name:
        raise ParameterProblem("class", "has no name", "give it one")
    known = classes(project)
    if name not in known:
        project.set_document(DOCUMENT, {**known, name: _next_colour(project, known)})
    return name


def marks(columns: Mapping[str, list[Any]], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which picks are rejected, (n,) bool, and their classes, (n,) of str, empty for none."""
    rejected, names = np.zeros(count, dtype=bool), np.full(count, "", dtype=object)
    if REJECTED in columns:
        rejected[:] = [value is True for value in columns[REJECTED]]
    if CLASS in columns:
        names[:] = [value if isinstance(value, str) else "" for value in columns[CLASS]]
    return rejected, names


def colours_of(picks: Picks, known: Mapping[str, str], other: str) -> tuple[str, ...] | None:
    """Return the colour of each pick: of its class, grey where it was rejected, `other` without a class.

    ``None`` where all have the latter.
    """
    if CLASS not in picks.columns and REJECTED not in picks.columns:
        return None
    rejected, names = marks(picks.columns, len(picks))
    found = zip(rejected.tolist(), names.tolist(), strict=True)
    return tuple(REJECTED_COLOUR if gone else known.get(name, other) for gone, name in found)


def kept(particles: Particles) -> Particles:
    """Return picks without those that were rejected, and without the column that says so."""
    if REJECTED not in particles.table.columns:
        return particles
    found = particles[np.array([value is not True for value in particles.table[REJECTED].tolist()], dtype=bool)]
    return replace(found, table=found.table.drop(columns=REJECTED))


def _next_colour(project: Project, known: Mapping[str, str]) -> str:
    """Return the first colour of the sequence that no feature and no class has."""
    taken = {feature.colour.upper() for feature in project.features} | {colour.upper() for colour in known.values()}
    free = [colour for colour in FEATURE_COLOURS if colour.upper() not in taken]
    return free[0] if free else FEATURE_COLOURS[len(known) % len(FEATURE_COLOURS)]
