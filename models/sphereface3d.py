"""SphereFace3D: a residual network of cubes that gives each class a direction; for classes it was never shown.

Du et al. (2019), British Machine Vision Conference, after Liu et al. (2017), SphereFace. Shapes for cubes of 40 voxels
and 23 classes; 3 × 3 × 3 convolutions, zeros beyond the border, PReLU::

    convolution 64 of step 2,  1 block      20³ × 64      a block adds two convolutions to what came in
    convolution 128 of step 2, 2 blocks     10³ × 128
    convolution 256 of step 2, 4 blocks     5³ × 256
    convolution 512 of step 2, 1 block      3³ × 512
    flat, dense 1024, batch normalisation   1,024         the features
    cosines with 23 directions              23            49,138,880 weights and statistics

How it is trained: see `_large_margin`. `openset3d` does the same with a fiftieth of them.
"""

from __future__ import annotations

import torch
from ais_app.models import Architecture
from ais_app.models._classify3d import CLASSES, SIZE, check_numbers, parameters
from ais_app.models._large_margin import CENTRAL, MARGIN, SCALE, LargeMargin
from ais_app.models._open_set import OpenSetClassifier
from torch import nn

FEATURES = 1024
STAGES = ((64, 1), (128, 2), (256, 4), (512, 1))  # channels and blocks
SMALLEST = 2  # voxels
SOURCE = "Du et al. (2019), British Machine Vision Conference"


class _Block(nn.Module):
    """Two convolutions without bias, each with PReLU, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.Conv3d(channels, channels, 3, padding=1, bias=False), nn.PReLU(channels)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, channels, d, h, w)`` to the same shape."""
        return x + self.layers(x)


def _trunk() -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 1
    for channels, blocks in STAGES:
        layers += [nn.Conv3d(before, channels, 3, stride=2, padding=1), nn.PReLU(channels)]
        layers += [_Block(channels) for _ in range(blocks)]
        before = channels
    return nn.Sequential(*layers)


def build(
    depth: int = 1,
    size: int = SIZE,
    classes: int = CLASSES,
    margin: float = MARGIN,
    scale: float = SCALE,
    central: float = CENTRAL,
) -> OpenSetClassifier:
    """Return the network for cubes of `size` voxels; `depth` is 1, as a cube enters whole."""
    check_numbers(classes, size, SMALLEST)
    edge = -(-size // 2 ** len(STAGES))
    neck = nn.Sequential(nn.Flatten(), nn.Linear(STAGES[-1][0] * edge**3, FEATURES), nn.BatchNorm1d(FEATURES))
    return OpenSetClassifier(
        _trunk(),
        neck,
        features=FEATURES,
        classes=classes,
        margin=margin,
        scale=scale,
        central=central,
        size=size,
        smallest=SMALLEST,
    )


ARCHITECTURE = Architecture(
    name="sphereface3d",
    title="SphereFace3D",
    dimension=3,
    stride=1,
    receptive_field=SIZE,
    build=build,
    parameters=parameters(margin=MARGIN, scale=SCALE, central=CENTRAL),
    source=SOURCE,
    task="classify",
    objective=LargeMargin,
)
