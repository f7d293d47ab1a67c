"""UNet S, 0.9 million parameters: three levels of one convolution, skip connections, no normalisation."""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models.layers import convolution, initialise, joined
from torch import nn


class UNetS(nn.Module):
    """Encoder 64-128-256, decoder 128-64; up-sampling repeats the nearest pixel."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.fine = convolution(depth, 64)
        self.middle = convolution(64, 128)
        self.coarse = convolution(128, 256)
        self.up_middle = convolution(256 + 128, 128)
        self.up_fine = convolution(128 + 64, 64)
        self.head = nn.Conv2d(64, 1, 1)
        self.pool = nn.MaxPool2d(2)
        self.doubled = nn.Upsample(scale_factor=2, mode="nearest")
        initialise(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)``; h and w are multiples of 4."""
        fine = self.fine(x)
        middle = self.middle(self.pool(fine))
        coarse = self.coarse(self.pool(middle))
        middle = self.up_middle(joined(self.doubled(coarse), middle))
        return self.head(self.up_fine(joined(self.doubled(middle), fine)))


def build(depth: int = 1) -> UNetS:
    """Return the network for slabs of `depth` slices."""
    return UNetS(depth)


ARCHITECTURE = Architecture(
    name="unet_s",
    title="UNet S",
    dimension=2,
    stride=4,
    receptive_field=27,
    build=build,
    source="Last et al. (2024), eLife, table 1, after Ronneberger et al. (2015)",
)
