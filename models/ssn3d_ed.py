"""SSN3D-ED, 895,746 parameters: an encoder and a decoder of equal widths, with sums between them.

Cubes of the paper are 40 voxels wide; the number of parameters is that of ``classes=2``, the default, at any size. With
several classes class 0 is background; ``classes=1`` gives one logit for each voxel.
"""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models._ssn3d import CLASSES, ENCODED, SOURCE, STRIDE, Encoder
from ais_app.models.layers3d import as_logits, as_volume, convolution3d, doubling3d, initialise3d, pointwise
from torch import nn


class SSN3DED(nn.Module):
    """Encoder 32-64-128, decoder 128-64-32 of 1 x 1 x 1 convolutions; what follows a maximum is added.

    Parameters
    ----------
    classes
        Classes of voxels.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.coarse = convolution3d(ENCODED, 128, edge=1)
        self.skip_middle = pointwise(64, 128)
        self.middle = convolution3d(128, 64, edge=1)
        self.skip_fine = pointwise(32, 64)
        self.fine = convolution3d(64, 32, edge=1)
        self.score = pointwise(32, classes)
        self.doubled = doubling3d()
        initialise3d(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, d, h, w)``, multiples of 8, to logits ``(n, classes, d, h, w)``; without that axis for one."""
        fine, middle, coarse = self.encoder(as_volume(x))
        found = self.doubled(self.coarse(coarse)) + self.skip_middle(middle)
        found = self.doubled(self.middle(found)) + self.skip_fine(fine)
        return as_logits(self.score(self.doubled(self.fine(found))))


def build(depth: int = 1, classes: int = CLASSES) -> SSN3DED:
    """Return the network; it takes any number of slices, so `depth` changes nothing."""
    return SSN3DED(classes)


ARCHITECTURE = Architecture(
    name="ssn3d_ed",
    title="SSN3D-ED",
    dimension=3,
    stride=STRIDE,
    receptive_field=43,
    build=build,
    parameters={"classes": CLASSES},
    source=SOURCE,
)
