"""Blocks that several architectures share: convolutions, up-sampling, initial weights."""

from __future__ import annotations

import torch
from torch import nn

# Keras' default, so that networks trained elsewhere compute the same with their weights carried over
BATCH_NORM_EPSILON = 1e-3


def convolution(channels_in: int, channels_out: int, *, normalised: bool = False) -> nn.Sequential:
    """Return 3 x 3 convolution, ReLU and, if wanted, batch normalisation, in that order.

    ``(n, channels_in, h, w)`` to ``(n, channels_out, h, w)``.
    """
    layers: list[nn.Module] = [nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.ReLU(inplace=True)]
    if normalised:
        layers.append(nn.BatchNorm2d(channels_out, eps=BATCH_NORM_EPSILON))
    return nn.Sequential(*layers)


def convolutions(channels_in: int, *channels_out: int, normalised: bool = False) -> nn.Sequential:
    """Return a chain of `convolution` blocks, one for each number of output channels."""
    widths = (channels_in, *channels_out)
    return nn.Sequential(
        *(convolution(a, b, normalised=normalised) for a, b in zip(widths[:-1], widths[1:], strict=True))
    )


def doubling(channels_in: int, channels_out: int) -> nn.ConvTranspose2d:
    """Return a 2 x 2 transposed convolution of stride 2: ``(n, c, h, w)`` to ``(n, channels_out, 2 h, 2 w)``."""
    return nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2)


def joined(upper: torch.Tensor, skipped: torch.Tensor) -> torch.Tensor:
    """Concatenate the up-sampled features and those of the encoder at the same resolution."""
    return torch.cat((upper, skipped), dim=1)


def initialise(network: nn.Module) -> None:
    """Set initial weights: normal with the variance that keeps the signal's through ReLUs, biases zero.

    He et al. (2015), Delving deep into rectifiers, section 2.2. Layers without a ReLU behind them (transposed
    convolutions, the output) take half the variance. A convolution of one channel to one is only a scale and
    starts at 1: drawn at random it may come close to zero and hold back the training of everything before it.
    """
    for module in network.modules():
        if isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=module.in_channels**-0.5)  # stride = kernel: one tap per output pixel
        elif isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            if module.weight.numel() == 1:
                nn.init.ones_(module.weight)
            else:
                nn.init.normal_(module.weight, std=module.in_channels**-0.5)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
