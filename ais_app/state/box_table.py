"""The boxes of a project."""

from __future__ import annotations

from collections.abc import Iterable
from types import EllipsisType
from typing import Any

from ais_app.core.annotation.boxes import Box, check_inside
from ais_app.core.errors import ProjectProblem
from ais_app.core.tomogram import ZYX
from ais_app.state.feature_table import refuse_locked
from ais_app.state.history import History
from ais_app.state.records import Feature, TomogramEntry
from ais_app.state.tomogram_table import find_entry


def entries(history: History, tomogram: TomogramEntry, feature: Feature) -> list[Box]:
    """Return the boxes of a feature in a tomogram, in the order in which they were placed."""
    where = "tomogram = ? AND feature = ? ORDER BY id"
    rows = history.database.rows(f"SELECT id, z, y, x, size FROM box WHERE {where}", (tomogram.id, feature.id))
    return [Box((z, y, x), size, id) for id, z, y, x, size in rows]


def add(history: History, tomogram: TomogramEntry, feature: Feature, boxes: Iterable[Box]) -> list[Box]:
    """Place boxes as one step of undo; return them with their ids.

    Raises
    ------
    ParameterProblem
        The centre of one is not in the tomogram; then none is placed.
    ProjectProblem
        The feature is locked.
    """
    boxes = list(boxes)
    with history.command(f"Add {len(boxes)} boxes of {feature.name} on {tomogram.name}"):
        refuse_locked(history, feature.id)
        placed = []
        for box in boxes:
            check_inside(box, tomogram.shape, tomogram.name)
            id = history.insert("box", (tomogram.id, feature.id, *box.centre_zyx, box.size))
            placed.append(Box(box.centre_zyx, box.size, id))
    return placed


def remove(history: History, boxes: Iterable[Box]) -> None:
    """Remove boxes as one step of undo.

    Raises
    ------
    ProjectProblem
        One is not in the project, or its feature is locked; then none is removed.
    """
    boxes = list(boxes)
    with history.command(f"Remove {len(boxes)} boxes"):
        for box in boxes:
            _row(history, box)
            history.put("box", (box.id,), None)


def change(history: History, box: Box, centre_zyx: ZYX | None = None, size: int | EllipsisType | None = ...) -> Box:
    """Move or resize a box as one step of undo; return it as it is now.

    Raises
    ------
    ParameterProblem
        The new centre is not in the tomogram.
    ProjectProblem
        It is not in the project, or its feature is locked.
    """
    tomogram_id, feature_id, z, y, x, old_size = _row(history, box)
    tomogram = find_entry(history, tomogram_id)
    new_size = old_size if isinstance(size, EllipsisType) else size
    changed = Box((z, y, x) if centre_zyx is None else centre_zyx, new_size, box.id)
    check_inside(changed, tomogram.shape, tomogram.name)
    with history.command(f"{'Move' if new_size == old_size else 'Resize'} a box on {tomogram.name}"):
        history.put("box", (box.id,), (tomogram_id, feature_id, *changed.centre_zyx, changed.size))
    return changed


def _row(history: History, box: Box) -> tuple[Any, ...]:
    """Return the row of a box that may be changed."""
    row = None if box.id is None else history.get("box", (box.id,))
    if row is None:
        raise ProjectProblem(f"box {box.id}", "is not in the project", "it was removed: undo brings it back")
    refuse_locked(history, row[1])
    return row
