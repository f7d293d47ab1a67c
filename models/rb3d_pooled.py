"""RB3D pooled: the convolutions of RB3D, averaged to 2³ cells, then one dense layer.

The convolutions of Che et al. (2018), Machine Vision and Applications 29, 1227. Shapes for 23 classes::

    convolution 32 of 3³, maximum of 2³     20³ × 32    for cubes of 40 voxels
    4 × block (see `_rb3d`)                 20³ × 32
    mean over 2 × 2 × 2 cells, flat         256         the features
    dense 23                                23          121,815 parameters

Cubes of any size of at least 4 voxels fit.
"""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._classify3d import CHE, CLASSES, SIZE, CubeClassifier, check_numbers
from ais_app.models._rb3d import trunk
from torch import nn

DROP = 0.0
SMALLEST = 4  # voxels


def build(depth: int = 1, classes: int = CLASSES, drop: float = DROP) -> CubeClassifier:
    """Return the network; `depth` is 1, as a cube enters whole, and `drop` the dropout in the blocks."""
    check_numbers(classes, SMALLEST, SMALLEST)
    neck = nn.Sequential(nn.AdaptiveAvgPool3d(2), nn.Flatten())
    return CubeClassifier(trunk(drop), neck, nn.Linear(32 * 8, classes), classes=classes, smallest=SMALLEST)


ARCHITECTURE = Architecture(
    name="rb3d_pooled",
    title="RB3D, pooled",
    dimension=3,
    stride=1,
    receptive_field=SIZE,
    build=build,
    parameters={"classes": CLASSES, "drop": DROP},
    source=f"{CHE}, with pooling before the last layer",
    task="classify",
)
