"""The network of cubes to start with: three levels, batch normalisation, a mean over the cube.

The convolutions of DSRF3D-v2 (Che et al., 2018); what follows them is the mean over the cube (Lin et al.,
2014, Network in network, section 3.2) instead of dense layers, so it has a twentieth of the parameters, and each
convolution is normalised over the batch (Ioffe and Szegedy, 2015). Shapes for 23 classes::

    2 × convolution 32, maximum of 2³     20³ × 32     for cubes of 40 voxels
    2 × convolution 64, maximum of 2³     10³ × 64
    2 × convolution 128                   10³ × 128
    mean over the cube                    128          the features
    dropout, dense 23                     23           862,711 weights and statistics

Cubes of any size of at least 4 voxels fit.
"""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._classify3d import CHE, CLASSES, SIZE, CubeClassifier, check_numbers
from torch import nn

DROP = 0.3
MOMENTUM = 0.3  # of batch statistics: a small training has few steps, and they must not lag behind the weights
SMALLEST = 4  # voxels


def _level(channels_in: int, channels_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (channels_in, channels_out):
        layers += [
            nn.Conv3d(width, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm3d(channels_out, momentum=MOMENTUM),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def trunk() -> nn.Sequential:
    """Return the convolutions: ``(n, 1, d, h, w)`` to ``(n, 128, d / 4, h / 4, w / 4)``."""
    return nn.Sequential(_level(1, 32), nn.MaxPool3d(2), _level(32, 64), nn.MaxPool3d(2), _level(64, 128))


def build(depth: int = 1, classes: int = CLASSES, drop: float = DROP) -> CubeClassifier:
    """Return the network; `depth` is 1, as a cube enters whole."""
    check_numbers(classes, SMALLEST, SMALLEST)
    neck = nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten())
    head = nn.Sequential(nn.Dropout(drop), nn.Linear(128, classes))
    return CubeClassifier(trunk(), neck, head, classes=classes, smallest=SMALLEST)


ARCHITECTURE = Architecture(
    name="classifier3d",
    title="Classifier of cubes",
    dimension=3,
    stride=1,
    receptive_field=SIZE,
    build=build,
    parameters={"classes": CLASSES, "drop": DROP},
    source=f"convolutions of {CHE}; pooled and normalised",
    task="classify",
)
