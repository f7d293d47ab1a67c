"""The VGGNet family: an encoder and a decoder without skip connections and without normalisation."""

from __future__ import annotations

import torch
from ais_app.models.layers import convolutions, doubling, initialise
from torch import nn

# 27 pixels to either side of the output pixel, for the one that lies worst in its pooling cell
RECEPTIVE_FIELD = 55
STRIDE = 8
SOURCE = "Last et al. (2024), eLife, table 1, after Simonyan and Zisserman (2015)"


class VGGNet(nn.Module):
    """Three levels of two 3 x 3 convolutions and a 2 x 2 maximum, then three doublings back to full size.

    Parameters
    ----------
    depth
        Slices that enter as channels.
    width
        Channels of the first level; the next two have twice and four times as many.
    """

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            convolutions(depth, width, width),
            nn.MaxPool2d(2),
            convolutions(width, 2 * width, 2 * width),
            nn.MaxPool2d(2),
            convolutions(2 * width, 4 * width, 4 * width),
            nn.MaxPool2d(2),
        )
        self.decoder = nn.Sequential(
            doubling(4 * width, 128),
            convolutions(128, 128),
            doubling(128, 64),
            convolutions(64, 64),
            doubling(64, 1),
        )
        self.head = nn.Conv2d(1, 1, 1)
        initialise(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)``; h and w are multiples of 8."""
        return self.head(self.decoder(self.encoder(x)))
