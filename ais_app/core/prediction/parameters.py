"""How networks are applied, and what is written."""

from __future__ import annotations

from dataclasses import dataclass

from ais_app.core.params import Params, param

MOST_SYMMETRIES = 16


@dataclass(frozen=True)
class PredictionParams(Params):
    """How networks are applied."""

    tta: int = param(
        1, "Symmetries to average over: 1 to 8 in the plane, 9 to 16 also upside down", low=1, high=MOST_SYMMETRIES
    )
    engine: str = param("auto", "What computes the networks", choices=("auto", "openvino", "torch"))
    precision: str = param("auto", "The machine's fastest arithmetic, or exact", choices=("auto", "float32"))
    tile: int = param(0, "Largest window; 0 takes what fits in memory", unit="voxels", low=0)


@dataclass(frozen=True)
class OutputParams(Params):
    """What a segmentation writes."""

    encoding: str = param("int8", "How probabilities are stored", choices=("int8", "uint8", "float16", "float32"))
    region: str = param("", "Part to segment, z0:z1,y0:y1,x0:x1; outputs keep the whole grid", unit="voxels")
    only: tuple[str, ...] = param((), "Write only this feature; the models it depends on are still applied")
    uncertainty: bool = param(False, "Also write the variance over symmetries and models")
    attribution: bool = param(False, "Also write which step of the interactions removed each voxel")
