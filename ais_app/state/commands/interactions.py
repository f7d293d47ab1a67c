"""Commands about how networks act on each other: competition, colocalisation, avoidance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from ais_app.core.errors import ParameterProblem
from ais_app.core.prediction.interactions import Competition, InteractionGraph, Rule, Step
from ais_app.state.log import command
from ais_app.state.session import Session
from ais_app.state.shown_models import shown_models

COMPETITORS = "competitors"  # who ticked emit or absorb; the graph holds the competition once there are both
PARTS = ("emit", "absorb")


def graph(session: Session) -> InteractionGraph:
    """Return the interactions of the project; without steps where there are none."""
    stored = session.project.interactions
    return InteractionGraph() if stored is None else InteractionGraph.from_dict(stored)


def active_graph(session: Session) -> InteractionGraph:
    """Return the part of the interactions that concerns networks which are on: others have nothing to act on."""
    features = {model.feature for model in shown_models(session.project) if model.usable}
    return InteractionGraph(tuple(step for step in map(_limited(features), graph(session).steps) if step is not None))


def competitors(session: Session) -> tuple[set[str], set[str]]:
    """Return the features that emit and those that absorb, also those that have nobody to compete with yet."""
    steps = [step for step in graph(session).steps if isinstance(step, Competition)]
    noted = session.project.document(COMPETITORS, {})
    emit, absorb = ({*noted.get(part, []), *(n for s in steps for n in getattr(s, part))} for part in PARTS)
    return emit, absorb


@command("Let {emit} compete with {absorb}")
def set_competition(session: Session, emit: Sequence[str], absorb: Sequence[str]) -> None:
    """Say who competes; without an emitter or an absorber there is no competition. Its place in the order stays."""
    steps = list(graph(session).steps)
    places = [index for index, step in enumerate(steps) if isinstance(step, Competition)]
    rest: list[Step] = [step for step in steps if not isinstance(step, Competition)]
    if emit and absorb:
        rest.insert(places[0] if places else 0, Competition(tuple(emit), tuple(absorb)))
    noted = {"emit": list(emit), "absorb": list(absorb)} if emit or absorb else None
    with session.project.group("Change competition"):
        session.project.set_document(COMPETITORS, noted)
        _store(session, rest)


def compete(session: Session, feature: str, emit: bool | None = None, absorb: bool | None = None) -> None:
    """Let a feature take part in the competition, or no longer; what is not given stays."""
    emitters, absorbers = competitors(session)
    for names, wanted in ((emitters, emit), (absorbers, absorb)):
        if wanted is not None:
            (names.add if wanted else names.discard)(feature)
    set_competition(session, sorted(emitters), sorted(absorbers))


@command("{kind}: {child} and {parent}")
def add_rule(session: Session, kind: str, child: str, parent: str, **fields: Any) -> None:
    """Add an ``"avoid"`` or ``"colocalise"`` rule at the end; see `Rule` for threshold, radius (Å) and shape.

    Raises
    ------
    ParameterProblem
        These two have such a rule already, or are the same.
    """
    steps, rule = graph(session).steps, Rule(kind, child, parent, **fields)
    place = next((index for index, step in enumerate(steps) if _alike(step, rule)), None)
    if place is not None:
        raise ParameterProblem(
            f"{kind}: {child} and {parent}", f"is interaction {place + 1} already", "change that one instead"
        )
    _store(session, [*steps, rule])


def next_rule(session: Session) -> tuple[str, str, str] | None:
    """Return kind, child and parent of a rule that could come next; ``None`` where each pair has its rules.

    Each pair of features is proposed once to avoid each other, then to stay near, and last the other way round.
    """
    features = list(dict.fromkeys(model.feature for model in shown_models(session.project)))
    pairs = list(combinations(features, 2))
    taken = {(step.kind, step.child, step.parent) for step in graph(session).steps if isinstance(step, Rule)}
    related = {frozenset((child, parent)) for _, child, parent in taken}
    proposals = [("avoid", child, parent) for parent, child in pairs if frozenset((child, parent)) not in related]
    for ways in (pairs, [(child, parent) for parent, child in pairs]):
        proposals += [(kind, child, parent) for kind in ("avoid", "colocalise") for parent, child in ways]
    return next((rule for rule in proposals if rule not in taken), None)


def repeated(steps: Sequence[Step]) -> dict[int, int]:
    """Return the places of rules that an earlier one says already, with the place of that one (both from 0)."""
    found: dict[int, int] = {}
    for place, step in enumerate(steps):
        earlier = next((index for index in range(place) if _alike(steps[index], step)), None)
        if earlier is not None:
            found[place] = earlier
    return found


def _alike(one: Step, other: Step) -> bool:
    """Return whether two rules say the same of the same features; how near is near does not count."""
    if not isinstance(one, Rule) or not isinstance(other, Rule):
        return False
    return (one.kind, one.child, one.parent) == (other.kind, other.child, other.parent)


@command("Change interaction {step}")
def change_rule(session: Session, step: int, **fields: Any) -> None:
    """Change fields of the rule at a place (from 0)."""
    steps = list(graph(session).steps)
    rule = steps[_place(steps, step)]
    if not isinstance(rule, Rule):
        raise ParameterProblem(f"interaction {step + 1}", "is the competition", "choose who emits and who absorbs")
    steps[step] = replace(rule, **fields)
    _store(session, steps)


@command("Remove interaction {step}")
def remove_step(session: Session, step: int) -> None:
    """Remove the step at a place (from 0)."""
    steps = list(graph(session).steps)
    del steps[_place(steps, step)]
    _store(session, steps)


@command("Move interaction {step} to place {to}")
def move_step(session: Session, step: int, to: int) -> None:
    """Let the step at a place act at another place (both from 0)."""
    steps = list(graph(session).steps)
    moved = steps.pop(_place(steps, step))
    steps.insert(min(max(to, 0), len(steps)), moved)
    _store(session, steps)


def drop_unknown(session: Session) -> None:
    """Remove what names features that no network of the project predicts any more."""
    features = {model.feature for model in shown_models(session.project)}
    limit = _limited(features)
    emit, absorb = (names & features for names in competitors(session))
    _store(session, [step for step in map(limit, graph(session).steps) if step is not None])
    set_competition(session, sorted(emit), sorted(absorb))


def _limited(features: set[str]) -> Callable[[Step], Step | None]:
    """Return what cuts a step down to these features, or to nothing."""

    def limit(step: Step) -> Step | None:
        if isinstance(step, Competition):
            emit, absorb = (tuple(n for n in names if n in features) for names in (step.emit, step.absorb))
            return Competition(emit, absorb) if emit and absorb else None
        return step if set(step.features) <= features else None

    return limit


def _place(steps: list[Step], step: int) -> int:
    if not 0 <= step < len(steps):
        raise ParameterProblem(f"interaction {step + 1}", f"there are {len(steps)}", "choose one of them")
    return step


def _store(session: Session, steps: Sequence[Step]) -> None:
    session.project.interactions = InteractionGraph(tuple(steps)).to_dict() if steps else None
