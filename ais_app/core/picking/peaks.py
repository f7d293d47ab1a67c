"""Local maxima of a volume that comes plane by plane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from ais_app.core.picking.blob_response import Plane
from ais_app.core.tomogram import ZYX

_ROUNDING = 4e-6  # of the largest voxel: below that a response is a rounding error


@dataclass(frozen=True)
class Peaks:
    """Local maxima.

    Parameters
    ----------
    positions_zyx
        (n, 3) float64, voxels, between voxels by parabolas along each axis.
    values
        (n,) float32: the response at the voxel of each.
    hessians
        (n, 3, 3) float64, z y x: second differences of the response there, per voxel²; a neighbour that is missing
        counts as the voxel itself.
    """

    positions_zyx: np.ndarray
    values: np.ndarray
    hessians: np.ndarray

    def __getitem__(self, rows: np.ndarray | slice) -> Peaks:
        """Return the chosen rows: a mask, indices or a slice."""
        return Peaks(self.positions_zyx[rows], self.values[rows], self.hessians[rows])

    @staticmethod
    def join(parts: Sequence[Peaks]) -> Peaks:
        """Put sets one after another."""
        return Peaks(
            np.concatenate([np.empty((0, 3)), *(part.positions_zyx for part in parts)]),
            np.concatenate([np.empty(0, np.float32), *(part.values for part in parts)]),
            np.concatenate([np.empty((0, 3, 3)), *(part.hessians for part in parts)]),
        )

    def roundness(self, voxel_size_zyx: ZYX) -> np.ndarray:
        """Return the smallest over the largest curvature, (n,): 1 at a ball, near 0 at a sheet, an edge or a rod."""
        sizes = np.array(voxel_size_zyx)
        values = np.linalg.eigvalsh(self.hessians / (sizes[:, None] * sizes))
        return np.where(values[:, 0] < 0, values[:, 2] / np.minimum(values[:, 0], -1e-30), 0)


def peaks_of(planes: Iterable[Plane]) -> Iterator[tuple[Plane, Peaks]]:
    """Find the voxels that none of their 18 neighbours exceeds, while planes come in.

    Of neighbours with the same value the first in the volume is a maximum. Beyond the faces, and where voxels are
    missing, there are no neighbours.

    Yields
    ------
    plane, peaks
        After each plane the maxima that are now known.
    """
    below, here = None, None
    for plane in planes:
        found = [] if here is None else [_maxima(below, here, plane)]
        below, here = here, plane
        if plane.last:
            found.append(_maxima(below, here, None))
            below, here = None, None
        yield plane, Peaks.join(found)


def _maxima(below: Plane | None, here: Plane, above: Plane | None) -> Peaks:
    outside = np.full_like(here.values, np.nan)
    stack = np.stack([outside if plane is None else plane.values for plane in (below, here, above)])
    stack = np.pad(stack, [(0, 0), (1, 1), (1, 1)], constant_values=np.nan)
    (rows, columns) = here.core
    places = _maximal(stack, rows.start + 1, rows.stop + 1, columns.start + 1, columns.stop + 1)
    y, x = places.T
    values = stack[1, y, x]
    away = [
        _vertex(stack[0, y, x], values, stack[2, y, x]),
        _vertex(stack[1, y - 1, x], values, stack[1, y + 1, x]),
        _vertex(stack[1, y, x - 1], values, stack[1, y, x + 1]),
    ]
    whole = np.stack([np.full(len(places), here.z), y - 1 + here.corner_yx[0], x - 1 + here.corner_yx[1]], axis=1)
    real = np.abs(values) > _ROUNDING * here.largest
    return Peaks(whole + np.stack(away, axis=1), values, _hessians(stack, y, x))[real]


def _hessians(stack: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the second differences at voxels of the middle plane, (n, 3, 3)."""
    middle = stack[1, y, x].astype(np.float64)

    def at(offset: np.ndarray) -> np.ndarray:
        there = stack[1 + offset[0], y + offset[1], x + offset[2]].astype(np.float64)
        return np.where(np.isfinite(there), there, middle)

    out, steps = np.empty((len(y), 3, 3)), np.eye(3, dtype=np.int64)
    for a in range(3):
        out[:, a, a] = at(steps[a]) - 2 * middle + at(-steps[a])
        for b in range(a):
            same = at(steps[a] + steps[b]) + at(-steps[a] - steps[b])
            other = at(steps[a] - steps[b]) + at(steps[b] - steps[a])
            out[:, a, b] = out[:, b, a] = (same - other) / 4
    return out


def _vertex(before: np.ndarray, middle: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return where the parabola through three values has its top, voxels from the middle one; 0 where there is none."""
    before, middle, after = (part.astype(np.float64) for part in (before, middle, after))
    bend = before - 2 * middle + after
    with np.errstate(invalid="ignore", divide="ignore"):
        top = 0.5 * (before - after) / bend
    return np.clip(np.where(np.isfinite(top) & (bend < 0), top, 0), -0.5, 0.5)


@njit(cache=True, nogil=True)
def _maximal(stack, y0, y1, x0, x1):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return (n, 2) rows and columns of the middle plane of three that are maxima, within the bounds."""
    found = np.empty((max(0, (y1 - y0) * (x1 - x0)), 2), np.int64)
    count = 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            value = stack[1, y, x]
            if not np.isfinite(value):
                continue
            top = True
            for dz in range(-1, 2):
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        far = abs(dz) + abs(dy) + abs(dx)
                        if not top or far == 0 or far == 3:
                            continue
                        other = stack[1 + dz, y + dy, x + dx]
                        earlier = dz < 0 or (dz == 0 and (dy < 0 or (dy == 0 and dx < 0)))
                        if other > value or (earlier and other == value):
                            top = False
            if top:
                found[count, 0], found[count, 1] = y, x
                count += 1
    return found[:count]
