"""Training of networks that segment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ais_app.core.errors import ParameterProblem
from ais_app.core.model.network import Network
from ais_app.core.training.augment import augment
from ais_app.core.training.augment_cubes import augment_cubes
from ais_app.core.training.batches import held_out_batches
from ais_app.core.training.boxes import BoxSet
from ais_app.core.training.metrics import scores
from ais_app.core.training.objective import LossObjective, Objective, Precision
from ais_app.core.training.parameters import TrainParams


class Segment:
    """A probability for each pixel or voxel."""

    def check(self, boxes: BoxSet) -> None:
        """Raise `ParameterProblem` where boxes have classes instead of labels for each pixel."""
        if boxes.labels.ndim == 1:
            remedy = "choose one that classifies or encodes, or boxes of labelled tomograms"
            raise ParameterProblem("training", "a network that segments does not learn from classes of cubes", remedy)

    def objective(self, network: Network, params: TrainParams) -> Objective:
        """Follow the loss of the logits."""
        return LossObjective(network, params)

    def augment(
        self, images: torch.Tensor, labels: torch.Tensor, params: TrainParams, random: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Alter boxes and their labels; see `ais_app.core.training.augment.augment`."""
        images, labels = augment(images, labels, params, random)
        return _laid_out(images, labels), labels

    def measure(
        self, boxes: BoxSet, network: Network, objective: Objective, params: TrainParams, precision: Precision
    ) -> Mapping[str, Any]:
        """Return the loss and `Scores` over all voxels."""
        probability = np.empty(boxes.labels.shape, np.float32)
        losses, volumes = [], boxes.labels.ndim == boxes.images.ndim
        device = next(network.parameters()).device
        for part, images, labels in held_out_batches(boxes, params.batch, device):
            with torch.inference_mode(), precision():
                logits = network.logits(images if volumes else images.to(memory_format=torch.channels_last))
            losses.append(float(objective.measure(logits, labels)) * len(labels))
            probability[part] = torch.sigmoid((logits if volumes else logits[:, 0]).float()).cpu().numpy()
        return {"loss": sum(losses) / len(boxes), **scores(probability, boxes.labels).to_dict()}


class SegmentCubes(Segment):
    """The same for subtomograms, of `mask_data`: their missing wedge must stay in its place."""

    def augment(
        self, images: torch.Tensor, labels: torch.Tensor, params: TrainParams, random: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Alter cubes and the labels of their voxels; see `augment_cubes`."""
        return augment_cubes(images, labels, params, random)


def _laid_out(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the images with channels innermost, where slices are channels: where only one of them has labels."""
    return images.to(memory_format=torch.channels_last if labels.ndim < images.ndim else torch.contiguous_format)
