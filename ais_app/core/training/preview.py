"""What a network does, at a glance: the picture in a model package."""

from __future__ import annotations

import numpy as np
import torch

from ais_app.core.annotation.labels import FEATURE, IGNORE
from ais_app.core.model.package import Model
from ais_app.core.training.boxes import TrainingData, without_margin

ROWS = 6
SEPARATION = 2  # pixels


def contact_sheet(model: Model, data: TrainingData) -> np.ndarray:
    """Return boxes in rows of image, labels and probability, (h, w, 3) uint8; held-out boxes where there are some.

    Labels and probability are laid in the model's colour over black; ignored voxels are grey.
    """
    boxes = data.held_out if data.held_out is not None else without_margin(data.training, data.margin, data.z_margin)
    order = np.argsort(~boxes.positive, kind="stable")[:ROWS]
    images, labels = boxes.images[order], boxes.labels[order]
    with torch.inference_mode():
        probability = model.network(torch.from_numpy(np.ascontiguousarray(images))).numpy()
    # of volumes the slice with most labels, elsewhere the middle one, which is the only one that has any
    if labels.ndim == images.ndim:
        shown = np.array([(label != IGNORE).sum((1, 2)).argmax() for label in labels])
        images, labels, probability = (
            stack[np.arange(len(shown)), shown, None] for stack in (images, labels, probability)
        )
        labels = labels[:, 0]
    probability = probability[:, 0]
    colour = np.array([int(model.card.colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32)
    grey = np.clip((images[:, images.shape[1] // 2] + 3) / 6, 0, 1)[..., None] * 255.0
    painted = (labels == FEATURE)[..., None] * colour + (labels == IGNORE)[..., None] * 96.0
    columns = [np.broadcast_to(grey, painted.shape), painted, probability[..., None] * colour]
    edge = ((0, 0), (0, SEPARATION), (0, SEPARATION), (0, 0))
    sheet = np.concatenate([np.pad(column, edge, constant_values=255) for column in columns], axis=2)
    return np.concatenate(list(sheet)).astype(np.uint8)
