"""DSRF3D: a small VGG of cubes with two dense layers of 512 units.

Xu et al. (2017), Bioinformatics 33, i13, figure 1 (deep small receptive field network). Shapes for cubes of 40 voxels
and 23 classes; 3 × 3 × 3 convolutions, zeros beyond the border, ReLU::

    2 × convolution 32, maximum of 2³     20³ × 32
    2 × convolution 64, maximum of 2³     10³ × 64
    flat                                  64,000
    dense 512, dense 512                  512        the features
    dense 23                              23         33,237,559 parameters
"""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._classify3d import (
    CLASSES,
    SIZE,
    XU,
    CubeClassifier,
    check_numbers,
    dense,
    halving,
    initialise_as_published,
    parameters,
)
from torch import nn

SMALLEST = 4  # voxels


def build(depth: int = 1, size: int = SIZE, classes: int = CLASSES) -> CubeClassifier:
    """Return the network for cubes of `size` voxels; `depth` is 1, as a cube enters whole."""
    check_numbers(classes, size, SMALLEST)
    trunk = nn.Sequential(halving(1, 32, 32), halving(32, 64, 64))
    neck = nn.Sequential(nn.Flatten(), dense(64 * (size // 4) ** 3, 512, 512))
    head, initial = nn.Linear(512, classes), initialise_as_published
    return CubeClassifier(trunk, neck, head, classes=classes, size=size, smallest=SMALLEST, initial=initial)


ARCHITECTURE = Architecture(
    name="dsrf3d",
    title="DSRF3D",
    dimension=3,
    stride=1,
    receptive_field=SIZE,
    build=build,
    parameters=parameters(),
    source=f"{XU}, figure 1",
    task="classify",
)
