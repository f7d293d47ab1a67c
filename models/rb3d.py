"""RB3D: four residual blocks, then dense layers over every voxel.

Che et al. (2018), Machine Vision and Applications 29, 1227 (residual block network). Shapes for cubes of 40
voxels and 23 classes::

    convolution 32 of 3³, maximum of 2³     20³ × 32
    4 × block (see `_rb3d`)                 20³ × 32
    flat                                    256,000
    2 × dense 1024, dropout                 1,024      the features
    dense 23                                23         263,334,103 parameters

Almost all of its parameters (1 GiB) are in the first dense layer; `rb3d_pooled` has the same convolutions without it.
Dropout drops 0.7 in the blocks and 0.5 in the dense layers.
"""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._classify3d import CHE, CLASSES, SIZE, CubeClassifier, check_numbers, dense, parameters
from ais_app.models._rb3d import trunk
from torch import nn

DROP, BLOCK_DROP = 0.5, 0.7
SMALLEST = 2  # voxels


def build(
    depth: int = 1, size: int = SIZE, classes: int = CLASSES, drop: float = DROP, block_drop: float = BLOCK_DROP
) -> CubeClassifier:
    """Return the network for cubes of `size` voxels; `depth` is 1, as a cube enters whole."""
    check_numbers(classes, size, SMALLEST)
    neck = nn.Sequential(nn.Flatten(), dense(32 * (size // 2) ** 3, 1024, 1024, drop=drop))
    head = nn.Linear(1024, classes)
    return CubeClassifier(trunk(block_drop), neck, head, classes=classes, size=size, smallest=SMALLEST)


ARCHITECTURE = Architecture(
    name="rb3d",
    title="RB3D",
    dimension=3,
    stride=1,
    receptive_field=SIZE,
    build=build,
    parameters=parameters(drop=DROP, block_drop=BLOCK_DROP),
    source=CHE,
    task="classify",
)
