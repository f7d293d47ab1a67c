"""Parameters of small phantoms that hold only what a test looks at."""

from __future__ import annotations

from typing import Any

from ais_app import SimulateParams

_EMPTY: dict[str, Any] = {
    "n_vesicles": 0,
    "n_double_membranes": 0,
    "n_sheets": 0,
    "n_microtubules": 0,
    "n_actin": 0,
    "n_beads": 0,
    "complexes": (),
    "carbon": False,
}
_PERFECT: dict[str, Any] = {"defocus": 0.0, "dose": 0.0, "detector": False, "snr": float("inf"), "radial_cutoff": 0.5}


def only(**contents: Any) -> SimulateParams:
    """Ice with nothing but `contents`."""
    return SimulateParams(**{**_EMPTY, **contents})


def perfect(**contents: Any) -> SimulateParams:
    """`only`, with a perfect microscope and tilts all around, so that the tomogram is the density itself."""
    return only(**{**_PERFECT, "tilt": 89.0, "tilt_step": 1.0, **contents})
