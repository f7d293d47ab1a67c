"""The convolutions of RB3D, which its two forms share."""

from __future__ import annotations

import torch
from ais_app.models._classify3d import halving
from ais_app.models.layers3d import convolution3d
from torch import nn

BLOCKS = 4


class BottleneckBlock(nn.Module):
    """A bottleneck and a shortcut of 16 channels each, concatenated: ``(n, 32, d, h, w)`` to the same.

    1³ → 16, 3³ → 32, 1³ → 16 without ReLU, dropout  ┐
                                                      ├─ concatenated ─► ReLU
    3³ → 16                                           ┘
    """

    def __init__(self, drop: float) -> None:
        super().__init__()
        self.bottleneck = nn.Sequential(
            convolution3d(32, 16, 1), convolution3d(16, 32, 3), nn.Conv3d(32, 16, 1), nn.Dropout(drop)
        )
        self.shortcut = convolution3d(32, 16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Concatenate both ways; 28,752 parameters."""
        return torch.relu(torch.cat((self.bottleneck(x), self.shortcut(x)), dim=1))


def trunk(drop: float) -> nn.Sequential:
    """Return a convolution, a maximum of 2³ and four blocks: ``(n, 1, d, h, w)`` to 32 channels at half the size."""
    return nn.Sequential(halving(1, 32), *(BottleneckBlock(drop) for _ in range(BLOCKS)))
