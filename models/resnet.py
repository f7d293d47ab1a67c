"""ResNet, 1.2 million parameters: four residual blocks, at full resolution throughout."""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models.layers import initialise
from torch import nn

WIDTHS = (32, 64, 128, 256)


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside one of 1 x 1; the ReLU comes after their sum."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.second = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, channels_in, h, w)`` to ``(n, channels_out, h, w)``."""
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


class ResNet(nn.Module):
    """Blocks of 32, 64, 128 and 256 channels, without down-sampling and without normalisation.

    Parameters
    ----------
    depth
        Slices that enter as channels.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        pairs = zip((depth, *WIDTHS[:-1]), WIDTHS, strict=True)
        self.blocks = nn.Sequential(*(Residual(before, width) for before, width in pairs))
        self.head = nn.Conv2d(WIDTHS[-1], 1, 1)
        initialise(self)
        for layer in self.blocks.modules():
            # both ways keep the signal's variance, and the ReLU halves their sum: it stays the same through all blocks
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)`` of any height and width."""
        return self.head(self.blocks(x))


def build(depth: int = 1) -> ResNet:
    """Return the network for slabs of `depth` slices."""
    return ResNet(depth)


ARCHITECTURE = Architecture(
    name="resnet",
    title="ResNet",
    dimension=2,
    stride=1,
    receptive_field=17,
    build=build,
    source="Last et al. (2024), eLife, table 1, after He et al. (2016)",
)
