"""The features of a project: what there is to annotate.

What a feature *is* (name, colour, box size, lock, place in the list) is part of the history. How it is shown (visible,
opacity, outline, brush radius) is a display setting: looking at something must not fill the undo menu.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.state.display_table import DisplayTable
from ais_app.state.history import History
from ais_app.state.records import Feature, named
from ais_app.state.tomogram_table import remove_annotations

BOX_SIZE = 64  # voxels; multiples of 32 fit every architecture
FORBIDDEN = re.compile(r'[\x00-\x1f/\\:*?"<>|]')  # a name becomes part of file names on every system
_KEPT = ("name", "colour", "box_size", "locked")  # what a feature is
SHOWN = ("brush_radius", "opacity", "outline", "visible")  # how a feature is shown
STYLE = "feature/"  # name of the display setting, before the id

_MOST_RADIUS = 1e5  # Å: wider than any tomogram


def entries(history: History, display: DisplayTable) -> list[Feature]:
    """Return all features in the order of the list."""
    columns = "id, name, colour, box_size, locked"
    rows = history.database.rows(f"SELECT {columns} FROM feature ORDER BY coalesce(position, id), id")
    styles = display.starting_with(STYLE)
    found = []
    for order, (id, name, colour, box_size, locked) in enumerate(rows):
        style = {key: value for key, value in styles.get(str(id), {}).items() if key in SHOWN}
        found.append(Feature(id, name, colour, box_size, locked=bool(locked), order=order, **style))
    return found


def add(
    history: History, display: DisplayTable, name: str, colour: str | None = None, box_size: int = BOX_SIZE
) -> Feature:
    """Add a feature; the colour is the next of a sequence that is safe for colour-blind people.

    Raises
    ------
    ProjectProblem
        There is one of this name already, or one whose files would have the same names.
    ParameterProblem
        The name, colour or box size cannot be used.
    """
    known = entries(history, display)
    taken = [feature.colour.upper() for feature in known]
    fresh = min(FEATURE_COLOURS, key=taken.count)
    values = _checked(name, colour or fresh, box_size)
    _refuse_taken(values[0], known)
    with history.command(f"Add feature {values[0]}"):
        id = history.insert("feature", (*values, 0, None))
    return find(history, display, id)


def find(history: History, display: DisplayTable, which: str | int | Feature) -> Feature:
    """Return a feature by its name or id.

    Raises
    ------
    ProjectProblem
        There is none; the known ones are named.
    """
    wanted = which.id if isinstance(which, Feature) else which
    known = entries(history, display)
    for feature in known:
        if wanted in (feature.id, feature.name):
            return feature
    names = named(feature.name for feature in known) or "none yet"
    raise ProjectProblem(f"feature {wanted}", "is not in the project", f"there are: {names}")


def change(history: History, display: DisplayTable, feature: Feature, fields: dict[str, Any]) -> bool:
    """Change fields of a feature; those that are ``None`` stay.

    Returns
    -------
    bool
        Whether it is shown otherwise than before, of which the history does not tell.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    new: dict[str, Any] = {name: given.get(name, getattr(feature, name)) for name in _KEPT}
    values = _checked(new["name"], new["colour"], new["box_size"])
    style = _checked_style({name: given.get(name, getattr(feature, name)) for name in SHOWN})
    if values[0] != feature.name:  # projects of earlier versions may hold names that differ in case alone
        _refuse_taken(values[0], [other for other in entries(history, display) if other.id != feature.id])
    before = history.get("feature", (feature.id,)) or ()
    after = (*values, int(new["locked"]), *before[len(values) + 1 :])
    if after != before:
        with history.command(_title(feature, new)):
            history.put("feature", (feature.id,), after)
    if all(style[name] == getattr(feature, name) for name in SHOWN):
        return False
    display.put(f"{STYLE}{feature.id}", style)
    return True


def move(history: History, display: DisplayTable, feature: Feature, position: int) -> None:
    """Move a feature to a place in the list, counted from 0; those between make room.

    Raises
    ------
    ParameterProblem
        There is no such place.
    """
    known = entries(history, display)
    if not 0 <= position < len(known):
        raise ParameterProblem("position", f"{position} is no place in the list", f"give 0 to {len(known) - 1}")
    ids = [other.id for other in known if other.id != feature.id]
    ids.insert(position, feature.id)
    # the places that are taken now, in order: a feature that is added later has a larger id and comes last
    places = history.database.rows("SELECT coalesce(position, id) FROM feature ORDER BY 1, id")
    with history.command(f"Move feature {feature.name}"):
        for id, (place,) in zip(ids, places, strict=True):
            *values, now = history.get("feature", (id,)) or ()
            if (now or id) != place:
                history.put("feature", (id,), (*values, place))


def remove(history: History, feature: Feature) -> None:
    """Remove a feature with all its labels and boxes; picks stay, without a feature.

    Raises
    ------
    ProjectProblem
        It is locked.
    """
    with history.command(f"Remove feature {feature.name}"):
        refuse_locked(history, feature.id)
        remove_annotations(history, "feature", feature.id)
        for (id,) in history.database.rows("SELECT id FROM pick_set WHERE feature = ?", (feature.id,)):
            tomogram, name, _, *others = history.get("pick_set", (id,)) or ()
            history.put("pick_set", (id,), (tomogram, name, None, *others))
        history.put("feature", (feature.id,), None)


def refuse_locked(history: History, feature: int) -> None:
    """Raise `ProjectProblem` when a feature must not be annotated: it is locked, or no longer there."""
    rows = history.database.rows("SELECT name, locked FROM feature WHERE id = ?", (feature,))
    if not rows:
        raise ProjectProblem(f"feature {feature}", "is not in the project", "it was removed: undo brings it back")
    name, locked = rows[0]
    if locked:
        raise ProjectProblem(f"feature {name}", "is locked", "unlock it to change its labels and boxes")


def _refuse_taken(name: str, others: list[Feature]) -> None:
    for other in others:
        if other.name == name:
            raise ProjectProblem(f"feature {name}", "is in the project already", "choose another name")
        if _in_files(other.name) == _in_files(name):
            problem = f"would have the same files as {other.name} on macOS and Windows, where case makes no difference"
            raise ProjectProblem(f"feature {name}", problem, "choose another name")


def _in_files(name: str) -> str:
    """Return what names of files have in common that these systems take for one."""
    return unicodedata.normalize("NFC", name).lower()


def _title(feature: Feature, new: dict[str, Any]) -> str:
    if new["locked"] != feature.locked:
        return f"{'Lock' if new['locked'] else 'Unlock'} feature {feature.name}"
    return f"Change feature {feature.name}"


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


def _checked_style(style: dict[str, Any]) -> dict[str, Any]:
    radius, opacity = float(style["brush_radius"]), float(style["opacity"])
    if not (math.isfinite(radius) and 0 < radius <= _MOST_RADIUS):
        raise ParameterProblem("brush radius", f"{radius:g} Å", f"choose more than 0 and at most {_MOST_RADIUS:g} Å")
    if not 0 <= opacity <= 1:
        raise ParameterProblem("opacity", f"{opacity:g}", "choose 0 (not seen) to 1")
    return {
        "brush_radius": radius,
        "opacity": opacity,
        "outline": bool(style["outline"]),
        "visible": bool(style["visible"]),
    }
