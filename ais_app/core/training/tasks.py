"""What a training does differently for networks that segment, classify or encode; the trainer knows nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch

from ais_app.core.errors import ModelProblem
from ais_app.core.model.network import Network
from ais_app.core.training.boxes import BoxSet
from ais_app.core.training.classify import Classify
from ais_app.core.training.encode import Encode
from ais_app.core.training.objective import Objective, Precision
from ais_app.core.training.parameters import TrainParams
from ais_app.core.training.segment import Segment


class Task(Protocol):
    """What the trainer asks of a task."""

    def check(self, boxes: BoxSet) -> None:
        """Raise `ParameterProblem` where the labels of boxes are not of the kind that the task learns from."""

    def objective(self, network: Network, params: TrainParams) -> Objective:
        """Return how a network is trained whose architecture does not say."""

    def augment(
        self, images: torch.Tensor, labels: torch.Tensor, params: TrainParams, random: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Alter a batch at random and lay it out as the network takes it."""

    def measure(
        self, boxes: BoxSet, network: Network, objective: Objective, params: TrainParams, precision: Precision
    ) -> Mapping[str, Any]:
        """Return ``loss``, by which the best epoch is chosen, and the scores of a network on held-out boxes."""


def task_named(name: str) -> Task:
    """Return a task by the name that architectures give it.

    Raises
    ------
    ModelProblem
        There is none of this name.
    """
    tasks: dict[str, Task] = {"segment": Segment(), "classify": Classify(), "encode": Encode()}
    if name not in tasks:
        raise ModelProblem("architecture", f"its task {name!r} cannot be trained", f"known: {', '.join(tasks)}")
    return tasks[name]
