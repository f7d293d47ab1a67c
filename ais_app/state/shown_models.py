"""The networks of a project as the window shows them: on or off, colour, threshold, opacity, blend, of which feature.

A network keeps the name that its feature had when it was trained. Predictions and interactions go by that name; which
feature of the project it stands for now is told by `ShownModel.found`, `features_found` and `name_in_networks`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_card
from ais_app.state.project import Project
from ais_app.state.records import Feature, ModelEntry, Run

DOCUMENT = "models"
BLENDS = ("overlay", "contour", "heat")


@dataclass(frozen=True)
class ModelStyle:
    """How the prediction of a model is drawn.

    Parameters
    ----------
    on
        It is predicted and drawn.
    colour
        ``#rrggbb``; ``None`` for that of the feature.
    opacity, threshold
        0 to 1; a threshold of ``None`` is that of the model's card.
    blend
        One of `BLENDS`.
    """

    on: bool = True
    colour: str | None = None
    opacity: float = 0.7
    threshold: float | None = None
    blend: str = "overlay"

    def __post_init__(self) -> None:
        for name in ("opacity", "threshold"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ParameterProblem(name, f"{value} is out of bounds", "choose 0 to 1")
        if self.blend not in BLENDS:
            raise ParameterProblem("blend", f"{self.blend!r} is not known", f"choose {', '.join(BLENDS)}")


@dataclass(frozen=True)
class ShownModel:
    """A network with its style.

    Parameters
    ----------
    entry
        What the project notes about it.
    card
        What the file says about itself; ``None`` where it cannot be read, and `problem` says why.
    style
        How it is drawn.
    colour, threshold
        Those that count: of the style, else of the project's feature, else of the card.
    found
        The feature of the project that it finds: the one that it was trained on here, whatever that is called now, else
        the one of the same name; ``None`` where there is none.
    """

    entry: ModelEntry
    card: ModelCard | None
    style: ModelStyle
    colour: str
    threshold: float
    problem: str = ""
    found: Feature | None = None

    @property
    def feature(self) -> str:
        """What it finds, by the name that it was trained with; its own name where the file cannot be read."""
        return self.card.feature if self.card is not None else self.entry.name

    @property
    def label(self) -> str:
        """What it finds, by the name that this has in the project now."""
        return self.found.name if self.found is not None else self.feature

    @property
    def usable(self) -> bool:
        """Whether it is on and can be read."""
        return self.style.on and self.card is not None


def shown_models(project: Project) -> list[ShownModel]:
    """Return all networks of a project in the order in which they were added."""
    styles, features = project.display(DOCUMENT, {}), project.features
    runs = _runs(project)
    return [_shown(entry, ModelStyle(**styles.get(str(entry.id), {})), features, runs) for entry in project.models]


def features_found(project: Project) -> dict[str, Feature]:
    """Return the features of the project by the names of predictions: those of the networks, then their own."""
    features = project.features
    named = {feature.name: feature for feature in features}
    in_turn = sorted(shown_models(project), key=lambda shown: shown.usable)  # those that are on count most
    of_networks = {shown.feature: shown.found for shown in in_turn if shown.found is not None}
    return named | dict(_in_training(project, features)) | of_networks


def name_in_networks(project: Project, feature: Feature, *, training: bool = False) -> str | None:
    """Return the name by which the networks that are on predict a feature; ``None`` where none finds it.

    Parameters
    ----------
    project
        Open.
    feature
        Of it.
    training
        Networks that are being trained count too.

    Raises
    ------
    ParameterProblem
        Networks of other features have the name too, or they have several: predictions would be mixed.
    """
    known = [(shown.feature, shown.found) for shown in shown_models(project) if shown.usable]
    trained: list[tuple[str, Feature | None]] = [*_in_training(project, project.features)] if training else []
    names = _names_of(feature, trained) or _names_of(feature, known)  # what is in training is shown instead
    if len(names) > 1:
        problem = f"networks that are on were trained as {' and as '.join(sorted(names))}"
        raise ParameterProblem(feature.name, problem, "switch on only one of them in the Train tab")
    if any(name in names and (found is None or found.id != feature.id) for name, found in known + trained):
        problem = f"networks of other features that are on were trained as {names.pop()} too"
        raise ParameterProblem(feature.name, problem, "switch them off in the Train tab")
    return names.pop() if names else None


def style_of(project: Project, model: int) -> ModelStyle:
    """Return the style of one network."""
    return ModelStyle(**project.display(DOCUMENT, {}).get(str(model), {}))


def set_style(project: Project, model: int, style: ModelStyle) -> None:
    """Keep the style of one network."""
    styles: dict[str, Any] = dict(project.display(DOCUMENT, {}))
    project.set_display(DOCUMENT, styles | {str(model): asdict(style)})


def _shown(entry: ModelEntry, style: ModelStyle, features: list[Feature], runs: list[Run]) -> ShownModel:
    card, problem = _card(entry.path, entry.fingerprint)
    found = None
    if card is not None:
        made = (run for run in reversed(runs) if entry.path == run.model or entry.fingerprint == run.model_fingerprint)
        trained = [feature for run in made for feature in features if feature.id == run.feature]
        found = trained[0] if trained else _named(features, card.feature)
    own = card.colour if card is not None else "#9aa0a6"
    colour = style.colour or (found.colour if found is not None else own)
    threshold = style.threshold if style.threshold is not None else (card.threshold if card is not None else 0.5)
    return ShownModel(entry, card, style, colour, threshold, problem, found)


def _names_of(feature: Feature, known: list[tuple[str, Feature | None]]) -> set[str]:
    return {name for name, found in known if found is not None and found.id == feature.id}


def _named(features: list[Feature], name: str) -> Feature | None:
    return next((feature for feature in features if feature.name == name), None)


def _in_training(project: Project, features: list[Feature]) -> list[tuple[str, Feature]]:
    """Return what is being trained: the name it has there, and the feature."""
    return [
        (run.parameters["feature"], feature)
        for run in _runs(project)
        for feature in features
        if run.state == "training" and run.parameters and feature.id == run.feature
    ]


_RUNS: WeakKeyDictionary[Project, list[Run]] = WeakKeyDictionary()  # each holds the scores of all its epochs


def _runs(project: Project) -> list[Run]:
    """Return the trainings of a project, read again only when they have changed: this is asked at every slice."""
    runs = _RUNS.get(project)
    if runs is None:
        runs = _RUNS[project] = project.runs
        project.events.runs.connect(_forget_runs, unique=True)
    return runs


def _forget_runs() -> None:
    _RUNS.clear()


@lru_cache(maxsize=256)
def _card(path: Path, fingerprint: str) -> tuple[ModelCard | None, str]:
    """Read a card once for each content; the fingerprint is the key."""
    try:
        return load_card(path), ""
    except AisAppError as error:
        return None, str(error)
