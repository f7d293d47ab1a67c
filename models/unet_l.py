"""UNet L, 38.8 million parameters: five levels of two convolutions with batch normalisation, skip connections."""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models.layers import convolutions, doubling, initialise, joined
from torch import nn


class UNetL(nn.Module):
    """Encoder 64-128-(256, 512)-512-1024, decoder 512-512-128-64, dropout at the coarsest level.

    Parameters
    ----------
    depth
        Slices that enter as channels.
    dropout
        Share of the coarsest features that training drops.
    """

    def __init__(self, depth: int, dropout: float) -> None:
        super().__init__()
        levels = ((64, 64), (128, 128), (256, 512), (512, 512), (1024, 1024))
        ups = ((512, (512, 512)), (512, (512, 512)), (128, (128, 128)), (64, (64, 64)))
        self.down = nn.ModuleList()
        self.doubling = nn.ModuleList()
        self.up = nn.ModuleList()
        width = depth
        for level in levels:
            self.down.append(convolutions(width, *level, normalised=True))
            width = level[-1]
        for (doubled, level), skipped in zip(ups, reversed(levels[:-1]), strict=True):
            self.doubling.append(doubling(width, doubled))
            self.up.append(convolutions(doubled + skipped[-1], *level, normalised=True))
            width = level[-1]
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Conv2d(width, 1, 1)
        initialise(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)``; h and w are multiples of 16."""
        skipped = []
        for level in self.down[:-1]:
            skipped.append(level(x))
            x = self.pool(skipped[-1])
        x = self.dropout(self.down[-1](x))
        for double, level in zip(self.doubling, self.up, strict=True):
            x = level(joined(double(x), skipped.pop()))
        return self.head(x)


def build(depth: int = 1, dropout: float = 0.5) -> UNetL:
    """Return the network for slabs of `depth` slices."""
    return UNetL(depth, dropout)


ARCHITECTURE = Architecture(
    name="unet_l",
    title="UNet L",
    dimension=2,
    stride=16,
    receptive_field=215,
    build=build,
    parameters={"dropout": 0.5},
    source="Last et al. (2024), eLife, table 1, after Ronneberger et al. (2015)",
)
