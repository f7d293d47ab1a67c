"""Networks that a training may start from: those of the project, and those that come with the program.

To go on from a network that has seen such structures needs far fewer labels than to begin with fresh weights
(docs/accuracy.md has the numbers).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ais_app.core.model.package import load_card
from ais_app.core.training.parameters import TrainParams
from ais_app.core.zoo.index import INDEX
from ais_app.core.zoo.places import shipped_folder, shipped_zoo
from ais_app.state.project import Project
from ais_app.state.shown_models import shown_models


def starting_points(project: Project | None) -> list[tuple[str, Path]]:
    """Return the name of each network for a person, and its file."""
    own = [] if project is None else [model.entry for model in shown_models(project) if model.card is not None]
    entries = shipped_zoo().index().entries if (shipped_folder() / INDEX).exists() else ()
    shipped = [(f"{entry.feature} (shipped)", shipped_folder() / f"{entry.name}.aismodel") for entry in entries]
    return [*((entry.name, Path(entry.path)) for entry in own), *shipped]


def going_on_from(parent: Path, params: TrainParams) -> TrainParams:
    """Return the settings with what must be as in the network that a training goes on from.

    Raises
    ------
    FileProblem, ModelProblem
        The file cannot be read.
    """
    card = load_card(parent)
    return replace(params, architecture=card.architecture, depth=card.depth, voxel_size=card.voxel_size)
