"""3D encoder, 2D decoder, 16.4 million parameters: reads `depth` slices in three dimensions, gives the middle one.

The 17-slice network of Ais; any odd depth fits. The first two maxima halve z too (an odd slice at the end stands for
itself), the last two only the plane; the slice that holds the middle goes on into the decoder and its skip connections.
"""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models.layers import BATCH_NORM_EPSILON, convolution, doubling, joined
from ais_app.models.layers3d import as_volume, initialise3d
from torch import nn

WIDTHS = (32, 64, 128, 256, 512)
HALVED = (2, 2, 1, 1)  # along z, after each level but the last


class Encoder3DDecoder2D(nn.Module):
    """Encoder 32-64-128-256-512 of two 3 x 3 x 3 convolutions a level, decoder 256-128-64-32 of one 3 x 3 a level.

    Parameters
    ----------
    depth
        Slices that enter; the number of weights is the same for every depth.
    dropout
        Share of the coarsest features that training drops.
    """

    def __init__(self, depth: int, dropout: float) -> None:
        super().__init__()
        self.down = nn.ModuleList(_level(a, b) for a, b in zip((1, *WIDTHS[:-1]), WIDTHS, strict=True))
        self.pool = nn.ModuleList()
        self.halved = []
        for along_z in HALVED:
            self.halved.append(min(along_z, depth))  # a single slice cannot be halved
            self.pool.append(nn.MaxPool3d((self.halved[-1], 2, 2), ceil_mode=True))
            depth = -(-depth // self.halved[-1])
        ups = list(zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True))
        self.doubling = nn.ModuleList(doubling(coarse, fine) for coarse, fine in ups)
        self.up = nn.ModuleList(convolution(2 * fine, fine, normalised=True) for _, fine in ups)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Conv2d(WIDTHS[0], 1, 1)
        initialise3d(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)`` of the middle slice; h and w are multiples of 16."""
        middle, skipped = x.shape[1] // 2, []
        x = as_volume(x)
        for level, pool, halved in zip(self.down[:-1], self.pool, self.halved, strict=True):
            x = level(x)
            skipped.append(x[:, :, middle])
            x, middle = pool(x), middle // halved
        plane = self.dropout(self.down[-1](x)[:, :, middle])
        for double, level in zip(self.doubling, self.up, strict=True):
            plane = level(joined(double(plane), skipped.pop()))
        return self.head(plane)


def _level(channels_in: int, channels_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (channels_in, channels_out):
        layers += [nn.Conv3d(width, channels_out, 3, padding=1), nn.ReLU(inplace=True)]
        layers.append(nn.BatchNorm3d(channels_out, eps=BATCH_NORM_EPSILON))
    return nn.Sequential(*layers)


def build(depth: int = 1, dropout: float = 0.25) -> Encoder3DDecoder2D:
    """Return the network for slabs of `depth` slices, an odd number."""
    return Encoder3DDecoder2D(depth, dropout)


ARCHITECTURE = Architecture(
    name="encoder3d_decoder2d",
    title="3D encoder, 2D decoder",
    dimension=2,
    stride=16,
    receptive_field=185,
    build=build,
    parameters={"dropout": 0.25},
    source="Last et al. (2024), eLife, and the networks that come with Ais; after Çiçek et al. (2016)",
)
