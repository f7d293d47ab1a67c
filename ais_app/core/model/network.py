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
        Maps ``(n, depth, h, w)`` float32 to logits ``(n, 1, h, w)``, those of the middle slice. In three dimensions:
        any number of slices to logits ``(n, d, h, w)``, one for each voxel, or ``(n, classes, d, h, w)``, class 0
        being background.
    depth
        Slices it takes; in three dimensions those of its training boxes, and it takes any number.
    stride
        Heights and widths must be multiples of it, in three dimensions numbers of slices too.
    dimension
        2: slices enter as channels. 3: volumes.
    """

    def __init__(self, body: nn.Module, depth: int, stride: int, dimension: int = 2) -> None:
        super().__init__()
        self.body = body
        self.depth = depth
        self.stride = stride
        self.dimension = dimension
        self.task = "segment"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the probability, ``(n, 1 or d, h, w)`` float32 from 0 to 1, of normalised ``(n, d, h, w)``."""
        # the sigmoid in float32 also under autocast: bfloat16 has no values between 0.996 and 1
        return torch.sigmoid(self.logits(x).float())

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits, which losses take: ``(n, 1, h, w)``, in three dimensions ``(n, d, h, w)``.

        Those of several classes become the one logit of not being background, so that their softmax and its sigmoid
        say the same.

        Raises
        ------
        ModelProblem
            The input has not four axes, not the network's depth, or a size the network cannot halve.
        """
        # an exporter traces with symbolic sizes, which cannot be compared
        if not (torch.compiler.is_compiling() or torch.jit.is_tracing()):
            self._check(tuple(x.shape))
        logits: torch.Tensor = self.body(x)
        return logits if logits.ndim < _WITH_CLASSES else not_background(logits)

    def channels_last(self) -> Network:
        """Lay the weights out with channels innermost, the order in which convolutions are fastest; return itself.

        ``to`` and not ``contiguous``: with one channel both orders are the same memory, and only ``to`` then also says
        so in the strides, by which the convolution chooses.
        """
        for weight in self.parameters():
            if weight.ndim in _INNERMOST:
                weight.data = weight.data.to(memory_format=_INNERMOST[weight.ndim])
        return self

    def _check(self, shape: tuple[int, ...]) -> None:
        volume = self.dimension == 3
        wanted = "(n, d, h, w)" if volume else f"(n, {self.depth}, h, w)"
        if len(shape) != 4 or (shape[1] != self.depth and not volume):
            what = "volumes without a channel axis" if volume else f"{self.depth} neighbouring slices as channels"
            raise ModelProblem("network input", f"has the shape {shape}", f"give {wanted}: {what}")
        sizes = shape[1:] if volume else shape[2:]
        padded = tuple(-(-max(size, 1) // self.stride) * self.stride for size in sizes)
        if padded != sizes:
            remedy = f"pad to {' x '.join(map(str, padded))}, multiples of {self.stride}"
            kind = "voxels" if volume else "pixels"
            raise ModelProblem("network input", f"is {' x '.join(map(str, sizes))} {kind}", remedy)


def not_background(logits: torch.Tensor) -> torch.Tensor:
    """Map ``(n, classes, d, h, w)`` to the logit ``(n, d, h, w)`` of the probability of all classes but 0."""
    others = logits[:, 1] if logits.shape[1] == 2 else torch.logsumexp(logits[:, 1:], dim=1)
    return others - logits[:, 0]


_WITH_CLASSES = 5  # axes
_INNERMOST = {4: torch.channels_last, 5: torch.channels_last_3d}
