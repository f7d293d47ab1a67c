"""VGGNet M, 5 million parameters: the default."""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._vggnet import RECEPTIVE_FIELD, SOURCE, STRIDE, VGGNet


def build(depth: int = 1) -> VGGNet:
    """Return the network for slabs of `depth` slices."""
    return VGGNet(depth, width=128)


ARCHITECTURE = Architecture(
    name="vggnet_m",
    title="VGGNet M",
    dimension=2,
    stride=STRIDE,
    receptive_field=RECEPTIVE_FIELD,
    build=build,
    source=SOURCE,
)
