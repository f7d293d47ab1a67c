"""Commands about features: add, change, choose, remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ais_app.state.log import command
from ais_app.state.records import Feature
from ais_app.state.session import Session
from ais_app.state.settings import Settings

# what is annotated most, with a brush (Å) and a box (voxels) to begin with; a person's own styles come first
LIBRARY: dict[str, dict[str, Any]] = {
    "Membrane": {"brush_radius": 40.0, "box_size": 64},
    "Ribosome": {"brush_radius": 120.0, "box_size": 64},
    "Microtubule": {"brush_radius": 120.0, "box_size": 64},
    "Actin": {"brush_radius": 40.0, "box_size": 64},
    "Vesicle": {"brush_radius": 200.0, "box_size": 96},
    "Mitochondrion": {"brush_radius": 400.0, "box_size": 128},
    "Gold bead": {"brush_radius": 60.0, "box_size": 32},
}
STYLE = ("colour", "brush_radius", "opacity", "outline", "box_size")  # what a named style keeps


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


@command("Move feature {feature} to place {place}")
def move(session: Session, feature: int, place: int) -> None:
    """Move a feature to a place in the list, counted from 0."""
    session.project.move_feature(feature, place)


def show_as(session: Session, feature: int, **fields: Any) -> None:
    """Change how a feature is shown and painted: not noted, for a slider calls it at every step."""
    session.project.change_feature(feature, **fields)


# the feature library


def proposals(session: Session, settings: Settings) -> list[str]:
    """Return the names of the library that the project does not have yet, a person's own first."""
    taken = {feature.name.lower() for feature in session.project.features} if session.has_project else set()
    names = dict.fromkeys([*settings.feature_styles, *LIBRARY])
    return [name for name in names if name.lower() not in taken]


def keep_style(settings: Settings, feature: Feature) -> None:
    """Keep how a feature looks in the library under its name, for other projects."""
    settings.feature_styles = {**settings.feature_styles, feature.name: {key: getattr(feature, key) for key in STYLE}}


def forget_style(settings: Settings, name: str) -> None:
    """Take a style out of the library."""
    settings.feature_styles = {known: style for known, style in settings.feature_styles.items() if known != name}


def style_named(settings: Settings, name: str) -> dict[str, Any]:
    """Return the style that the library has for a name, whatever its capitals; empty where it has none."""
    styles: Mapping[str, Mapping[str, Any]] = {**LIBRARY, **settings.feature_styles}
    found = {known.lower(): style for known, style in styles.items()}.get(name.strip().lower(), {})
    return {key: value for key, value in found.items() if key in STYLE}


@command("Use the style {style} for feature {feature}")
def use_style(session: Session, feature: int, style: Mapping[str, Any]) -> Feature:
    """Give a feature a style of the library."""
    return session.project.change_feature(feature, **style)


def add_styled(session: Session, name: str, settings: Settings) -> Feature:
    """Add a feature and choose it, with the style that the library has for its name; one step of undo."""
    style = style_named(settings, name)
    with session.project.group(f"Add feature {name.strip()}"):
        feature = add(session, name, style.get("colour"))
        return use_style(session, feature.id, style) if style else feature
