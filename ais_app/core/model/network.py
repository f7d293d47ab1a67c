"""What every network looks like from outside: normalised slabs in, probability out."""

from __future__ import annotations

import torch
from torch import nn

from ais_app.core.errors import ModelProblem


class Network(nn.Module):
    """An architecture with its sigmoid and the checks on what goes in.

    Parameters
    ----------
    body
        Maps ``(n, depth, h, w)`` float32 to logits ``(n, 1, h, w)``.
    depth
        Slices it takes.
    stride
        Heights and widths must be multiples of it.
    """

    def __init__(self, body: nn.Module, depth: int, stride: int) -> None:
        super().__init__()
        self.body = body
        self.depth = depth
        self.stride = stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the probability, ``(n, 1, h, w)`` float32 from 0 to 1, of normalised ``(n, depth, h, w)``."""
        # the sigmoid in float32 also under autocast: bfloat16 has no values between 0.996 and 1
        return torch.sigmoid(self.logits(x).float())

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits ``(n, 1, h, w)``, which losses take.

        Raises
        ------
        ModelProblem
            The input has not four axes, not the network's depth, or a height or width the network cannot halve.
        """
        # an exporter traces with symbolic sizes, which cannot be compared
        if not (torch.compiler.is_compiling() or torch.jit.is_tracing()):
            self._check(tuple(x.shape))
        return self.body(x)

    def _check(self, shape: tuple[int, ...]) -> None:
        wanted = f"(n, {self.depth}, h, w)"
        if len(shape) != 4 or shape[1] != self.depth:
            remedy = f"give {wanted}: {self.depth} neighbouring slices as channels"
            raise ModelProblem("network input", f"has the shape {shape}", remedy)
        height, width = shape[2:]
        padded = tuple(-(-max(size, 1) // self.stride) * self.stride for size in (height, width))
        if padded != (height, width):
            remedy = f"pad to {padded[0]} x {padded[1]}, multiples of {self.stride}"
            raise ModelProblem("network input", f"is {height} x {width} pixels", remedy)
