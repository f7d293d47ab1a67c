"""What the networks that classify cubes share: blocks, the way from maps to logits, initial weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from ais_app.models.layers3d import convolutions3d
from torch import nn

SIZE, CLASSES = 40, 23  # of the papers: cubes of 40 voxels, 22 complexes and "nothing"
CHE = "Che et al. (2018), Machine Vision and Applications 29, 1227"
XU = "Xu et al. (2017), Bioinformatics 33, i13"


class CubeClassifier(nn.Module):
    """Cubes through convolutions, then through dense layers to one logit for each class.

        (n, d, h, w) ─► trunk ─► (n, c, d', h', w') ─► neck ─► features (n, f) ─► head ─► logits (n, classes)

    Parameters
    ----------
    trunk, neck, head
        The three parts.
    classes
        Logits that `head` gives.
    size
        Edge of the cubes that fit, in voxels; ``None`` where any fit that are at least `smallest` long.
    smallest
        Shortest edge of a cube that the trunk does not shrink to nothing.
    initial
        Sets the initial weights: `initialise` or `initialise_as_published`.
    """

    def __init__(
        self,
        trunk: nn.Module,
        neck: nn.Module,
        head: nn.Module,
        *,
        classes: int,
        size: int | None = None,
        smallest: int = 1,
        initial: Callable[[nn.Module], None] | None = None,
    ) -> None:
        super().__init__()
        self.trunk, self.neck, self.head = trunk, neck, head
        self.classes, self.size, self.smallest = classes, size, smallest
        (initial or initialise)(self)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Map cubes ``(n, d, h, w)`` to what comes before the last layer, ``(n, f)``."""
        return self.neck(self.trunk(x[:, None]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map cubes ``(n, d, h, w)`` to logits ``(n, classes)``."""
        return self.head(self.features(x))


def check_numbers(classes: int, size: int, smallest: int) -> None:
    """Raise `ValueError` where there is no class, or where cubes of `size` voxels would shrink to nothing."""
    if size < smallest:
        raise ValueError(f"cubes of {size} voxels are too small; the smallest is {smallest}")
    if classes < 1:
        raise ValueError(f"{classes} classes are too few")


def halving(channels_in: int, *channels_out: int) -> nn.Sequential:
    """Return 3³ convolutions with ReLU, one for each number of output channels, and the maximum over 2³ voxels."""
    return nn.Sequential(*convolutions3d(channels_in, *channels_out), nn.MaxPool3d(2))


def dense(inputs: int, *widths: int, drop: float = 0.0) -> nn.Sequential:
    """Return fully connected layers, each with ReLU and dropout: ``(n, inputs)`` to ``(n, widths[-1])``."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU(inplace=True)]
        if drop:
            layers.append(nn.Dropout(drop))
        inputs = width
    return nn.Sequential(*layers)


def initialise(network: nn.Module) -> None:
    """Set initial weights: normal with the variance that keeps the signal's through ReLUs, biases zero.

    He et al. (2015), Delving deep into rectifiers, section 2.2. The last layer, which has no ReLU behind it, takes half
    the variance.
    """
    layers = [module for module in network.modules() if isinstance(module, (nn.Conv3d, nn.Linear))]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="linear" if layer is layers[-1] else "relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def initialise_as_published(network: nn.Module) -> None:
    """Set initial weights as Keras does, in which Xu et al. wrote their networks: Glorot's uniform ones, biases zero.

    Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, equation 16.
    What goes into the last layer of a network without batch normalisation is all positive and much the same for every
    cube. With the larger weights of `initialise` its logits start with offsets of several units between the classes,
    whatever the cube: a small training spends its first epochs on these (Inception3D, 54,880 inputs: a loss of ten).
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv3d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def parameters(**more: Any) -> dict[str, Any]:
    """Return the parameters that all of them have, with their defaults, and `more`."""
    return {"size": SIZE, "classes": CLASSES, **more}
