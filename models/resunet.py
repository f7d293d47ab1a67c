"""Residual UNet, 2.8 million parameters: four levels of residual blocks, skip connections that are added.

Made for little computing per pixel: most layers work where there are few pixels, skipped features are added and not
concatenated, and batch normalisation becomes part of the convolutions when a trained network is compiled. Group or
instance normalisation would not do: they would make a pixel depend on how a slice is cut into tiles.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from ais_app.models import Architecture
from ais_app.models.layers import initialise
from torch import nn

WIDTH = 32
LEVELS = 4


class Residual(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, added to what came in.

    Where the number of channels changes, a 1 x 1 convolution takes the way around. Blocks that start as the identity,
    with the second normalisation at zero (Goyal et al., 2017), learn less in the few steps that few labels allow.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        same = channels_in == channels_out
        self.around = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, channels_in, h, w)`` to ``(n, channels_out, h, w)``."""
        return torch.relu(self.body(x) + self.around(x))


class ResUNet(nn.Module):
    """An encoder of residual blocks, a decoder that adds its features to what it up-samples.

    Parameters
    ----------
    depth
        Slices that enter as channels.
    widths
        Channels of each level, from fine to coarse.
    """

    def __init__(self, depth: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.down = nn.ModuleList(Residual(a, b) for a, b in zip((depth, *widths[:-1]), widths, strict=True))
        self.coarsest = Residual(widths[-1], widths[-1])
        pairs = list(zip(widths[:-1], widths[1:], strict=True))[::-1]
        self.narrowed = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairs)
        self.up = nn.ModuleList(Residual(fine, fine) for fine, _ in pairs)
        self.pool = nn.MaxPool2d(2)
        self.doubled = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = nn.Conv2d(widths[0], 1, 1)
        initialise(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)``; h and w are multiples of 8 at four levels."""
        skipped = []
        for level in self.down[:-1]:
            skipped.append(level(x))
            x = self.pool(skipped[-1])
        x = self.coarsest(self.down[-1](x))
        for narrow, level in zip(self.narrowed, self.up, strict=True):
            # narrowed before it is doubled: a quarter of the work for the same result
            x = level(self.doubled(narrow(x)) + skipped.pop())
        return self.head(x)


def build(depth: int = 1, width: int = WIDTH) -> ResUNet:
    """Return the network for slabs of `depth` slices; `width` channels at full resolution, twice as many each level."""
    return ResUNet(depth, [width * 2**level for level in range(LEVELS)])


ARCHITECTURE = Architecture(
    name="resunet",
    title="Residual UNet",
    dimension=2,
    stride=2 ** (LEVELS - 1),
    receptive_field=135,
    build=build,
    parameters={"width": WIDTH},
    source="after Ronneberger et al. (2015), He et al. (2016) and, for the sums, Chaurasia and Culurciello (2017)",
)
