"""Filaments: from a probability map to smooth axes, and samples along them.

probability ─► mask, lumens filled ─► centre lines ─► graph ─► spurs pruned ─► joined through crossings, over gaps
─► spline ─► centred in its cross-sections ─► ends ─► Filament ─► samples with orientations

The names are looked up when they are used: a form that shows the parameters needs no splines and no graphs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ais_app.core.filaments.axis import Filament
    from ais_app.core.filaments.curve import Curve
    from ais_app.core.filaments.density import DensityParams, centre_on_density
    from ais_app.core.filaments.parameters import FilamentParams
    from ais_app.core.filaments.sampling import sample_filaments
    from ais_app.core.filaments.tracing import trace_filaments

__all__ = [
    "Curve", "DensityParams", "Filament", "FilamentParams", "centre_on_density", "sample_filaments", "trace_filaments",
]  # fmt: skip

_HOMES = {
    "Curve": "curve", "DensityParams": "density", "Filament": "axis", "FilamentParams": "parameters",
    "centre_on_density": "density", "sample_filaments": "sampling", "trace_filaments": "tracing",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
