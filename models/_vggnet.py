"""The VGGNet family: an encoder and a decoder without skip connections."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from ais_app.models.layers import convolutions, doubling, initialise
from torch import nn

# 27 pixels to either side of the output pixel, for the one that lies worst in its pooling cell
RECEPTIVE_FIELD = 55
STRIDE = 8
SOURCE = "Last et al. (2024), eLife, table 1, after Simonyan and Zisserman (2015)"


class VGGNet(nn.Module):
    """Three levels of two 3 x 3 convolutions and a 2 x 2 maximum, then three doublings; no normalisation.

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


class NormalisedVGGNet(nn.Module):
    """Levels of two convolutions with batch normalisation and a 2 x 2 maximum, then as many doublings.

    Parameters
    ----------
    depth
        Slices that enter as channels.
    widths
        Channels of each level; the decoder has them in the opposite order.
    dropout
        Share of the coarsest features that training drops.
    """

    def __init__(self, depth: int, widths: Sequence[int], dropout: float) -> None:
        super().__init__()
        ups = list(reversed(widths))
        self.encoder = nn.Sequential()
        self.decoder = nn.Sequential()
        for before, width in zip((depth, *widths[:-1]), widths, strict=True):
            self.encoder.extend((convolutions(before, width, width, normalised=True), nn.MaxPool2d(2)))
        for before, width in zip((widths[-1], *ups[:-1]), ups, strict=True):
            self.decoder.extend((doubling(before, width), convolutions(width, width, normalised=True)))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Conv2d(widths[0], 1, 1)
        initialise(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)``; h and w are multiples of 2 to the number of levels."""
        return self.head(self.decoder(self.dropout(self.encoder(x))))
