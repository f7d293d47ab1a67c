"""UNet 3D, 1 million parameters: a residual UNet of volumes, the practical default among them.

    (n, d, h, w) ─► 16 channels ───────────────────────── + ─► 16 ─► logits (n, d, h, w)
                      └► half size, 48 ────────── + ─► 48 ┘
                           └► quarter size, 144 ──┘

Skip connections add instead of concatenating: decoders of full size are what a UNet of volumes spends its time in, and
this halves them. Two halvings keep the receptive field at 47 voxels, so that a window of a tomogram is mostly what
is kept of it and not its halo; so do volumes of few slices.
"""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models.layers3d import (
    Residual3d,
    as_logits,
    as_volume,
    doubling3d,
    halving3d,
    initialise3d,
    pointwise,
)
from torch import nn


class UNet3D(nn.Module):
    """Three levels of one residual block, then two on the way back.

    Parameters
    ----------
    widths
        Channels of the three levels, finest first.
    classes
        1: one logit for each voxel; more: one for each class, class 0 being background.
    """

    def __init__(self, widths: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.fine = Residual3d(1, fine)
        self.middle = Residual3d(fine, middle)
        self.coarse = Residual3d(middle, coarse)
        self.to_middle = pointwise(coarse, middle)
        self.up_middle = Residual3d(middle, middle)
        self.to_fine = pointwise(middle, fine)
        self.up_fine = Residual3d(fine, fine)
        self.head = pointwise(fine, classes)
        self.halved = halving3d()
        self.doubled = doubling3d()
        initialise3d(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, d, h, w)``, multiples of 4, to logits ``(n, d, h, w)``; ``(n, classes, d, h, w)`` for several."""
        fine = self.fine(as_volume(x))
        middle = self.middle(self.halved(fine))
        coarse = self.coarse(self.halved(middle))
        middle = self.up_middle(middle + self.doubled(self.to_middle(coarse)))
        return as_logits(self.head(self.up_fine(fine + self.doubled(self.to_fine(middle)))))


def build(depth: int = 1, width: int = 16, classes: int = 1) -> UNet3D:
    """Return the network; it takes any number of slices, so `depth` changes nothing."""
    return UNet3D((width, 3 * width, 9 * width), classes)


ARCHITECTURE = Architecture(
    name="unet3d",
    title="UNet 3D",
    dimension=3,
    stride=4,
    receptive_field=47,
    build=build,
    parameters={"width": 16, "classes": 1},
    source="Çiçek et al. (2016), MICCAI, 3D U-Net, with the residual blocks of He et al. (2016)",
)
