"""Modules that compute what layers of Keras do, channels first; see `_keras_layers` for how they are made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from ais_app.models._keras_axis import Step
from torch import nn
from torch.nn import functional

PAIRS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "Add": torch.add, "Average": torch.add, "Subtract": torch.sub, "Multiply": torch.mul,
    "Maximum": torch.maximum, "Minimum": torch.minimum,
}  # fmt: skip


class OddConvolution(nn.Conv2d):
    """A convolution whose padding is one pixel wider behind."""

    odd = (0, 0, 0, 0)  # left, right, top, bottom, beyond the even padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, c, h, w)`` to ``(n, channels, h', w')``."""
        return super().forward(functional.pad(x, self.odd))


class OddTransposedConvolution(nn.ConvTranspose2d):
    """A transposed convolution that is cut one pixel more behind."""

    surplus = (0, 0)  # below, behind

    def forward(self, x: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        """Map ``(n, c, h, w)`` to ``(n, channels, h', w')``."""
        below, behind = self.surplus
        full = super().forward(x, output_size)
        return full[..., : -below if below else None, : -behind if behind else None]


def convolution(channels: tuple[int, int], window: tuple[int, int], steps: Sequence[Step], **options: Any) -> nn.Conv2d:
    """Return a convolution with the padding of Keras: torch's own wherever it can do it."""
    y, x = steps
    even = min(y.before, y.after), min(x.before, x.after)
    odd = (x.before - even[1], x.after - even[1], y.before - even[0], y.after - even[0])
    if not any(odd):
        return nn.Conv2d(*channels, window, padding=even, **options)
    made = OddConvolution(*channels, window, padding=even, **options)
    made.odd = odd
    return made


def transposed(
    channels: tuple[int, int], window: tuple[int, int], steps: Sequence[Step], **options: Any
) -> nn.ConvTranspose2d:
    """Return a transposed convolution that is cut, or filled up with zeros behind, as Keras does."""
    y, x = steps
    options |= {"padding": (-y.before, -x.before), "output_padding": (max(y.after, 0), max(x.after, 0))}
    surplus = max(y.before - y.after, 0), max(x.before - x.after, 0)
    if not any(surplus):
        return nn.ConvTranspose2d(*channels, window, **options)
    made = OddTransposedConvolution(*channels, window, **options)
    made.surplus = surplus
    return made


class MaxPooling(nn.MaxPool2d):
    """The largest of each window; padding counts as nothing."""

    def __init__(self, window: Sequence[int], strides: Sequence[int], pads: Sequence[int]) -> None:
        super().__init__(tuple(window), tuple(strides))  # type: ignore[arg-type]
        self.pads = tuple(pads)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, c, h, w)`` to ``(n, c, h', w')``."""
        return super().forward(functional.pad(x, self.pads, value=-math.inf) if any(self.pads) else x)


class AveragePooling(nn.AvgPool2d):
    """The mean of each window; padding does not count."""

    def __init__(self, window: Sequence[int], strides: Sequence[int], pads: Sequence[int]) -> None:
        super().__init__(tuple(window), tuple(strides))  # type: ignore[arg-type]
        self.pads = tuple(pads)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, c, h, w)`` to ``(n, c, h', w')``."""
        if not any(self.pads):
            return super().forward(x)
        share = super().forward(functional.pad(torch.ones_like(x[:1, :1]), self.pads))
        return super().forward(functional.pad(x, self.pads)) / share


class Upsampling(nn.Upsample):
    """Pixels repeated, or interpolated between their centres."""


class Padding(nn.Module):
    """Zeros around, or, where the numbers are negative, pixels cut off."""

    def __init__(self, pads: Sequence[int]) -> None:
        super().__init__()
        self.pads = tuple(pads)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, c, h, w)`` to ``(n, c, h', w')``."""
        left, right, top, bottom = self.pads
        if min(self.pads) >= 0:
            return functional.pad(x, self.pads)
        return x[..., -top : bottom or None, -left : right or None]


class Merge(nn.Module):
    """Several inputs of one size become one."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Map tensors ``(n, c, h, w)`` to one."""
        if self.kind == "Concatenate":
            return torch.cat(inputs, dim=1)
        result = inputs[0]
        for other in inputs[1:]:
            result = PAIRS[self.kind](result, other)
        return result / len(inputs) if self.kind == "Average" else result


class ProbabilityToLogit(nn.Module):
    """For networks that do not end in a sigmoid: what they give, cut to 0 … 1, is the probability."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what a sigmoid maps to the input, cut to 1e-6 … 1 - 1e-6."""
        x = x.float().clamp(1e-6, 1 - 1e-6)
        return torch.log(x / (1 - x))
