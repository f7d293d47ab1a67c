"""VGGNet X, 38.4 million parameters: five levels, batch normalisation, no skip connections."""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._vggnet import SOURCE, NormalisedVGGNet


def build(depth: int = 1, dropout: float = 0.25) -> NormalisedVGGNet:
    """Return the network for slabs of `depth` slices."""
    return NormalisedVGGNet(depth, (64, 128, 256, 512, 1024), dropout)


ARCHITECTURE = Architecture(
    name="vggnet_x",
    title="VGGNet X",
    dimension=2,
    stride=32,
    receptive_field=249,
    build=build,
    parameters={"dropout": 0.25},
    source=SOURCE,
)
