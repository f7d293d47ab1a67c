"""Pickers: from a segmentation, or from a tomogram itself, to particles; one method a file.

Every module here that defines ``PICKER`` is a picker; they do not know each other. A picker gets numbers, not files:

    probability 0…1 or ──► pick(volume, voxel_size_zyx, params) ──► Particles, Å from the centre of voxel 0
    grey values, (z, y, x)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.jobs import Job, Progress
from ais_app.core.params import Params
from ais_app.core.registry import named, plugins
from ais_app.core.tomogram import ZYX

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles  # not at run time: it takes pandas along, and --help need not

__all__ = ["DENSITY", "PROBABILITY", "Keep", "Picker", "picker_named", "pickers"]

Keep = Callable[[np.ndarray], np.ndarray]  # places, (n, 3) in Å, to which of them are kept, (n,) bool
PROBABILITY = "probability"
DENSITY = "density"


@dataclass(frozen=True)
class Picker:
    """A way to find particles.

    Parameters
    ----------
    name
        Short name: ``"blobs"``.
    title
        Name for a person.
    params
        Dataclass of its parameters, lengths in Å.
    pick
        ``pick(volume, voxel_size_zyx, params) -> Particles``. `volume` is what the picker reads, (z, y, x);
        `params` an instance of ``params``. Positions are those of `Particles`: Å, z y x, the centre of voxel
        (0, 0, 0) at 0. The same input gives the same output, in the same order, on any number of threads.
    reads
        What `volume` is: ``"probability"``, a segmentation of float 0…1, or ``"density"``, the grey values of a
        tomogram of any real type. What offers pickers asks for those that read what it has: `pickers`.
    steps
        ``steps(volume, voxel_size_zyx, params, keep) -> Job[Particles]``: `pick` as a job, with `keep` to say which
        candidates go on, before numbers and distances are looked at. May be left out: see `job`.
    """

    name: str
    title: str
    params: type[Params]
    pick: Callable[[np.ndarray, ZYX, Any], Particles]
    reads: str = PROBABILITY
    steps: Callable[[np.ndarray, ZYX, Any, Keep | None], Job[Particles]] | None = None

    def __post_init__(self) -> None:
        if self.reads not in (PROBABILITY, DENSITY):
            raise ValueError(f"picker {self.name!r} reads {self.reads!r}, neither {PROBABILITY} nor {DENSITY}")

    def job(self, volume: np.ndarray, voxel_size_zyx: ZYX, params: Any, keep: Keep | None = None) -> Job[Particles]:
        """Pick in steps, where the picker knows any; one that does not know `keep` has its particles chosen from."""
        if self.steps is not None:
            return (yield from self.steps(volume, voxel_size_zyx, params, keep))
        yield Progress(0, 0, "picking")
        found = self.pick(volume, voxel_size_zyx, params)
        return found if keep is None else found[keep(found.positions_zyx)]


def pickers(reads: str | None = None) -> dict[str, Picker]:
    """Return every known picker by its name, or those that read ``"probability"`` or ``"density"``."""
    known: dict[str, Picker] = plugins("ais_app.core.pickers", "PICKER")
    return {name: picker for name, picker in known.items() if reads in (None, picker.reads)}


def picker_named(name: str) -> Picker:
    """Return a picker.

    Raises
    ------
    ParameterProblem
        There is none of that name; the nearest is suggested.
    """
    return named(pickers(), "picker", name)
