"""The pick sets of a project: their names, and where their blocks are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.state.history import TABLES, History
from ais_app.state.json_text import from_text, to_text
from ais_app.state.pick_blocks import Columns, pack, unpack
from ais_app.state.records import PickSet, named

_COLUMNS = ", ".join(("id", *TABLES["pick_set"][1]))


def entries(history: History, tomogram: int) -> list[PickSet]:
    """Return the sets of a tomogram in the order in which they were added."""
    statement = f"SELECT {_COLUMNS} FROM pick_set WHERE tomogram = ? ORDER BY id"
    return [_entry(history, row) for row in history.database.rows(statement, (tomogram,))]


def all_entries(history: History) -> list[PickSet]:
    """Return the sets of all tomograms, tomogram by tomogram; one query."""
    return [
        _entry(history, row) for row in history.database.rows(f"SELECT {_COLUMNS} FROM pick_set ORDER BY tomogram, id")
    ]


def find(history: History, which: int | PickSet) -> PickSet:
    """Return a set as it is now.

    Raises
    ------
    ProjectProblem
        It is not in the project.
    """
    wanted = which.id if isinstance(which, PickSet) else int(which)
    for row in history.database.rows(f"SELECT {_COLUMNS} FROM pick_set WHERE id = ?", (wanted,)):
        return _entry(history, row)
    name = which.name if isinstance(which, PickSet) else wanted
    raise ProjectProblem(f"pick set {name}", "is not in the project", "it was removed: undo brings it back")


def add(history: History, tomogram: int, name: str, feature: int | None, source: Any) -> int:
    """Add an empty set and return its id; within a command.

    Raises
    ------
    ProjectProblem
        There is a set of this name on the tomogram already.
    """
    name = _checked(history, tomogram, name, None)
    return history.insert("pick_set", (tomogram, name, feature, to_text(source, "source of picks"), 0, 0))


def change(history: History, entry: PickSet, name: str | None, feature: int | None) -> None:
    """Rename a set, or say of which feature it is; ``None`` leaves that as it is."""
    name = entry.name if name is None else _checked(history, entry.tomogram, name, entry.id)
    row = history.get("pick_set", (entry.id,)) or ()
    with history.command(f"Change picks {entry.name}"):
        history.put("pick_set", (entry.id,), (row[0], name, row[2] if feature is None else feature, *row[3:]))


def describe(history: History, id: int, feature: int | None, source: Any) -> None:
    """Say anew of which feature a set is and how it was made; within a command."""
    tomogram, name, _, _, *others = history.get("pick_set", (id,)) or ()
    text = to_text(source, "source of picks")
    history.put("pick_set", (id,), (tomogram, name, feature, text, *others))


def count(history: History, id: int, count: int, next_pick: int) -> None:
    """Note how many picks a set has, and the id that the next one gets; within a command."""
    row = history.get("pick_set", (id,)) or ()
    history.put("pick_set", (id,), (*row[:4], count, next_pick))


def next_pick(history: History, id: int) -> int:
    """Return the id that the next pick of a set gets."""
    return int((history.get("pick_set", (id,)) or (0,))[-1])


def remove(history: History, entry: PickSet) -> None:
    """Remove a set with its picks."""
    with history.command(f"Remove picks {entry.name}"):
        for number in numbers(history, entry):
            history.put("pick_block", (entry.tomogram, entry.id, number), None)
        history.put("pick_set", (entry.id,), None)


def numbers(history: History, entry: PickSet) -> list[int]:
    """Return the numbers of the blocks of a set, rising."""
    statement = "SELECT number FROM pick_block WHERE tomogram = ? AND pick_set = ? ORDER BY number"
    return [number for (number,) in history.database.rows(statement, (entry.tomogram, entry.id))]


def blocks(history: History, entry: PickSet) -> list[tuple[np.ndarray, Columns]]:
    """Return the contents of all blocks of a set, in their order."""
    statement = "SELECT data FROM pick_block WHERE tomogram = ? AND pick_set = ? ORDER BY number"
    rows = history.database.rows(statement, (entry.tomogram, entry.id))
    return [unpack(data, history.database.path) for (data,) in rows]


def rescale(history: History, tomogram: int, factors_zyx: np.ndarray) -> None:
    """Multiply the positions of all picks of a tomogram by (3,) factors; within a command."""
    where = "SELECT pick_set, number, data FROM pick_block WHERE tomogram = ?"
    for pick_set, number, data in history.database.rows(where, (tomogram,)):
        records, columns = unpack(data, history.database.path)
        records["zyx"] *= factors_zyx
        history.put("pick_block", (tomogram, pick_set, number), (pack(records, columns),))


def _checked(history: History, tomogram: int, name: str, own: int | None) -> str:
    name = name.strip()
    if not name:
        raise ParameterProblem("picks", "have no name", "give them one")
    known = {entry.name: entry.id for entry in entries(history, tomogram)}
    if known.get(name, own) != own:
        raise ProjectProblem(f"picks {name}", "are there already", f"choose another name; there are: {named(known)}")
    return name


def _entry(history: History, row: tuple[Any, ...]) -> PickSet:
    id, tomogram, name, feature, source, count, _ = row
    return PickSet(id, tomogram, name, feature, from_text(source, history.database.path, "pick set"), count)
