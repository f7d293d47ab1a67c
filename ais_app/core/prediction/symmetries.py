"""The symmetries of a slab: four turns, mirrored or not, upside down or not.

The missing wedge makes the axes of a tomogram unlike; a network trained with these symmetries has seen all of
them, and the average over them is steadier than any one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IN_PLANE = 8


@dataclass(frozen=True)
class Symmetry:
    """One way to lay a slab before a network.

    Parameters
    ----------
    turns
        Quarter turns from y to x.
    mirrored
        Whether x runs backwards, after the turns.
    upside_down
        Whether z runs backwards.
    """

    turns: int
    mirrored: bool
    upside_down: bool

    def apply(self, slab: np.ndarray) -> np.ndarray:
        """Return a view of the slab, (z, y, x), laid this way."""
        laid = np.rot90(slab, self.turns, axes=(-2, -1))
        if self.mirrored:
            laid = laid[..., ::-1]
        return laid[::-1] if self.upside_down else laid

    def undo(self, answer: np.ndarray) -> np.ndarray:
        """Return a view of the answer to such a slab, (z, y, x), laid back; z is one slice from networks of slices."""
        if self.mirrored:
            answer = answer[..., ::-1]
        laid = np.rot90(answer, -self.turns, axes=(-2, -1))
        return laid[::-1] if self.upside_down else laid


def symmetries(count: int) -> list[Symmetry]:
    """Return the first `count` of 16: turns first, then mirrored, then both again upside down."""
    return [Symmetry(k % 4, k // 4 % 2 == 1, k // 8 == 1) for k in range(count)]
