"""Directions for classes: a cosine classifier, and a training that keeps classes apart and each of them together.

Du et al. (2019), Open-set recognition of unseen macromolecules in cellular electron cryo-tomograms by soft large margin
centralized cosine loss, British Machine Vision Conference. With features f of a cube of class y, weights w of the
classes, centres c of the classes, and cos θ the cosine between f and w::

    loss = CE(w·f)  +  CE(s (cos θ − α [y]))  +  λ ½ |f − c_y|²          means over the cubes that have a class
    c_y  ←  c_y + β Σ (f − c_y) / (1 + n_y)                              over the n_y cubes of class y in the batch

The margin α makes a cube count as its class only where it is nearer to it by that much; so classes that the network
has never seen fall between the others instead of onto them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

MARGIN, SCALE, CENTRAL, RATE = 0.35, 64.0, 1.0, 0.05  # α, s, λ and β of the paper
NO_CLASS = -1


class CosineHead(nn.Module):
    """Features ``(n, f)`` to `scale` times their cosines with one direction for each class, ``(n, classes)``."""

    def __init__(self, features: int, classes: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(classes, features))
        nn.init.xavier_normal_(self.weight)

    def cosines(self, features: torch.Tensor) -> torch.Tensor:
        """Return the cosines, ``(n, classes)``."""
        return F.linear(F.normalize(features, dim=1), F.normalize(self.weight, dim=1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.scale * self.cosines(features)


def margin_loss(cosines: torch.Tensor, labels: torch.Tensor, margin: float, scale: float) -> torch.Tensor:
    """Return the cross-entropy of cosines of which that of the right class is made smaller by a margin.

    Parameters
    ----------
    cosines
        (n, classes).
    labels
        (n,) int64; −1: takes no part.
    margin, scale
        α and s; with 0 and 1 it is the cross-entropy of the cosines.

    Returns
    -------
    Tensor
        The mean over the cubes that have a class; 0 where none has.
    """
    right = F.one_hot(labels.clamp(min=0), cosines.shape[1]).to(cosines.dtype)
    return cross_entropy(scale * (cosines - margin * right), labels)


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy over the cubes that have a class (−1: none); 0 where none has."""
    each = F.cross_entropy(logits.float(), labels, reduction="sum", ignore_index=NO_CLASS)
    return each / (labels >= 0).sum().clamp(min=1)


class Centres(nn.Module):
    """A point among the features for each class, which follows the features of the class.

    Parameters
    ----------
    classes, features
        How many, and of how many numbers.
    rate
        β, the share of the way to its class that a centre goes in a step.
    """

    def __init__(self, classes: int, features: int, rate: float = RATE) -> None:
        super().__init__()
        self.rate = rate
        self.points: torch.Tensor
        self.register_buffer("points", torch.zeros(classes, features))

    def loss(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return half the squared distance of features to the centres of their classes, the mean over the cubes."""
        known = labels >= 0
        distance = features[known] - self.points[labels[known]]
        return distance.square().sum() / 2 / known.sum().clamp(min=1)

    @torch.no_grad()
    def follow(self, features: torch.Tensor, labels: torch.Tensor) -> None:
        """Move the centres of the classes in a batch towards its features."""
        known = labels >= 0
        which = labels[known]
        towards = torch.zeros_like(self.points).index_add_(0, which, features[known] - self.points[which])
        count = torch.bincount(which, minlength=len(self.points))
        self.points += self.rate * towards / (1 + count)[:, None]


class LargeMargin:
    """Train with the three parts of the loss; an `ais_app.core.training.objective.Objective`.

    Parameters
    ----------
    usual
        The objective of classification; its network's body has a `CosineHead` as ``head``, and says ``margin`` and
        ``central``, the weights of the other two parts.
    """

    def __init__(self, usual: Any) -> None:
        self.usual = usual
        body = usual.network.body
        self.head, self.margin, self.central = body.head, body.margin, body.central
        classes, features = self.head.weight.shape
        self.centres = Centres(classes, features).to(self.head.weight.device)
        self.modules = {"centres": self.centres}
        self.optimisers = usual.optimisers

    def loss(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss of features ``(n, f)`` with classes ``(n,)``."""
        plain = cross_entropy(F.linear(features, self.head.weight), labels)
        apart = margin_loss(self.head.cosines(features), labels, self.margin, self.head.scale)
        return plain + apart + self.central * self.centres.loss(features, labels)

    def step(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        rate: float,
        precision: Callable[[], AbstractContextManager[None]],
    ) -> float:
        """Change the network's weights, then the centres."""
        with precision():
            features = self.usual.network.features(images)
        features = features.float()
        loss = self.loss(features, labels)
        self.usual.follow(loss, rate)
        self.centres.follow(features.detach(), labels)
        return float(loss.detach())

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy, which does not change its meaning with the centres."""
        return self.usual.measure(logits, labels)
