"""EDSS3D, 111,715 parameters: a small encoder and decoder for labels that come from clusters of decoded cubes.

Cubes of the paper are 32 voxels wide; the number of parameters is that of ``classes=3``, the default (background and
two groups of clusters), at any size. With several classes class 0 is background; ``classes=1`` gives one logit for
each voxel. The kernel of the output layer, lost in the figure's text, is 1 x 1 x 1.
"""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models.layers3d import (
    as_logits,
    as_volume,
    convolution3d,
    doubling3d,
    halving3d,
    initialise3d,
    pointwise,
)
from torch import nn

CLASSES = 3
WIDTH = 32


class EDSS3D(nn.Module):
    """Five 3 x 3 x 3 convolutions of 32 filters, two maxima on the way in, two doublings on the way out.

    Parameters
    ----------
    classes
        Classes of voxels.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            convolution3d(1, WIDTH), halving3d(), convolution3d(WIDTH, WIDTH), halving3d(), convolution3d(WIDTH, WIDTH)
        )
        self.decoder = nn.Sequential(
            doubling3d(), convolution3d(WIDTH, WIDTH), doubling3d(), convolution3d(WIDTH, WIDTH)
        )
        self.score = pointwise(WIDTH, classes)
        initialise3d(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, d, h, w)``, multiples of 4, to logits ``(n, classes, d, h, w)``; without that axis for one."""
        return as_logits(self.score(self.decoder(self.encoder(as_volume(x)))))


def build(depth: int = 1, classes: int = CLASSES) -> EDSS3D:
    """Return the network; it takes any number of slices, so `depth` changes nothing."""
    return EDSS3D(classes)


ARCHITECTURE = Architecture(
    name="edss3d",
    title="EDSS3D",
    dimension=3,
    stride=4,
    receptive_field=27,
    build=build,
    parameters={"classes": CLASSES},
    source="Zeng et al. (2018), J. Struct. Biol. 202, 150, section 2.4 and figure 2b",
)
