"""Commands about what to annotate next: a queue of slices that networks are unsure of, kept with the project.

operations.suggest ─► keep ─► queue ─► jump ─► accept (prediction becomes label) or paint ─► it leaves the queue
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.state.commands import features, tomograms
from ais_app.state.commands.labels_in import take_slice
from ais_app.state.log import command
from ais_app.state.project import Project
from ais_app.state.records import Feature
from ais_app.state.session import Session
from ais_app.state.shown_models import features_found

if TYPE_CHECKING:  # torch, below it, takes seconds to import
    from ais_app.core.training.suggest import Suggestion

DOCUMENT = "suggestions"

Part = tuple[int, int, int, int]  # y0, y1, x0, x1


@dataclass(frozen=True)
class Suggested:
    """A slice or a part of one that waits to be annotated.

    Parameters
    ----------
    tomogram
        Id in the project.
    z
        Slice.
    feature
        Name of the feature that is least certain there, as the networks call it; see `features_found`.
    uncertainty
        0 to 1.
    part
        (y0, y1, x0, x1) voxels; ``None`` for the whole slice.
    """

    tomogram: int
    z: int
    feature: str
    uncertainty: float
    part: tuple[int, int, int, int] | None = None


def queue(session: Session) -> list[Suggested]:
    """Return what waits, best first; what was annotated meanwhile or has gone is left out."""
    if not session.has_project:
        return []
    project = session.project
    kept = [_from_dict(values) for values in project.display(DOCUMENT, [])]
    if not kept:
        return []
    known, found = {entry.id for entry in project.tomograms}, features_found(project)
    return [
        each for each in kept if each.tomogram in known and not _is_annotated(project, each, found.get(each.feature))
    ]


def _is_annotated(project: Project, suggested: Suggested, feature: Feature | None) -> bool:
    """Return whether the slice is annotated for the feature by now."""
    return feature is not None and suggested.z in project.labels(suggested.tomogram, feature).annotated_slices()


def keep(session: Session, found: Sequence[Suggestion]) -> None:
    """Keep suggestions as the queue, in place of those before."""
    project = session.project
    known = {entry.name: entry for entry in project.tomograms}
    project.set_display(
        DOCUMENT,
        [
            asdict(
                Suggested(
                    known[each.tomogram].id,
                    each.z,
                    each.feature,
                    each.uncertainty,
                    _part(each.centre_yx, each.size_yx, known[each.tomogram].shape),
                )
            )
            for each in found
            if each.tomogram in known
        ],
    )


def _part(
    centre: tuple[int, int] | None, size: tuple[int, int] | None, shape: tuple[int, int, int]
) -> tuple[int, int, int, int] | None:
    if centre is None or size is None:
        return None
    (y0, y1), (x0, x1) = (
        (max(0, middle - width // 2), min(most, middle - width // 2 + width))
        for middle, width, most in zip(centre, size, shape[1:], strict=True)
    )
    return y0, y1, x0, x1


def _from_dict(values: dict[str, Any]) -> Suggested:
    part = values.get("part")
    return Suggested(**{**values, "part": None if part is None else tuple(part)})


def jump(session: Session, suggested: Suggested) -> None:
    """Bring the slice into view, with its feature chosen."""
    tomograms.show(session, suggested.tomogram)
    if suggested.part is None:
        tomograms.go_to(session, z=suggested.z)
    else:
        y0, y1, x0, x1 = suggested.part
        tomograms.go_to(session, z=suggested.z, y=(y0 + y1) // 2, x=(x0 + x1) // 2)
    feature = features_found(session.project).get(suggested.feature)
    if feature is not None:
        session.view.feature = feature.id


def is_in_view(session: Session, suggested: Suggested) -> bool:
    """Return whether its slice is in view."""
    return (session.view.tomogram, session.view.z) == (suggested.tomogram, suggested.z)


@command("Skip slice {z} of tomogram {tomogram}")
def skip(session: Session, tomogram: int, z: int, part: Part | None = None) -> None:
    """Take a slice, or a part of it, out of the queue."""
    gone = tomogram, z, None if part is None else tuple(part)
    left = [each for each in queue(session) if (each.tomogram, each.z, each.part) != gone]
    session.project.set_display(DOCUMENT, [asdict(each) for each in left])


def accept(
    session: Session,
    suggested: Suggested,
    plane: np.ndarray,
    corner_yx: tuple[int, int],
    threshold: float | None = None,
) -> None:
    """Take what networks predict of its slice as labels, (h, w) 0 … 1 from `corner_yx` on; it becomes annotated.

    Raises
    ------
    ParameterProblem
        Another slice is in view: nobody has seen what would be accepted.
    ProjectProblem
        The feature is locked or hidden.
    """
    if not is_in_view(session, suggested):
        raise ParameterProblem(f"slice {suggested.z}", "is not in view", "look at it before it is accepted")
    with session.project.group(f"Accept the prediction of {suggested.feature} on slice {suggested.z}"):
        feature = features_found(session.project).get(suggested.feature)
        if feature is not None:
            session.view.feature = feature.id
        else:
            features.add(session, suggested.feature)
        take_slice(session, plane, suggested.z, corner_yx, threshold)
