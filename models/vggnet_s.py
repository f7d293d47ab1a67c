"""VGGNet S, 1.5 million parameters: a quarter of the cost of VGGNet M."""

from __future__ import annotations

from ais_app.models import Architecture
from ais_app.models._vggnet import RECEPTIVE_FIELD, SOURCE, STRIDE, VGGNet


def build(depth: int = 1) -> VGGNet:
    """Return the network for slabs of `depth` slices."""
    return VGGNet(depth, width=64)


ARCHITECTURE = Architecture(
    name="vggnet_s",
    title="VGGNet S",
    dimension=2,
    stride=STRIDE,
    receptive_field=RECEPTIVE_FIELD,
    build=build,
    source=SOURCE,
)
