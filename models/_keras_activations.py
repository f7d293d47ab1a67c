"""The activation functions of Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class Rectifier(nn.Module):
    """Keras's ReLU with all its numbers: linear above a threshold, up to a largest value, a slope below."""

    def __init__(self, slope: float, largest: float | None, threshold: float) -> None:
        super().__init__()
        self.slope, self.largest, self.threshold = slope, largest, threshold

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map any tensor to one of its shape."""
        above = x if self.largest is None else x.clamp(max=self.largest)
        return torch.where(x >= self.threshold, above, self.slope * (x - self.threshold))


class Function(nn.Module):
    """A function without parameters."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map any tensor to one of its shape."""
        return PLAIN[self.name](x)


class HardSigmoid(nn.Module):
    """A line cut at 0 and 1; its slope is 1/5 in Keras 2 and 1/6 in Keras 3."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map any tensor to one of its shape."""
        return (self.slope * x + 0.5).clamp(0, 1)


PLAIN: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "relu6": functional.relu6,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "mish": functional.mish,
    "exponential": torch.exp,
    "log_sigmoid": functional.logsigmoid,
    "hard_silu": functional.hardswish,
    "hard_tanh": functional.hardtanh,
    "softmax": lambda x: torch.softmax(x, dim=1),
}


def activation(node: Mapping[str, Any]) -> nn.Module:
    """Return the function of a node: ``{"function": "relu", ...}`` with its numbers, if it has some.

    Raises
    ------
    ValueError
        The function is not known, or a number is missing.
    """
    name = node.get("function")
    if name == "relu" and "slope" in node:
        largest = node.get("largest")
        return Rectifier(_number(node, "slope"), None if largest is None else _number(node, "largest"),
                         _number(node, "threshold"))  # fmt: skip
    if name == "leaky_relu":
        return nn.LeakyReLU(_number(node, "slope"))
    if name == "elu":
        return nn.ELU(_number(node, "slope"))
    if name == "hard_sigmoid":
        return HardSigmoid(_number(node, "slope"))
    if name not in PLAIN:
        raise ValueError(f"the activation {name!r} of {node['name']} is not known")
    return Function(name)


def _number(node: Mapping[str, Any], name: str) -> float:
    value = node.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= 1e6:
        raise ValueError(f"{name} of {node['name']} is {value!r}, not a number")
    return float(value)
