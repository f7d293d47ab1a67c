"""Whether a network and a tomogram agree on which side of the background dense things lie.

A network that has learnt a dark feature finds nothing, or the background, where the same feature is bright. The other
way round nothing is said: a feature that is bright in a dark tomogram, such as a lumen, is nothing odd.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ais_app.core.model.card import ModelCard
from ais_app.state.project import Project
from ais_app.state.shown_models import shown_models

DARK, BRIGHT = -1, "bright"  # of a network's card, and of what was found in a tomogram
REMEDY = "turn its grey values over (ais-app convert --invert), or use a network that was trained on such tomograms"


def is_opposite(card: ModelCard | None, findings: Mapping[str, Any] | None) -> bool:
    """Return whether a network of dark features meets a tomogram in which dense things are bright."""
    return card is not None and card.contrast == DARK and findings is not None and findings.get("contrast") == BRIGHT


def dark_networks(project: Project) -> list[str]:
    """Return the names of the networks that are on and have learnt a dark feature."""
    shown = [model for model in shown_models(project) if model.usable]
    return [model.entry.name for model in shown if model.card is not None and model.card.contrast == DARK]


def remark(names: Sequence[str]) -> str:
    """Return the warning in words, for a list of tomograms."""
    networks = f"the network {names[0]} has" if len(names) == 1 else f"the networks {', '.join(names)} have"
    return f"dense things are bright here, but {networks} learnt dark ones and will not find them; {REMEDY}"
