"""The encoder of the SSN3D family, and what the papers leave open.

Liu et al. (2018), figures 2 and 3 and table 2. All three networks share six 3 x 3 x 3 convolutions of 32, 32, 64, 64,
128 and 128 filters with a 2 x 2 x 2 maximum after every second; 40 voxels become 5. What follows decides at an eighth
of the resolution. The text calls the convolutions of the decoders 3 x 3 x 3; the parameters that table 2 counts are
those of 1 x 1 x 1 and of two classes, background and region of interest, whatever the size of the cubes (there 40).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from ais_app.models.layers3d import convolutions3d, halving3d
from torch import nn

STRIDE = 8
SOURCE = (
    "Liu et al. (2018), Deep learning based supervised semantic segmentation of Electron Cryo-Subtomograms, table 2"
)
DROPOUT = 0.7
CLASSES = 2  # background and region of interest, as in the paper
ENCODED = 128


class Encoder(nn.Module):
    """Three levels of two convolutions and a maximum."""

    def __init__(self) -> None:
        super().__init__()
        widths = (1, 32, 64, ENCODED)
        self.levels = nn.ModuleList(convolutions3d(a, b, b) for a, b in zip(widths[:-1], widths[1:], strict=True))
        self.halved = halving3d()

    def forward(self, x: torch.Tensor) -> Sequence[torch.Tensor]:
        """Map ``(n, 1, d, h, w)`` to what follows each maximum: 32, 64 and 128 channels."""
        pooled = []
        for level in self.levels:
            x = self.halved(level(x))
            pooled.append(x)
        return pooled


def deciding(dropout: float) -> nn.Sequential:
    """Return the two layers of 1,024 filters with dropout that the first two networks have in the middle."""
    layers: list[nn.Module] = []
    for width in (ENCODED, 1024):
        layers += [nn.Conv3d(width, 1024, 1), nn.ReLU(inplace=True), nn.Dropout(dropout)]
    return nn.Sequential(*layers)
