"""Commands about training boxes: place, move, resize, remove."""

from __future__ import annotations

from collections.abc import Sequence

from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import ProjectProblem
from ais_app.core.tomogram import ZYX
from ais_app.state.commands.annotate import target_feature
from ais_app.state.log import command
from ais_app.state.session import Session

SMALLEST = 4  # voxels: an edge that is dragged stops there


@command("Place a box at {centre_zyx}")
def place(session: Session, centre_zyx: ZYX, size: int | None = None) -> Box:
    """Place a box of the chosen feature on the tomogram in view; without a `size` it has the feature's own."""
    entry, feature = target_feature(session)
    (box,) = session.project.add_boxes(entry, feature, [Box(centre_zyx, size)])
    return box


@command("Move box {box} to {centre_zyx}")
def move(session: Session, box: int, centre_zyx: ZYX) -> None:
    """Move a box of the tomogram in view."""
    session.project.change_box(find(session, box)[0], centre_zyx=centre_zyx)


@command("Resize box {box} to {size}")
def resize(session: Session, box: int, size: int, centre_zyx: ZYX | None = None) -> None:
    """Give a box of the tomogram in view another size, and another centre where one is given."""
    session.project.change_box(find(session, box)[0], size=max(int(size), SMALLEST), centre_zyx=centre_zyx)


@command("Remove boxes {boxes}")
def remove(session: Session, boxes: Sequence[int]) -> None:
    """Remove boxes of the tomogram in view, as one step of undo."""
    session.project.remove_boxes([find(session, box)[0] for box in boxes])


def find(session: Session, id: int) -> tuple[Box, int]:
    """Return a box of the tomogram in view by its number, and the id of its feature; raises `ProjectProblem`."""
    for box, feature in boxes_in_view(session):
        if box.id == id:
            return box, feature
    raise ProjectProblem(f"box {id}", "is not on the tomogram in view", "it was removed: undo brings it back")


def boxes_in_view(session: Session) -> list[tuple[Box, int]]:
    """Return the boxes of all visible features on the tomogram in view with their features, the chosen one first."""
    entry = session.tomogram
    if entry is None:
        return []
    features = sorted(session.project.features, key=lambda feature: feature.id != session.view.feature)
    return [(box, known.id) for known in features if known.visible for box in session.project.boxes(entry, known)]
