"""Pix2pix, 29.2 million parameters: a UNet that is trained against a network which looks for its mistakes.

Isola et al. (2017), Image-to-image translation with conditional adversarial networks: the generator, here a UNet,
draws the labels of a slice; the discriminator sees a slice with labels and says, patch by patch, whether a person or
the generator drew them. Each learns from the other, and what the generator draws comes to look like what a person
draws, also where a loss that counts pixels hardly objects. After the training only the generator is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from ais_app.models import Architecture
from ais_app.models.layers import BATCH_NORM_EPSILON, initialise, joined
from torch import nn

KERNEL = 4
SLOPE = 0.2  # of the leaky ReLUs
IGNORE = 2  # label of pixels about which nothing is known
ADVERSARIAL = 0.01  # weight of the discriminator's word beside the loss; equations 3 and 4 have 1 beside 100
PATIENT = 0.3  # step size of the discriminator relative to the generator's: one that is sure teaches nothing
BETAS = (0.5, 0.999)  # section 3.3


class Normalisation(nn.BatchNorm2d):
    """Batch normalisation that also stands one single value for each channel, which has no deviation of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=BATCH_NORM_EPSILON, momentum=0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, channels, h, w)`` to the same shape; where n, h and w are 1, by the statistics so far."""
        if self.training and x.numel() == x.shape[1]:
            mean, variance = self.running_mean, self.running_var
            return nn.functional.batch_norm(x, mean, variance, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


def halving(channels_in: int, channels_out: int, *, normalised: bool = True) -> nn.Sequential:
    """Return a 4 x 4 convolution of stride 2 with leaky ReLU: ``(n, c, 2 h, 2 w)`` to ``(n, channels_out, h, w)``."""
    layers: list[nn.Module] = [nn.Conv2d(channels_in, channels_out, KERNEL, 2, padding=1), nn.LeakyReLU(SLOPE)]
    if normalised:
        layers.append(Normalisation(channels_out))
    return nn.Sequential(*layers)


def doubled(channels_in: int, channels_out: int) -> nn.Sequential:
    """Return a doubling by repetition and a 4 x 4 convolution: ``(n, c, h, w)`` to ``(n, channels_out, 2 h, 2 w)``."""
    # an even kernel has no middle: one pixel before and two after, as in Keras
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.ZeroPad2d((1, 2, 1, 2)),
        nn.Conv2d(channels_in, channels_out, KERNEL),
    )


class Pix2pix(nn.Module):
    """The generator: six halvings to eight times the first width, six doublings, skip connections.

    The sigmoid of its logits takes the place of the hyperbolic tangent of the paper.

    Parameters
    ----------
    depth
        Slices that enter as channels.
    width
        Channels of the first level.
    """

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.depth, self.first_width = depth, width
        widths = [times * width for times in (1, 2, 4, 8, 8, 8)]
        ups = [times * width for times in (8, 8, 4, 2, 1)]
        self.down = nn.ModuleList(halving(a, b) for a, b in zip((depth, *widths[:-1]), widths, strict=True))
        self.up = nn.ModuleList()
        width = widths[-1]
        for up, skipped in zip(ups, reversed(widths[:-1]), strict=True):
            self.up.append(nn.Sequential(doubled(width, up), nn.ReLU(), Normalisation(up)))
            width = up + skipped
        self.head = doubled(width, 1)
        initialise(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)``; h and w are multiples of 64."""
        skipped = []
        for level in self.down:
            x = level(x)
            skipped.append(x)
        skipped.pop()
        for level in self.up:
            x = joined(level(x), skipped.pop())
        return self.head(x)


class Discriminator(nn.Module):
    """PatchGAN, 2.8 million parameters: four halvings and a verdict on each patch (section 3.2.2).

    Parameters
    ----------
    depth
        Slices of the image that it sees beside the labels.
    width
        Channels of the first level.
    """

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            halving(1 + depth, width, normalised=False),
            halving(width, 2 * width),
            halving(2 * width, 4 * width),
            halving(4 * width, 8 * width),
            nn.ZeroPad2d((1, 2, 1, 2)),
        )
        self.head = nn.Conv2d(8 * width, 1, KERNEL)
        initialise(self)
        # undecided at first, so that chance sends the generator nowhere
        self.head.weight.data.zero_()
        self.head.bias.data.fill_(0.5)  # type: ignore[union-attr]

    def forward(self, drawn: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Map labels ``(n, 1, h, w)`` from 0 to 1 and ``(n, depth, h, w)`` to verdicts ``(n, 1, h / 16, w / 16)``.

        A verdict is near 1 where a person drew, near 0 where the generator did.
        """
        return self.head(self.features(joined(drawn, images))).float()


class Adversarial:
    """Train the generator and the discriminator in turn, one step each; an `ais_app.core.training.objective.Objective`.

    The discriminator's loss is the squared distance of its verdicts from 1 and 0 (Mao et al., 2017), which goes on
    telling the generator where to go when the discriminator is sure of itself.

    Parameters
    ----------
    usual
        The objective of segmentation: gives the generator, its loss and its optimiser.
    """

    def __init__(self, usual: Any) -> None:
        self.usual = usual
        generator, device = usual.network.body, next(usual.network.parameters()).device
        self.discriminator = Discriminator(generator.depth, generator.first_width).to(device)
        self.modules = {"discriminator": self.discriminator}
        against = torch.optim.Adam(self.discriminator.parameters(), betas=BETAS)
        self.optimisers = {**usual.optimisers, "discriminator": against}

    def step(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        rate: float,
        precision: Callable[[], AbstractContextManager[None]],
    ) -> float:
        """Change the discriminator's weights, then the generator's; return the generator's loss."""
        with precision():
            logits = self.usual.network.logits(images)
        drawn = torch.sigmoid(logits.float())
        # where nobody said what is right, both drawings are the generator's: nothing is to be learned there
        right = torch.where(labels[:, None] == IGNORE, drawn.detach(), (labels[:, None] == 1).float())
        self.discriminator.requires_grad_(True)
        with precision():
            persons, generators = self.discriminator(right, images), self.discriminator(drawn.detach(), images)
        mistakes = (persons - 1).square().mean() / 2 + generators.square().mean() / 2
        self.usual.follow(mistakes, PATIENT * rate, self.optimisers["discriminator"])
        self.discriminator.requires_grad_(False)
        with precision():
            verdict = self.discriminator(drawn, images)
        loss = self.usual.loss(logits, labels) + ADVERSARIAL * (verdict - 1).square().mean()
        self.usual.follow(loss, rate)
        return float(loss.detach())

    def measure(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss without the discriminator, whose word changes its meaning from epoch to epoch."""
        return self.usual.measure(logits, labels)


def build(depth: int = 1, width: int = 64) -> Pix2pix:
    """Return the generator for slabs of `depth` slices; `width` channels at first, eight times as many at the end."""
    return Pix2pix(depth, width)


ARCHITECTURE = Architecture(
    name="pix2pix",
    title="Pix2pix",
    dimension=2,
    stride=64,
    receptive_field=505,
    build=build,
    parameters={"width": 64},
    source="Last et al. (2024), eLife, table 1, after Isola et al. (2017)",
    objective=Adversarial,
)
