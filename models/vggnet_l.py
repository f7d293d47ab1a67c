"""VGGNet L, 38.2 million parameters: four levels, batch normalisation, no skip connections."""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._vggnet import SOURCE, NormalisedVGGNet


def build(depth: int = 1, dropout: float = 0.25) -> NormalisedVGGNet:
    """Return the network for slabs of `depth` slices."""
    return NormalisedVGGNet(depth, (128, 256, 512, 1024), dropout)


ARCHITECTURE = Architecture(
    name="vggnet_l",
    title="VGGNet L",
    dimension=2,
    stride=16,
    receptive_field=121,
    build=build,
    parameters={"dropout": 0.25},
    source=SOURCE,
)
