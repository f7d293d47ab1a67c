"""Shapes between two outlines: interpolation of signed distances, object by object.

    two masks ──► objects matched ──► each pair: signed distances, blended, where they are positive

The distance to the outline, positive inside, is blended linearly, and what is positive is inside (Raya and Udupa 1990,
IEEE Trans. Med. Imaging 9, 32). Three things are done for the shapes of a cell that this alone does not do well:

- Objects are blended one by one, so that one that has no counterpart shrinks to nothing half-way, instead of running
  into its neighbours.
- A pair that has moved is moved back along the line between its centres where that makes it overlap more.
- Of a ring, the outside and the lumen are blended separately: a vesicle that grows by more than its membrane is thick
  would vanish in between otherwise. The lumen of a ring that becomes a disk closes towards the middle of the disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import cc3d
import edt
import numpy as np
import scipy  # its parts load when they are first used: the window is up 0.1 s sooner

_TIE = 1e-6  # voxels: on the outline, so that rounding decides nothing
_SIMILAR = 0.3  # overlap over union from where on two objects are taken to be one that has moved
_LUMEN = 0.1  # the same for what two rings enclose
_COVERED = 0.5  # share of a lumen that a disk has to cover for it to be what closes the ring
_STEEPEST = 2.0  # voxels per plane: what has moved faster, or
_FARTHEST = 6.0  # farther in units of its radius, is another object

Crop = tuple[np.ndarray, np.ndarray]  # (2,) first voxel, 2D bool


def between(first: np.ndarray, last: np.ndarray, steps: int) -> Iterator[list[Crop]]:
    """Interpolate between the masks of two planes.

    Parameters
    ----------
    first, last
        2D bool of the same shape.
    steps
        From one plane to the other; there are one fewer between.

    Yields
    ------
    list of (ndarray, ndarray)
        For each plane between, the objects: first voxel, (2,), and 2D bool mask of a window that lies within the
        plane. Windows may overlap; what is inside in any of them is inside.
    """
    pairs = [_Pair.of(a, b, np.array(first.shape)) for a, b in _matched(first, last, steps)]
    for step in range(1, steps):
        yield [(pair.corner, pair.at(step / steps)) for pair in pairs]


@dataclass(frozen=True)
class _Shape:
    """One object or several: the voxels it consists of, (n, 2)."""

    voxels: np.ndarray

    @property
    def low(self) -> np.ndarray:
        return self.voxels.min(axis=0)

    @property
    def high(self) -> np.ndarray:
        return self.voxels.max(axis=0) + 1

    def mask(self, corner: np.ndarray, size: np.ndarray) -> np.ndarray:
        mask = np.zeros(size, dtype=bool)
        mask[tuple((self.voxels - corner).T)] = True
        return mask

    @cached_property
    def filled(self) -> np.ndarray:
        """Its voxels and those it encloses, (n, 2)."""
        corner = self.low
        return np.argwhere(scipy.ndimage.binary_fill_holes(self.mask(corner, self.high - corner))) + corner

    @cached_property
    def centre(self) -> np.ndarray:
        return self.filled.mean(axis=0)

    @cached_property
    def radius(self) -> float:
        """Of a disk of the same area."""
        return float(np.sqrt(len(self.filled) / np.pi))


def _matched(first: np.ndarray, last: np.ndarray, steps: int) -> list[tuple[_Shape | None, _Shape | None]]:
    """Return which objects of two masks belong together, in groups: those that touch, then those that resemble."""
    groups = cc3d.connected_components(np.stack([first, last]), connectivity=26)
    firsts, lasts = _by_number(groups[0]), _by_number(groups[1])
    pairs: list[tuple[_Shape | None, _Shape | None]] = [(firsts[n], lasts[n]) for n in firsts if n in lasts]
    alone = [shape for n, shape in firsts.items() if n not in lasts]
    other = [shape for n, shape in lasts.items() if n not in firsts]
    moved = _moved(alone, other, _STEEPEST * steps)
    pairs += [(alone[i], other[k]) for i, k in moved]
    pairs += [(shape, None) for i, shape in enumerate(alone) if i not in {i for i, _ in moved}]
    pairs += [(None, shape) for k, shape in enumerate(other) if k not in {k for _, k in moved}]
    return pairs


def _by_number(numbers: np.ndarray) -> dict[int, _Shape]:
    """Return the shape of each number but 0 in a 2D array."""
    voxels = np.argwhere(numbers)
    found = numbers[tuple(voxels.T)]
    order = np.argsort(found, kind="stable")
    names, starts = np.unique(found[order], return_index=True)
    return {int(n): _Shape(part) for n, part in zip(names, np.split(voxels[order], starts[1:]), strict=False)}


def _moved(firsts: list[_Shape], lasts: list[_Shape], farthest: float) -> list[tuple[int, int]]:
    """Return which shapes are each other's best counterpart, without doubt; they have moved so far that none touch."""
    scores = np.zeros((len(firsts), len(lasts)))
    if not scores.size:
        return []
    path = np.array([b.centre for b in lasts]) - np.array([a.centre for a in firsts])[:, None]
    reach = np.array([b.radius for b in lasts]) + np.array([a.radius for a in firsts])[:, None]
    distance = np.linalg.norm(path, axis=-1)
    for i, k in np.argwhere(distance <= np.minimum(farthest, _FARTHEST * reach / 2)):
        alike = _overlap(firsts[i].filled, lasts[k].filled, path[i, k])
        scores[i, k] = alike / (1 + distance[i, k] / reach[i, k]) if alike >= _SIMILAR else 0
    pairs = []
    while scores.any():
        # the best of its row and of its column and equal to no other there; two that are as good leave it open
        best = (scores > 0) & _leads(scores) & _leads(scores.T).T
        if not best.any():
            break
        for i, k in np.argwhere(best):
            pairs.append((int(i), int(k)))
            scores[i], scores[:, k] = 0, 0
    return pairs


def _leads(scores: np.ndarray) -> np.ndarray:
    """Return which entries are greater than all others of their row."""
    if scores.shape[1] < 2:
        return np.ones(scores.shape, dtype=bool)
    second = np.sort(scores, axis=1)[:, -2:-1]
    return scores > second + _TIE


def _overlap(first: np.ndarray, last: np.ndarray, shift: np.ndarray) -> float:
    """Return overlap over union of two sets of voxels, (n, 2), the first moved by `shift`, rounded."""
    if not len(first) or not len(last):
        return 0.0
    moved = first + _whole(shift)
    low, high = np.minimum(moved.min(axis=0), last.min(axis=0)), np.maximum(moved.max(axis=0), last.max(axis=0)) + 1
    there = _Shape(last).mask(low, high - low)
    common = int(there[tuple((moved - low).T)].sum())
    return common / (len(first) + len(last) - common)


@dataclass(frozen=True)
class _Pair:
    """Two shapes that become each other, or one that comes or goes, in a window of the plane."""

    corner: np.ndarray
    shift: np.ndarray
    first: list[np.ndarray] = field(default_factory=list)  # signed distances: the outline; of rings also the lumen's
    last: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def of(cls, first: _Shape | None, last: _Shape | None, plane: np.ndarray) -> _Pair:
        shapes = [shape for shape in (first, last) if shape is not None]
        shift = np.zeros(2)
        if first is not None and last is not None:
            path = last.centre - first.centre
            if _overlap(first.filled, last.filled, path) > _overlap(first.filled, last.filled, shift):
                shift = path
        room = np.ceil(np.abs(shift)).astype(int) + 2
        corner = np.maximum(np.min([shape.low for shape in shapes], axis=0) - room, 0)
        size = np.minimum(np.max([shape.high for shape in shapes], axis=0) + room, plane) - corner
        masks = [None if shape is None else shape.mask(corner, size) for shape in (first, last)]
        layers = _layers(masks[0], masks[1], shift)
        return cls(corner, shift, *layers)

    def at(self, fraction: float) -> np.ndarray:
        """Return the shape in its window at a fraction of the way, 2D bool."""
        if not self.last:
            return _shrunk(self.first[0], fraction)
        if not self.first:
            return _shrunk(self.last[0], 1 - fraction)
        blended = []
        for a, b in zip(self.first, self.last, strict=True):
            here, there = _shifted(a, fraction * self.shift), _shifted(b, (fraction - 1) * self.shift)
            blended.append((1 - fraction) * here + fraction * there)
        inside = blended[0] >= -_TIE
        return inside & (blended[1] <= _TIE) if len(blended) > 1 else inside


def _layers(first: np.ndarray | None, last: np.ndarray | None, shift: np.ndarray) -> list[list[np.ndarray]]:
    """Return the signed distances of both masks of a pair: of the outline, or of outside and lumen of two rings."""
    if first is None or last is None:
        return [[] if mask is None else [_signed_distance(mask)] for mask in (first, last)]
    whole = [scipy.ndimage.binary_fill_holes(mask) for mask in (first, last)]
    lumina = [full & ~mask for full, mask in zip(whole, (first, last), strict=True)]
    voxels = [np.argwhere(lumen) for lumen in lumina]
    if _overlap(voxels[0], voxels[1], shift) >= _LUMEN:
        closing = [_signed_distance(lumen) for lumen in lumina]
    elif _covered(voxels[0], last, shift) >= _COVERED and not len(voxels[1]):
        closing = [_signed_distance(lumina[0]), _closed(last)]
    elif _covered(voxels[1], first, -shift) >= _COVERED and not len(voxels[0]):
        closing = [_closed(first), _signed_distance(lumina[1])]
    else:
        return [[_signed_distance(mask)] for mask in (first, last)]
    return [[_signed_distance(full), hole] for full, hole in zip(whole, closing, strict=True)]


def _covered(voxels: np.ndarray, mask: np.ndarray, shift: np.ndarray) -> float:
    """Return which share of voxels, (n, 2), lies in a mask once moved by `shift`, rounded."""
    moved = voxels + _whole(shift)
    moved = moved[((moved >= 0) & (moved < mask.shape)).all(axis=1)]
    return float(mask[tuple(moved.T)].sum()) / max(len(voxels), 1)


def _closed(disk: np.ndarray) -> np.ndarray:
    """Return signed distances for a lumen that has just closed in the middle of a disk."""
    distance = _signed_distance(disk)
    return distance - distance.max()


def _whole(shift: np.ndarray) -> np.ndarray:
    """Return a shift as whole voxels; its last digits, which depend on the direction of counting, decide nothing."""
    return np.rint(np.round(shift, 6)).astype(int)


def _signed_distance(mask: np.ndarray) -> np.ndarray:
    """Return the distance to the outline, half-way between voxels: positive inside; the window's edge is none."""
    inside, outside = (edt.edt(np.ascontiguousarray(part).view(np.uint8)) for part in (mask, ~mask))
    farthest = float(sum(mask.shape))  # where the whole window is inside
    return np.where(mask, np.minimum(inside, farthest) - 0.5, 0.5 - np.minimum(outside, farthest)).astype(np.float64)


def _shifted(distance: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return scipy.ndimage.shift(distance, shift, order=1, mode="nearest") if shift.any() else distance


def _shrunk(distance: np.ndarray, fraction: float) -> np.ndarray:
    """Return what is left of a shape that is gone half-way."""
    return distance > 2 * fraction * distance.max() + _TIE
