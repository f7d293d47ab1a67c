"""InceptionNet, 0.6 million parameters: kernels of several sizes side by side, at full resolution throughout."""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models.layers import initialise
from torch import nn

WIDTH = 64  # channels of each of the four branches


def branch(channels_in: int, *kernels: int) -> nn.Sequential:
    """Return convolutions of the given kernel sizes one after the other, each with a ReLU."""
    layers: list[nn.Module] = []
    for kernel in kernels:
        convolution = nn.Conv2d(channels_in, WIDTH, kernel, padding=kernel // 2)
        layers += [convolution, nn.ReLU(inplace=True)]
        channels_in = WIDTH
    return nn.Sequential(*layers)


class Inception(nn.Module):
    """Four branches of 64 channels: 1 x 1; 1 x 1 and 3 x 3; 1 x 1 and 5 x 5; the 3 x 3 maximum and 1 x 1."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.point = branch(channels_in, 1)
        self.near = branch(channels_in, 1, 3)
        self.far = branch(channels_in, 1, 5)
        self.maximum = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), branch(channels_in, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, channels_in, h, w)`` to ``(n, 256, h, w)``."""
        return torch.cat((self.point(x), self.near(x), self.far(x), self.maximum(x)), dim=1)


class InceptionNet(nn.Module):
    """Three modules of four branches each, without down-sampling.

    Parameters
    ----------
    depth
        Slices that enter as channels.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.modules_in_a_row = nn.Sequential(Inception(depth), Inception(4 * WIDTH), Inception(4 * WIDTH))
        self.head = nn.Conv2d(4 * WIDTH, 1, 1)
        initialise(self)
        for layer in self.modules_in_a_row.modules():
            if isinstance(layer, nn.Conv2d):  # 1 x 1 too: unlike elsewhere, a ReLU follows them
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)`` of any height and width."""
        return self.head(self.modules_in_a_row(x))


def build(depth: int = 1) -> InceptionNet:
    """Return the network for slabs of `depth` slices."""
    return InceptionNet(depth)


ARCHITECTURE = Architecture(
    name="inceptionnet",
    title="InceptionNet",
    dimension=2,
    stride=1,
    receptive_field=13,
    build=build,
    source="Last et al. (2024), eLife, table 1, after Szegedy et al. (2015)",
)
