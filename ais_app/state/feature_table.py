"""The features of a project: what there is to annotate."""

from __future__ import annotations

import re
from typing import Any

from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.state.history import History
from ais_app.state.records import Feature
from ais_app.state.tomogram_table import remove_annotations

# Okabe and Ito (2008), https://jfly.uni-koeln.de/color: told apart with any colour vision. Their black is left out
# (tomograms are dark), and yellow comes late (it hides on bright slices).
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2", "#F0E442")

BOX_SIZE = 64  # voxels; multiples of 32 fit every architecture
FORBIDDEN = re.compile(r'[\x00-\x1f/\\:*?"<>|]')  # a name becomes part of file names on every system


def entries(history: History) -> list[Feature]:
    """Return all features in the order in which they were added."""
    return [
        Feature(*row) for row in history.database.rows("SELECT id, name, colour, box_size FROM feature ORDER BY id")
    ]


def add(history: History, name: str, colour: str | None = None, box_size: int = BOX_SIZE) -> Feature:
    """Add a feature; the colour is the next of a sequence that is safe for colour-blind people.

    Raises
    ------
    ProjectProblem
        There is one of this name already.
    ParameterProblem
        The name, colour or box size cannot be used.
    """
    known = entries(history)
    taken = [feature.colour.upper() for feature in known]
    fresh = min(COLOURS, key=taken.count)
    values = _checked(name, colour or fresh, box_size)
    if any(feature.name == values[0] for feature in known):
        raise ProjectProblem(f"feature {name}", "is in the project already", "choose another name")
    with history.command(f"Add feature {values[0]}"):
        history.insert("feature", values)
    return find(history, values[0])


def find(history: History, which: str | int | Feature) -> Feature:
    """Return a feature by its name or id.

    Raises
    ------
    ProjectProblem
        There is none; the known ones are named.
    """
    wanted = which.id if isinstance(which, Feature) else which
    known = entries(history)
    for feature in known:
        if wanted in (feature.id, feature.name):
            return feature
    names = ", ".join(feature.name for feature in known) or "none yet"
    raise ProjectProblem(f"feature {wanted}", "is not in the project", f"there are: {names}")


def change(
    history: History,
    feature: Feature,
    *,
    name: str | None = None,
    colour: str | None = None,
    box_size: int | None = None,
) -> Feature:
    """Rename a feature, recolour it, or set the size of its boxes."""
    values = _checked(name or feature.name, colour or feature.colour, box_size or feature.box_size)
    if any(other.name == values[0] and other.id != feature.id for other in entries(history)):
        raise ProjectProblem(f"feature {values[0]}", "is in the project already", "choose another name")
    with history.command(f"Change feature {feature.name}"):
        history.put("feature", (feature.id,), values)
    return find(history, feature.id)


def remove(history: History, feature: Feature) -> None:
    """Remove a feature with all its labels and boxes."""
    with history.command(f"Remove feature {feature.name}"):
        remove_annotations(history, "feature", feature.id)
        history.put("feature", (feature.id,), None)


def _checked(name: str, colour: str, box_size: int) -> tuple[Any, ...]:
    name = name.strip()
    if not name or FORBIDDEN.search(name) or name in {".", ".."} or "__" in name or len(name) > 100:
        remedy = "use up to 100 letters, digits, spaces, - . _, but no two underscores in a row"
        raise ParameterProblem("feature", f"{name!r} cannot be a name: it becomes part of file names", remedy)
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise ParameterProblem("colour", f"{colour!r} is not a colour", "give it as #rrggbb")
    if not 1 <= box_size <= 4096:
        raise ParameterProblem("box size", f"{box_size} voxels", "choose 1 to 4096")
    return name, colour, int(box_size)
