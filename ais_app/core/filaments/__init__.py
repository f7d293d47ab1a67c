"""Filaments: from a probability map to smooth axes, and samples along them.

probability ─► mask, lumens filled ─► centre lines ─► graph ─► spurs pruned ─► joined through crossings, over gaps
─► spline ─► centred in its cross-sections ─► ends ─► Filament ─► samples with orientations
"""

from ais_app.core.filaments.axis import Filament
from ais_app.core.filaments.curve import Curve
from ais_app.core.filaments.density import DensityParams, centre_on_density
from ais_app.core.filaments.parameters import FilamentParams
from ais_app.core.filaments.sampling import sample_filaments
from ais_app.core.filaments.tracing import trace_filaments

__all__ = [
    "Curve", "DensityParams", "Filament", "FilamentParams", "centre_on_density", "sample_filaments", "trace_filaments",
]  # fmt: skip
