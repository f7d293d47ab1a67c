"""The specimen: densities, labels and the truth about every structure in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.surfaces import Surface

# Everything that a phantom may hold, in the order of its label values; complexes follow in the order of their names.
STRUCTURES = ("membrane", "microtubule", "actin", "gold", "carbon")
DENSE = ("gold", "carbon")  # so much denser than a cell that they are kept apart and left out of the SNR


@dataclass
class Placed:
    """Things of one kind: where, and how turned (active x y z matrices; ``None`` for balls)."""

    positions_zyx: list[np.ndarray] = field(default_factory=list)
    rotations: list[np.ndarray] | None = field(default_factory=list)


@dataclass(frozen=True)
class Filament:
    """The axis of a filament.

    Parameters
    ----------
    kind
        ``"microtubule"`` or ``"actin"``.
    axis_zyx
        (n, 3) Å, in the tomogram's frame, evenly spaced, from one end to the other.
    """

    kind: str
    axis_zyx: np.ndarray

    @property
    def length(self) -> float:
        """Å along the axis."""
        return float(np.linalg.norm(np.diff(self.axis_zyx, axis=0), axis=1).sum())


class Scene:
    """A specimen under construction.

    ``density`` and ``dense`` are (z, y, x) float32 in electrons per Å³ above ice, ``labels`` uint8 (0 ice, then
    the values in ``label_values``), ``instances`` uint16 (0 ice, then one number per structure), ``occupied`` uint8
    (1 where nothing else may be put).
    """

    def __init__(self, params: SimulateParams, complexes: list[str]) -> None:
        self.params = params
        self.voxel_size = params.voxel_size
        self.shape = params.shape
        self.density = np.zeros(params.shape, np.float32)
        self.dense = np.zeros(params.shape, np.float32)
        self.labels = np.zeros(params.shape, np.uint8)
        self.instances = np.zeros(params.shape, np.uint16)
        self.occupied = np.zeros(params.shape, np.uint8)
        names = [*STRUCTURES, *complexes]
        self.label_values = {name: value for value, name in enumerate(names, start=1)}
        self.particles: dict[str, Placed] = {}
        self.filaments: list[Filament] = []
        self.surfaces: list[Surface] = []  # the middles of the membranes
        self.requested: dict[str, int] = {}
        self.placed: dict[str, int] = {}
        self.unfilled = 0.0  # fraction of the volume that the complexes were to fill and did not
        self._instances = 0

    @property
    def extent_zyx(self) -> np.ndarray:
        """Å from the centre of the first to the centre of the last voxel, z y x."""
        return (np.array(self.shape) - 1) * self.voxel_size

    def next_instance(self) -> int:
        """Return the number of the next structure; beyond 65,535 they share the last one."""
        self._instances = min(self._instances + 1, np.iinfo(np.uint16).max)
        return self._instances

    def count(self, feature: str, placed: int, requested: int | None) -> None:
        """Note how many found room, and how many were asked for; ``None``: as many as fit."""
        self.placed[feature] = self.placed.get(feature, 0) + placed
        self.requested[feature] = self.requested.get(feature, 0) + (placed if requested is None else requested)

    def is_free(self, points_zyx: np.ndarray) -> bool:
        """Tell whether all points, (n, 3) Å, are inside the volume and unoccupied."""
        index = np.rint(points_zyx / self.voxel_size).astype(np.intp)
        if (index < 0).any() or (index >= self.shape).any():
            return False
        return not self.occupied[index[:, 0], index[:, 1], index[:, 2]].any()
