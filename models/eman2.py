"""The network of EMAN2, 0.4 million parameters: three very wide kernels and one halving."""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models.layers import initialise
from torch import nn

KERNEL = 15
FEATURES = 40


class Eman2(nn.Module):
    """Two layers of forty 15 x 15 kernels with a 2 x 2 maximum between, one 15 x 15 kernel, each pixel doubled.

    Parameters
    ----------
    depth
        Slices that enter as channels.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        half = KERNEL // 2
        self.features = nn.Sequential(
            nn.Conv2d(depth, FEATURES, KERNEL, padding=half),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(FEATURES, FEATURES, KERNEL, padding=half),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Conv2d(FEATURES, 1, KERNEL, padding=half)
        self.doubled = nn.Upsample(scale_factor=2, mode="nearest")
        initialise(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)``; h and w are multiples of 2."""
        return self.doubled(self.head(self.features(x)))


def build(depth: int = 1) -> Eman2:
    """Return the network for slabs of `depth` slices."""
    return Eman2(depth)


ARCHITECTURE = Architecture(
    name="eman2",
    title="EMAN2",
    dimension=2,
    stride=2,
    receptive_field=73,
    build=build,
    source="Last et al. (2024), eLife, table 1, after Chen et al. (2017), Nature Methods 14, 983",
)
