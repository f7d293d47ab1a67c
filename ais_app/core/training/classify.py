"""Training of networks that tell classes of cubes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ais_app.core.errors import ParameterProblem
from ais_app.core.model.network import Network
from ais_app.core.training.augment_cubes import augment_cubes
from ais_app.core.training.batches import held_out_batches
from ais_app.core.training.boxes import BoxSet
from ais_app.core.training.objective import LossObjective, Objective, Precision
from ais_app.core.training.parameters import TrainParams


class ClassifyObjective(LossObjective):
    """Cross-entropy of the classes (Xu et al., 2017, Bioinformatics 33, i13, section 2.2).

    Labels are ``(n,)`` int64, the number of each cube's class; −1 takes no part.
    """

    def __init__(self, network: Network, params: TrainParams) -> None:
        super().__init__(network, params)
        self.loss = cross_entropy


class Classify:
    """One of several classes for each cube."""

    def check(self, boxes: BoxSet) -> None:
        """Raise `ParameterProblem` where boxes are not cubes with classes, as `cube_data` makes them."""
        check_cubes(boxes)

    def objective(self, network: Network, params: TrainParams) -> Objective:
        """Follow the cross-entropy."""
        return ClassifyObjective(network, params)

    def augment(
        self, images: torch.Tensor, labels: torch.Tensor, params: TrainParams, random: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Alter cubes; see `augment_cubes`."""
        return augment_cubes(images, labels, params, random)

    def measure(
        self, boxes: BoxSet, network: Network, objective: Objective, params: TrainParams, precision: Precision
    ) -> Mapping[str, Any]:
        """Return the loss and `accuracies`."""
        device = next(network.parameters()).device
        chosen, losses = np.empty(len(boxes), np.int64), []
        for part, images, labels in held_out_batches(boxes, params.batch, device):
            with torch.inference_mode(), precision():
                logits = network.logits(images).float()
            losses.append(float(objective.measure(logits, labels)) * len(labels))
            chosen[part] = logits.argmax(1).cpu().numpy()
        return {"loss": sum(losses) / len(boxes), **accuracies(chosen, boxes.labels)}


def check_cubes(boxes: BoxSet) -> None:
    """Raise `ParameterProblem` unless each box has one whole number as its class."""
    if boxes.labels.ndim != 1 or boxes.labels.dtype != np.int64:
        problem = "a network that classifies or encodes cubes does not learn from boxes of a labelled tomogram"
        raise ParameterProblem("training", problem, "choose a network that segments, or give it cubes")


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean of −log(probability of the right class) over the cubes that have one; 0 where none has."""
    each = F.cross_entropy(logits.float(), labels, reduction="sum", ignore_index=-1)
    return each / (labels >= 0).sum().clamp(min=1)


def accuracies(chosen: np.ndarray, labels: np.ndarray) -> dict[str, float | None]:
    """Compare the classes that were chosen with the right ones.

    Parameters
    ----------
    chosen, labels
        (n,) int; labels of −1 do not count.

    Returns
    -------
    dict
        ``accuracy``, the share of right choices, and ``balanced_accuracy``, the mean of that share over the classes,
        so that a large class does not hide a small one; ``None`` where nothing has a label.
    """
    known = labels >= 0
    right, labels = chosen[known] == labels[known], labels[known]
    if not labels.size:
        return {"accuracy": None, "balanced_accuracy": None}
    shares = [float(right[labels == label].mean()) for label in np.unique(labels)]
    return {"accuracy": round(float(right.mean()), 6), "balanced_accuracy": round(float(np.mean(shares)), 6)}
