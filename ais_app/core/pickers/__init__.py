"""Pickers: from a segmentation to particles; one method a file.

Every module here that defines ``PICKER`` is a picker; they do not know each other. A picker gets numbers, not files:

    probability 0…1, (z, y, x) ──► pick(volume, voxel_size_zyx, params) ──► Particles, Å from the centre of voxel 0
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.params import Params
from ais_app.core.registry import plugins
from ais_app.core.tomogram import ZYX

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles  # not at run time: it takes pandas along, and --help need not

__all__ = ["Picker", "pickers"]


@dataclass(frozen=True)
class Picker:
    """A way to find particles in a segmentation.

    Parameters
    ----------
    name
        Short name: ``"blobs"``.
    title
        Name for a person.
    params
        Dataclass of its parameters, lengths in Å.
    pick
        ``pick(volume, voxel_size_zyx, params) -> Particles``. `volume` is the probability, (z, y, x) float 0…1;
        `params` an instance of ``params``. Positions are those of `Particles`: Å, z y x, the centre of voxel
        (0, 0, 0) at 0. The same input gives the same output, in the same order, on any number of threads.
    """

    name: str
    title: str
    params: type[Params]
    pick: Callable[[np.ndarray, ZYX, Any], Particles]


def pickers() -> dict[str, Picker]:
    """Return every known picker by its name."""
    return plugins("ais_app.core.pickers", "PICKER")
