"""Losses of logits against labels; voxels labelled 2 (ignore) take no part."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

from ais_app.core.annotation.labels import IGNORE

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def loss_function(name: str) -> Loss:
    """Return a loss by its name: parts joined by ``+`` are added with equal weight.

    The loss takes logits ``(n, 1, h, w)`` and labels ``(n, h, w)`` uint8 (0, 1, 2 = ignore), or both ``(n, d, h, w)``,
    and returns a scalar.
    Where everything is ignored it is zero with zero gradient.
    """
    parts = [_PARTS[part] for part in name.split("+")]

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        logits = logits.float().reshape(labels.shape)
        counts = (labels != IGNORE).float()
        target = (labels == 1).float()
        total = parts[0](logits, target, counts)
        for part in parts[1:]:
            total = total + part(logits, target, counts)
        return total / len(parts)

    return loss


def binary_cross_entropy(logits: torch.Tensor, target: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return the mean of −log(probability of the right answer)."""
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * counts).sum() / counts.sum().clamp(min=1)


def dice(logits: torch.Tensor, target: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return 1 − soft Dice over the whole batch (Milletari et al., 2016, with the sum as denominator).

    Over the batch and not per box: a box without the feature would otherwise count as much as one full of it.
    """
    probability = torch.sigmoid(logits) * counts
    target = target * counts
    smooth = 1.0
    return 1 - (2 * (probability * target).sum() + smooth) / (probability.sum() + target.sum() + smooth)


def focal(logits: torch.Tensor, target: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return the focal loss with exponent 2 (Lin et al., 2017, equation 4): easy voxels count less."""
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    wrong = torch.where(target > 0, torch.sigmoid(-logits), torch.sigmoid(logits))
    return (each * wrong.square() * counts).sum() / counts.sum().clamp(min=1)


_PARTS = {"bce": binary_cross_entropy, "dice": dice, "focal": focal}
