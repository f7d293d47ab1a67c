"""Parameters of filament tracing."""

from __future__ import annotations

from dataclasses import dataclass

from ais_app.core.params import Params, param


@dataclass(frozen=True)
class FilamentParams(Params):
    """How filaments are traced in a segmentation and sampled; lengths in Å."""

    threshold: float = param(0.5, "Voxels with at least this probability belong to filaments", low=0.0, high=1.0)
    min_volume: float = param(0.0, "Smaller components are dust", unit="Å³", low=0.0)
    lumen_radius: float | None = param(
        100.0, "Holes in sections up to this radius are filled, so that a hollow tube gives one line", unit="Å", low=0.0
    )
    spur_length: float = param(
        100.0, "Side branches that leave the filament's body by less than this are cut off", unit="Å", low=0.0
    )
    max_bend: float = param(
        45.0, "Branches are joined through a crossing when they bend by less than this", unit="°", low=0.0, high=90.0
    )
    min_bend_radius: float | None = param(
        None, "Joints that curve more tightly than this radius are refused", unit="Å", low=0.0
    )
    max_overlap: float | None = param(
        None, "Longest stretch that crossing filaments may share; ten times their radius if not set", unit="Å", low=0.0
    )
    max_gap: float = param(
        0.0, "Gaps up to this length are bridged where directions agree; 0 for none", unit="Å", low=0.0
    )
    min_length: float = param(300.0, "Shorter filaments are left out", unit="Å", low=0.0)
    tolerance: float | None = param(
        None,
        "Largest rms distance of the spline from the traced points; half a voxel if not set",
        unit="Å",
        low=0.0,
    )
    centre: bool = param(True, "Move the curve to the centre of the probability in its cross-sections")
    spacing: float = param(80.0, "Distance between samples along the filament", unit="Å", low=0.1)
    fit_ends: bool = param(
        False, "Stretch the spacing so that both ends are sampled; otherwise it is exact and the rest is split evenly"
    )
    twist: float = param(0.0, "Turn about the filament from one sample to the next", unit="°")
    border_margin: float = param(0.0, "Samples closer than this to the faces are left out", unit="Å", low=0.0)
