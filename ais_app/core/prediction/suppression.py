"""Zero one feature where others say so: the arithmetic of interactions, on consecutive slices.

Each function takes slices in order of z and yields them in the same order; chained, they form the steps of an
`InteractionGraph`. A step that looks through the slices holds those within its reach and no more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ais_app.core.prediction.distances import Distances, squared_distances
from ais_app.core.tomogram import ZYX


@dataclass
class Slice:
    """Probabilities of all features in one slice.

    Parameters
    ----------
    z
        Index of the slice.
    planes
        Feature to (y, x) float32.
    removed_by
        Feature to (y, x) uint8: number of the step that removed a voxel, 0 elsewhere. Empty when not wanted.
    """

    z: int
    planes: dict[str, np.ndarray]
    removed_by: dict[str, np.ndarray]

    def keep(self, feature: str, kept: np.ndarray, number: int) -> None:
        """Zero `feature` where `kept`, (y, x) bool, is false, on behalf of step `number`."""
        plane = self.planes[feature]
        if feature in self.removed_by:
            self.removed_by[feature][~kept & (plane > 0)] = number
        self.planes[feature] = np.where(kept, plane, np.float32(0))


S = TypeVar("S", bound=Slice)


def nothing_removed(planes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what `Slice.removed_by` is before the first step."""
    return {name: np.zeros(np.shape(plane), np.uint8) for name, plane in planes.items()}


def compete(slices: Iterable[S], emit: Sequence[str], absorb: Sequence[str], number: int) -> Iterator[S]:
    """Zero absorbing features where an emitting one is higher, all compared as they come in."""
    for current in slices:
        highest = np.maximum.reduce([current.planes[name] for name in emit])
        for name in dict.fromkeys(absorb):
            current.keep(name, current.planes[name] >= highest, number)
        yield current


def suppress_by_distance(
    slices: Iterable[S],
    *,
    child: str,
    parent: str,
    keep_near: bool,
    threshold: float,
    radius: float,
    reach_z: int,
    spacing_zyx: ZYX,
    number: int,
    distances: Distances = squared_distances,
) -> Iterator[S]:
    """Zero the child far from the parent, or near it.

    A voxel is near when a voxel of the parent's mask lies within the radius, in its slice or in those within
    `reach_z`.

    Parameters
    ----------
    threshold
        The mask is where the parent is above it.
    radius
        In the unit of `spacing_zyx`, inclusive.
    reach_z
        Slices to look at on either side; 0 for a disk.
    distances
        What gives the distances to a mask; `squared_distances`, or a function that keeps what it gave.
    """
    waiting: deque[S] = deque()
    parents: deque[tuple[int, np.ndarray]] = deque()
    # float32 rounds the squares of voxel sizes such as 13.6: the radius itself must stay inside
    limit = radius**2 * (1 + 1e-5)

    def finished(current: S) -> S:
        # where there is no child, as in the slices that are only looked at from others, there is nothing to decide
        if current.planes[child].any():
            layers = [(z - current.z, mask) for z, mask in parents if abs(z - current.z) <= reach_z]
            if layers:
                near = distances(layers, spacing_zyx) <= limit
            else:
                near = np.zeros(current.planes[child].shape, dtype=bool)
            current.keep(child, near if keep_near else ~near, number)
        while parents and parents[0][0] < current.z + 1 - reach_z:
            parents.popleft()
        return current

    for incoming in slices:
        waiting.append(incoming)
        mask = incoming.planes[parent] > threshold
        if mask.any():
            parents.append((incoming.z, mask))
        if len(waiting) > reach_z:
            yield finished(waiting.popleft())
    while waiting:
        yield finished(waiting.popleft())
