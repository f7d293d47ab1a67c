"""Commands about the networks of a project: add, remove, how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ais_app.core.model.package import load_card
from ais_app.core.prediction.interactions import InteractionGraph, Rule
from ais_app.state.commands import interactions
from ais_app.state.log import command
from ais_app.state.records import ModelEntry
from ais_app.state.session import Session
from ais_app.state.shown_models import set_style, style_of


@command("Add network {path}")
def add(session: Session, path: str | Path) -> ModelEntry:
    """Add a network to the project; what its card says about competition goes into the interactions.

    Raises
    ------
    FileProblem, ModelProblem
        It is no network that can be read.
    """
    card = load_card(path)
    with session.project.group(f"Add network {Path(path).stem}"):
        entry = session.project.add_model(path)
        if card.emit or card.absorb:
            emit, absorb = interactions.competitors(session)
            emit |= {card.feature} if card.emit else set()
            absorb |= {card.feature} if card.absorb else set()
            interactions.set_competition(session, sorted(emit), sorted(absorb))
    return entry


@command("Import {models}")
def add_imported(session: Session, models: Sequence[str | Path], rules: str | Path | None = None) -> list[ModelEntry]:
    """Add networks that came from one file, and how they act on each other, as one step of undo.

    Parameters
    ----------
    session
        With a project.
    models
        Model packages.
    rules
        Interactions as JSON; those that the project has already are not doubled.
    """
    with session.project.group(f"Import {', '.join(Path(model).stem for model in models)}"):
        entries = [add(session, model) for model in models]
        known = interactions.graph(session).steps
        for step in InteractionGraph.load(rules).steps if rules is not None else ():
            if isinstance(step, Rule) and step not in known:
                values = step.to_dict()
                interactions.add_rule(session, values.pop("type"), values.pop("child"), values.pop("parent"), **values)
    return entries


@command("Remove network {model}")
def remove(session: Session, model: int) -> None:
    """Take a network out of the project; its file stays. Interactions that name its feature alone go with it."""
    project = session.project
    entry = next(entry for entry in project.models if entry.id == model)
    with project.group(f"Remove network {entry.name}"):
        project.remove_model(entry)
        interactions.drop_unknown(session)


@command("Draw network {model} with {fields}")
def change_style(session: Session, model: int, **fields: Any) -> None:
    """Change how a network is drawn: on, colour, opacity, threshold, blend; see `ModelStyle`."""
    set_style(session.project, model, replace(style_of(session.project, model), **fields))
