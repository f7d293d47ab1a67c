"""DSRF3D-v2: DSRF3D with a third level, wider dense layers and dropout.

Che et al. (2018), Machine Vision and Applications 29, 1227. Shapes for cubes of 40 voxels and 23 classes;
3 × 3 × 3 convolutions, zeros beyond the border, ReLU::

    2 × convolution 32, maximum of 2³     20³ × 32
    2 × convolution 64, maximum of 2³     10³ × 64
    2 × convolution 128, maximum of 2³    5³ × 128
    flat                                  16,000
    2 × dense 1024, dropout               1,024      the features
    dense 23                              23         18,316,599 parameters

The share that dropout drops is 0.7, as the networks of the paper were trained.
"""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._classify3d import CHE, CLASSES, SIZE, CubeClassifier, check_numbers, dense, halving, parameters
from torch import nn

DROP = 0.7
SMALLEST = 8  # voxels


def build(depth: int = 1, size: int = SIZE, classes: int = CLASSES, drop: float = DROP) -> CubeClassifier:
    """Return the network for cubes of `size` voxels; `depth` is 1, as a cube enters whole."""
    check_numbers(classes, size, SMALLEST)
    trunk = nn.Sequential(halving(1, 32, 32), halving(32, 64, 64), halving(64, 128, 128))
    neck = nn.Sequential(nn.Flatten(), dense(128 * (size // 8) ** 3, 1024, 1024, drop=drop))
    return CubeClassifier(trunk, neck, nn.Linear(1024, classes), classes=classes, size=size, smallest=SMALLEST)


ARCHITECTURE = Architecture(
    name="dsrf3d_v2",
    title="DSRF3D v2",
    dimension=3,
    stride=1,
    receptive_field=SIZE,
    build=build,
    parameters=parameters(drop=DROP),
    source=CHE,
    task="classify",
)
