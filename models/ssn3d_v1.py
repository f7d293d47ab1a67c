"""SSN3D-v1, 2,042,158 parameters: decides at an eighth of the resolution and repeats voxels.

Cubes of the paper are 40 voxels wide; the number of parameters is that of ``classes=2``, the default, at any size. With
several classes class 0 is background; ``classes=1`` gives one logit for each voxel.
"""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models._ssn3d import CLASSES, DROPOUT, SOURCE, STRIDE, Encoder, deciding
from ais_app.models.layers3d import as_logits, as_volume, doubling3d, initialise3d, pointwise
from torch import nn


class SSN3Dv1(nn.Module):
    """Encoder, two layers of 1,024, a score for each class, then doublings with a mixing of classes between them.

    Parameters
    ----------
    classes
        Classes of voxels.
    dropout
        Share of the 1,024 features that training drops.
    """

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.deciding = deciding(dropout)
        self.score = pointwise(1024, classes)
        self.decoder = nn.Sequential(
            doubling3d(), pointwise(classes, classes), doubling3d(), pointwise(classes, classes), doubling3d()
        )
        initialise3d(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, d, h, w)``, multiples of 8, to logits ``(n, classes, d, h, w)``; without that axis for one."""
        encoded = self.encoder(as_volume(x))[-1]
        return as_logits(self.decoder(self.score(self.deciding(encoded))))


def build(depth: int = 1, classes: int = CLASSES, dropout: float = DROPOUT) -> SSN3Dv1:
    """Return the network; it takes any number of slices, so `depth` changes nothing."""
    return SSN3Dv1(classes, dropout)


ARCHITECTURE = Architecture(
    name="ssn3d_v1",
    title="SSN3D-v1",
    dimension=3,
    stride=STRIDE,
    receptive_field=43,
    build=build,
    parameters={"classes": CLASSES, "dropout": DROPOUT},
    source=SOURCE,
)
