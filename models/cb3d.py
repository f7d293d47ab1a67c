"""CB3D: eight convolutions of up to 512 channels and two dense layers of 4096 units.

Che et al. (2018), Machine Vision and Applications 29, 1227 (network after C3D). Shapes for cubes of 40
voxels and 23 classes; 3 × 3 × 3 convolutions, zeros beyond the border, ReLU::

    convolution 64, maximum of 1 × 2 × 2                           40 × 20 × 20 × 64
    convolution 128, maximum of 2³                                 20 × 10 × 10 × 128
    2 × convolution 256, maximum of 2³                             10 × 5 × 5 × 256
    2 × convolution 512, maximum of 2³                             5 × 2 × 2 × 512
    2 × convolution 512, zeros around y and x, maximum of 2³       2 × 2 × 2 × 512
    flat                                                           4,096
    2 × dense 4096, dropout                                        4,096      the features
    dense 23                                                       23         61,309,335 parameters
"""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._classify3d import CHE, CLASSES, SIZE, CubeClassifier, check_numbers, dense, halving, parameters
from ais_app.models.layers3d import convolution3d
from torch import nn

DROP = 0.5
SMALLEST = 16  # voxels


def build(depth: int = 1, size: int = SIZE, classes: int = CLASSES, drop: float = DROP) -> CubeClassifier:
    """Return the network for cubes of `size` voxels; `depth` is 1, as a cube enters whole."""
    check_numbers(classes, size, SMALLEST)
    trunk = nn.Sequential(
        convolution3d(1, 64),
        nn.MaxPool3d((1, 2, 2)),
        halving(64, 128),
        halving(128, 256, 256),
        halving(256, 512, 512),
        convolution3d(512, 512),
        convolution3d(512, 512),
        nn.ConstantPad3d((1, 1, 1, 1, 0, 0), 0.0),
        nn.MaxPool3d(2),
    )
    cells = (size // 16) * ((size // 16 + 2) // 2) ** 2
    neck = nn.Sequential(nn.Flatten(), dense(512 * cells, 4096, 4096, drop=drop))
    return CubeClassifier(trunk, neck, nn.Linear(4096, classes), classes=classes, size=size, smallest=SMALLEST)


ARCHITECTURE = Architecture(
    name="cb3d",
    title="CB3D",
    dimension=3,
    stride=1,
    receptive_field=SIZE,
    build=build,
    parameters=parameters(drop=DROP),
    source=CHE,
    task="classify",
)
