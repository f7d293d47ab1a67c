"""The network of cubes to start with where there may be classes that nobody labelled.

The convolutions of `classifier3d`, then features of 128 numbers and the cosine with one direction for each class. It is
trained as in Du et al. (2019), British Machine Vision Conference; see `_large_margin`. Shapes for 23 classes::

    2 × convolution 32, maximum of 2³              20³ × 32     for cubes of 40 voxels
    2 × convolution 64, maximum of 2³              10³ × 64
    2 × convolution 128                            10³ × 128
    mean over the cube, dense, batch normalisation 128          the features
    cosines with 23 directions                     23           879,712 weights and statistics

Cubes of any size of at least 4 voxels fit. The scale is smaller than the paper's, so that probabilities of a small
training are not all 0 or 1, and so is the pull of the centres, which else comes to nothing but small features.
"""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._classify3d import CLASSES, SIZE, check_numbers
from ais_app.models._large_margin import MARGIN, LargeMargin
from ais_app.models._open_set import OpenSetClassifier
from ais_app.models.classifier3d import SMALLEST, trunk
from torch import nn

FEATURES, SCALE, CENTRAL = 128, 16.0, 0.01


def build(
    depth: int = 1,
    classes: int = CLASSES,
    margin: float = MARGIN,
    scale: float = SCALE,
    central: float = CENTRAL,
) -> OpenSetClassifier:
    """Return the network; `depth` is 1, as a cube enters whole."""
    check_numbers(classes, SMALLEST, SMALLEST)
    pooled = (nn.AdaptiveAvgPool3d(1), nn.Flatten())
    neck = nn.Sequential(*pooled, nn.Linear(128, FEATURES), nn.BatchNorm1d(FEATURES))
    return OpenSetClassifier(
        trunk(),
        neck,
        features=FEATURES,
        classes=classes,
        margin=margin,
        scale=scale,
        central=central,
        smallest=SMALLEST,
    )


ARCHITECTURE = Architecture(
    name="openset3d",
    title="Classifier of cubes for open sets",
    dimension=3,
    stride=1,
    receptive_field=SIZE,
    build=build,
    parameters={"classes": CLASSES, "margin": MARGIN, "scale": SCALE, "central": CENTRAL},
    source="Du et al. (2019), British Machine Vision Conference, on the convolutions of classifier3d",
    task="classify",
    objective=LargeMargin,
)
