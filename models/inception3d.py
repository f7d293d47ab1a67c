"""Inception3D: one large convolution, one inception block, one dense layer.

Xu et al. (2017), Bioinformatics 33, i13, figure 1. Shapes for cubes of 40 voxels and 23 classes; ReLU after every
convolution::

    convolution 32 of 5³, inside the cube only    36³ × 32
    maximum of 2³                                 18³ × 32
    side by side                                  18³ × 160
        1³ → 32
        1³ → 32, 3³ → 64
        1³ → 16, 5³ → 32
        maximum of 3³ at every voxel, 1³ → 32
    mean of 2³ at every voxel, inside only        17³ × 160
    flat, dropout, dense 23                       23         18,206,983 parameters

The paper keeps 70 % at the dropout, which is a `drop` of 0.3. The features are the means of the 160 maps over the
cube: the 786,080 numbers before the dense layer are too many to compare cubes by.
"""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models._classify3d import (
    CLASSES,
    SIZE,
    XU,
    CubeClassifier,
    check_numbers,
    initialise_as_published,
    parameters,
)
from ais_app.models.layers3d import convolution3d
from torch import nn

DROP = 0.3
SMALLEST = 7  # voxels


class _Inception(nn.Module):
    """Four branches side by side: ``(n, 32, d, h, w)`` to ``(n, 160, d, h, w)``."""

    def __init__(self) -> None:
        super().__init__()
        self.point = convolution3d(32, 32, 1)
        self.middle = nn.Sequential(convolution3d(32, 32, 1), convolution3d(32, 64, 3))
        self.wide = nn.Sequential(convolution3d(32, 16, 1), convolution3d(16, 32, 5))
        self.pooled = nn.Sequential(nn.MaxPool3d(3, stride=1, padding=1), convolution3d(32, 32, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Concatenate what the branches give."""
        return torch.cat((self.point(x), self.middle(x), self.wide(x), self.pooled(x)), dim=1)


class _Inception3D(CubeClassifier):
    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Map cubes ``(n, d, h, w)`` to the means of the last maps, ``(n, 160)``."""
        return self.trunk(x[:, None]).mean(dim=(2, 3, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map cubes ``(n, d, h, w)`` to logits ``(n, classes)``."""
        return self.head(self.neck(self.trunk(x[:, None])))


def build(depth: int = 1, size: int = SIZE, classes: int = CLASSES, drop: float = DROP) -> CubeClassifier:
    """Return the network for cubes of `size` voxels; `depth` is 1, as a cube enters whole."""
    check_numbers(classes, size, SMALLEST)
    trunk = nn.Sequential(
        nn.Conv3d(1, 32, 5),
        nn.ReLU(inplace=True),
        nn.MaxPool3d(2, ceil_mode=True),
        _Inception(),
        nn.AvgPool3d(2, stride=1),
    )
    edge = max(0, -(-(size - 4) // 2) - 1)
    neck = nn.Sequential(nn.Flatten(), nn.Dropout(drop))
    head, initial = nn.Linear(160 * edge**3, classes), initialise_as_published
    return _Inception3D(trunk, neck, head, classes=classes, size=size, smallest=SMALLEST, initial=initial)


ARCHITECTURE = Architecture(
    name="inception3d",
    title="Inception3D",
    dimension=3,
    stride=1,
    receptive_field=SIZE,
    build=build,
    parameters=parameters(drop=DROP),
    source=f"{XU}, figure 1",
    task="classify",
)
