"""The networks of a project as the window shows them: on or off, colour, threshold, opacity, blend."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_card
from ais_app.state.project import Project
from ais_app.state.records import ModelEntry

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
    """

    entry: ModelEntry
    card: ModelCard | None
    style: ModelStyle
    colour: str
    threshold: float
    problem: str = ""

    @property
    def feature(self) -> str:
        """What it finds; its own name where the file cannot be read."""
        return self.card.feature if self.card is not None else self.entry.name

    @property
    def usable(self) -> bool:
        """Whether it is on and can be read."""
        return self.style.on and self.card is not None


def shown_models(project: Project) -> list[ShownModel]:
    """Return all networks of a project in the order in which they were added."""
    styles = project.display(DOCUMENT, {})
    colours = {feature.name: feature.colour for feature in project.features}
    return [_shown(entry, ModelStyle(**styles.get(str(entry.id), {})), colours) for entry in project.models]


def style_of(project: Project, model: int) -> ModelStyle:
    """Return the style of one network."""
    return ModelStyle(**project.display(DOCUMENT, {}).get(str(model), {}))


def set_style(project: Project, model: int, style: ModelStyle) -> None:
    """Keep the style of one network."""
    styles: dict[str, Any] = dict(project.display(DOCUMENT, {}))
    project.set_display(DOCUMENT, styles | {str(model): asdict(style)})


def _shown(entry: ModelEntry, style: ModelStyle, colours: dict[str, str]) -> ShownModel:
    card, problem = _card(entry.path, entry.fingerprint)
    own = card.colour if card is not None else "#9aa0a6"
    colour = style.colour or colours.get(card.feature if card is not None else "", own)
    threshold = style.threshold if style.threshold is not None else (card.threshold if card is not None else 0.5)
    return ShownModel(entry, card, style, colour, threshold, problem)


@lru_cache(maxsize=256)
def _card(path: Path, fingerprint: str) -> tuple[ModelCard | None, str]:
    """Read a card once for each content; the fingerprint is the key."""
    try:
        return load_card(path), ""
    except AisAppError as error:
        return None, str(error)
