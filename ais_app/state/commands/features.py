"""Commands about features: add, change, choose, remove."""

from __future__ import annotations

from typing import Any

from ais_app.state.log import command
from ais_app.state.records import Feature
from ais_app.state.session import Session


@command("Add feature {name}")
def add(session: Session, name: str, colour: str | None = None) -> Feature:
    """Add a feature and choose it; without a `colour` it gets the next of a colour-blind-safe sequence."""
    feature = session.project.add_feature(name, colour)
    session.view.feature = feature.id
    return feature


@command("Change feature {feature}")
def change(session: Session, feature: int, **fields: Any) -> Feature:
    """Change its name, colour, box size, brush and so on; see `Project.change_feature`."""
    return session.project.change_feature(feature, **fields)


@command("Remove feature {feature}")
def remove(session: Session, feature: int) -> None:
    """Remove a feature with its labels and boxes in all tomograms, as one step of undo."""
    session.project.remove_feature(feature)
    if session.view.feature == feature:
        left = session.project.features
        session.view.feature = left[0].id if left else None


def choose(session: Session, feature: int | None) -> None:
    """Choose the feature that is annotated."""
    session.view.feature = None if feature is None else session.project.feature(feature).id


def choose_number(session: Session, number: int) -> None:
    """Choose a feature by its place in the list, from 1; a number that is not there does nothing."""
    features = session.project.features
    if 1 <= number <= len(features):
        session.view.feature = features[number - 1].id


def choose_neighbour(session: Session, step: int) -> None:
    """Choose the next (1) or previous (-1) feature of the list."""
    ids = [feature.id for feature in session.project.features]
    if ids:
        place = ids.index(session.view.feature) + step if session.view.feature in ids else 0
        session.view.feature = ids[min(max(place, 0), len(ids) - 1)]
