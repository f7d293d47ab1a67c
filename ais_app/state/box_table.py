"""The boxes of a project."""

from __future__ import annotations

from collections.abc import Iterable

from ais_app.core.annotation.boxes import Box, check_inside
from ais_app.core.errors import ProjectProblem
from ais_app.state.history import History
from ais_app.state.records import Feature, TomogramEntry


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
    """
    boxes = list(boxes)
    with history.command(f"Add {len(boxes)} boxes of {feature.name} on {tomogram.name}"):
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
        One is not in the project.
    """
    boxes = list(boxes)
    with history.command(f"Remove {len(boxes)} boxes"):
        for box in boxes:
            if box.id is None or history.get("box", (box.id,)) is None:
                raise ProjectProblem(f"box {box.id}", "is not in the project")
            history.put("box", (box.id,), None)
