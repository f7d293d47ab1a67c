"""Training of networks that put cubes into a short code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ais_app.core.model.cubes import CubeNetwork
from ais_app.core.model.network import Network
from ais_app.core.training.augment_cubes import augment_cubes
from ais_app.core.training.batches import held_out_batches
from ais_app.core.training.boxes import BoxSet
from ais_app.core.training.classify import accuracies, check_cubes, cross_entropy
from ais_app.core.training.objective import Objective, Precision, follow
from ais_app.core.training.optimise import make_optimiser
from ais_app.core.training.parameters import TrainParams

SPARSITY = 1e-4  # weight of the sum of the code's absolute values, as published


class EncodeObjective:
    """Mean squared error of the decoded cubes, and a code of few numbers that are not zero.

    Zeng et al. (2018), Journal of Structural Biology 202, 150, section 2.2: ``mean((decoded - cube)²) + 1e-4 Σ|code|``,
    the mean over the batch. Where the network has a classifier, its cross-entropy is added for the cubes that have a
    label (−1: none), after Liu et al. (2019).
    """

    def __init__(self, network: Network, params: TrainParams) -> None:
        assert isinstance(network, CubeNetwork)
        self.network, self.clip = network, params.clip
        self.modules: dict[str, nn.Module] = {}
        self.optimisers = {"network": make_optimiser(network, params)}

    def step(self, images: torch.Tensor, labels: torch.Tensor, rate: float, precision: Precision) -> float:
        """Follow the gradient; see `Objective.step`."""
        with precision():
            decoded, sparse, logits = self.network.parts(images)
        loss = self.measure(decoded, images)
        for activations in sparse:
            loss = loss + SPARSITY * activations.float().abs().sum(1).mean()
        if logits is not None:
            loss = loss + cross_entropy(logits, labels)
        follow(self.optimisers["network"], loss, rate, self.clip)
        return float(loss.detach())

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean squared difference of decoded cubes and the cubes themselves."""
        return F.mse_loss(logits.float(), labels)


class Encode:
    """A code for each cube, and back."""

    def check(self, boxes: BoxSet) -> None:
        """Raise `ParameterProblem` where boxes are not cubes with classes, as `cube_data` makes them."""
        check_cubes(boxes)

    def objective(self, network: Network, params: TrainParams) -> Objective:
        """Follow the error of the decoded cubes."""
        return EncodeObjective(network, params)

    def augment(
        self, images: torch.Tensor, labels: torch.Tensor, params: TrainParams, random: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Alter cubes; see `augment_cubes`. What is to be decoded are the altered ones."""
        return augment_cubes(images, labels, params, random)

    def measure(
        self, boxes: BoxSet, network: Network, objective: Objective, params: TrainParams, precision: Precision
    ) -> Mapping[str, Any]:
        """Return the loss; ``explained``, the share of the variance of the cubes; of a classifier, `accuracies`.

        The loss is the error of the decoded cubes and, of a classifier, the cross-entropy of the cubes with a label.
        """
        assert isinstance(network, CubeNetwork)
        device = next(network.parameters()).device
        chosen, errors, crosses = np.full(len(boxes), -1), [], []
        for part, images, labels in held_out_batches(boxes, params.batch, device):
            with torch.inference_mode(), precision():
                decoded, _, logits = network.parts(images)
            errors.append(float(objective.measure(decoded, images)) * len(images))
            if logits is not None:
                chosen[part] = logits.argmax(1).cpu().numpy()
                crosses.append(float(cross_entropy(logits, labels)) * int((labels >= 0).sum()))
        error = sum(errors) / len(boxes)
        known = max(1, int((boxes.labels >= 0).sum()))
        found: dict[str, Any] = {"loss": error + sum(crosses) / known}
        found["explained"] = round(1 - error / float(boxes.images.var()), 6)
        return found | (accuracies(chosen, boxes.labels) if network.classes else {})
