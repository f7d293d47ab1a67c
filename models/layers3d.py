"""Blocks that networks of volumes share: convolutions, pooling, up-sampling, initial weights.

Modules take slabs ``(n, d, h, w)`` like networks of slices; `as_volume` adds the channels, `as_logits` takes them away.
"""

from __future__ import annotations

import torch
from ais_app.models.layers import initialise as initialise_slices
from torch import nn


def as_volume(x: torch.Tensor) -> torch.Tensor:
    """Map ``(n, d, h, w)`` to ``(n, 1, d, h, w)``."""
    return x.unsqueeze(1)


def as_logits(x: torch.Tensor) -> torch.Tensor:
    """Map ``(n, classes, d, h, w)`` to ``(n, d, h, w)`` where there is only one class; others stay as they are."""
    return x.squeeze(1) if x.shape[1] == 1 else x


def convolution3d(channels_in: int, channels_out: int, edge: int = 3) -> nn.Sequential:
    """Return a convolution that keeps the size, edge x edge x edge, and ReLU."""
    return nn.Sequential(nn.Conv3d(channels_in, channels_out, edge, padding=edge // 2), nn.ReLU(inplace=True))


def convolutions3d(channels_in: int, *channels_out: int) -> nn.Sequential:
    """Return a chain of `convolution3d` blocks, one for each number of output channels."""
    widths = (channels_in, *channels_out)
    return nn.Sequential(*(convolution3d(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True)))


def pointwise(channels_in: int, channels_out: int) -> nn.Conv3d:
    """Return a convolution of one voxel: it mixes channels."""
    return nn.Conv3d(channels_in, channels_out, 1)


def halving3d() -> nn.MaxPool3d:
    """Return the maximum over 2 x 2 x 2 voxels."""
    return nn.MaxPool3d(2)


def doubling3d() -> nn.Upsample:
    """Return what repeats each voxel along every axis: ``(n, c, d, h, w)`` to ``(n, c, 2 d, 2 h, 2 w)``."""
    return nn.Upsample(scale_factor=2, mode="nearest")


class Residual3d(nn.Module):
    """Two 3 x 3 x 3 convolutions with batch normalisation, added to what came in.

    He et al. (2016), Deep residual learning, figure 2. Batch normalisation and not that of the instance: its numbers
    are fixed after training, so that a part of a tomogram gives what the whole gives.

    Parameters
    ----------
    channels_in, channels_out
        Where they differ, a convolution of one voxel brings what came in to the number that goes out.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv3d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm3d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv3d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm3d(channels_out),
        )
        self.shortcut = nn.Identity() if channels_in == channels_out else pointwise(channels_in, channels_out)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, channels_in, d, h, w)`` to ``(n, channels_out, d, h, w)``."""
        return self.activation(self.convolutions(x) + self.shortcut(x))


def initialise3d(network: nn.Module) -> None:
    """Set initial weights as `ais_app.models.layers.initialise` does, also of convolutions in three dimensions.

    A convolution of one voxel that gives as few channels as it takes only mixes them and starts as the identity:
    drawn at random it may come close to losing one.
    """
    initialise_slices(network)
    for module in network.modules():
        if not isinstance(module, nn.Conv3d):
            continue
        if module.kernel_size != (1, 1, 1):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif module.in_channels == module.out_channels <= _FEW:
            nn.init.dirac_(module.weight)
        else:
            nn.init.normal_(module.weight, std=module.in_channels**-0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


_FEW = 4
