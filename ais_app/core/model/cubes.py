"""What networks of cubes look like from outside: standardised subtomograms in; classes, features or codes out."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ais_app.core.errors import ModelProblem
from ais_app.core.model.network import Network


class CubeNetwork(Network):
    """An architecture that classifies or encodes cubes, with the checks on what goes in.

    Parameters
    ----------
    body
        Maps ``(n, d, h, w)`` float32 to logits ``(n, classes)``, and has ``features(x)``; or maps them to cubes of
        the same shape, and has ``encode(x)``, ``decode(code)`` and, where its ``classes`` is not 0, ``logits(x)``.
        ``size`` is the edge of the cubes it takes, or ``None`` where any will do that are at least ``smallest``.
    depth
        1: a cube enters whole.
    task
        ``"classify"`` or ``"encode"``.
    """

    def __init__(self, body: nn.Module, depth: int, task: str) -> None:
        if depth != 1:
            raise ModelProblem("model card", f"depth = {depth} does not suit a network of cubes", "give 1")
        super().__init__(body, depth=1, stride=1, dimension=3)
        self.task = task
        self.size: int | None = getattr(body, "size", None)
        self.smallest: int = getattr(body, "smallest", 1)
        self.classes: int = getattr(body, "classes", 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return probabilities ``(n, classes)``, float32, of cubes ``(n, d, h, w)``; an encoder gives decoded cubes."""
        if self.task == "classify":
            return torch.softmax(self.logits(x).float(), dim=1)
        self._check_shape(x)
        return self.body(x)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of the classes, ``(n, classes)``.

        Raises
        ------
        ModelProblem
            The input is not cubes of a size that the network takes, or the network does not classify.
        """
        self._check_shape(x)
        if self.task == "classify":
            return self.body(x)
        if not self.classes:
            remedy = "build it with the parameter classes, or use a classification network"
            raise ModelProblem("network", "is an encoder without a classifier", remedy)
        return self._method("logits")(x)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return what comes before the last layer, ``(n, f)``; of an encoder, the code. Raises as `logits`."""
        self._check_shape(x)
        return self._method("features" if self.task == "classify" else "encode")(x)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return the codes of cubes, ``(n, code)``. Raises as `logits`."""
        self._check_shape(x)
        return self._method("encode")(x)

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Return the cubes of codes, ``(n, size, size, size)``."""
        return self._method("decode")(code)

    def parts(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor | None]:
        """Return what an encoder is trained by: decoded cubes, what is to be kept sparse, logits of its classifier.

        Parameters
        ----------
        x
            ``(n, d, h, w)``.

        Returns
        -------
        Tensor, list of Tensor, Tensor or None
            ``(n, d, h, w)``; the code and maybe other activations, each ``(n, f)``; ``(n, classes)``, or ``None``
            without a classifier. Of a body with a method ``parts`` its own, else made of its other methods.
        """
        self._check_shape(x)
        if own := getattr(self.body, "parts", None):
            return own(x)
        code = self.encode(x)
        return self.decode(code), [code], self.logits(x) if self.classes else None

    def _method(self, name: str) -> nn.Module:
        method = getattr(self.body, name, None)
        if method is None:
            raise ModelProblem("network", f"is there to {self.task} and does not {name}", "choose another network")
        return method

    def _check_shape(self, x: torch.Tensor) -> None:
        # an exporter traces with symbolic sizes, which cannot be compared
        if torch.compiler.is_compiling() or torch.jit.is_tracing():
            return
        shape = tuple(x.shape)
        edges = "(n, d, h, w)" if self.size is None else f"(n, {self.size}, {self.size}, {self.size})"
        wrong = len(shape) != 4 or (self.size is not None and shape[1:] != (self.size,) * 3)
        if wrong:
            raise ModelProblem("network input", f"has the shape {shape}", f"give {edges}: cut cubes of this size")
        if min(shape[1:]) < self.smallest:
            problem = f"has the shape {shape}"
            raise ModelProblem("network input", problem, f"give cubes of at least {self.smallest} voxels")


def standardised(cubes: np.ndarray) -> np.ndarray:
    """Bring each cube to mean 0 and deviation 1, as networks of cubes see them in training and after it.

    Parameters
    ----------
    cubes
        (n, d, h, w), any kind of numbers.

    Returns
    -------
    ndarray
        (n, d, h, w) float32, a new array; a cube whose voxels are all equal becomes zeros.

    Raises
    ------
    ModelProblem
        The array has not four axes, or holds NaN or infinite voxels.
    """
    if cubes.ndim != 4:
        raise ModelProblem("cubes", f"have the shape {cubes.shape}", "give (n, d, h, w)")
    result = cubes.astype(np.float32)
    for number, cube in enumerate(result):
        if not np.isfinite(cube).all():
            raise ModelProblem("cubes", f"number {number} holds NaN or infinite voxels", "replace them first")
        cube -= cube.mean(dtype=np.float64)
        deviation = cube.std(dtype=np.float64)
        if deviation > 0:
            cube /= deviation
    return result
