"""Boxes: where a person wants the network to look while it learns, and single picks made by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX


@dataclass(frozen=True)
class Box:
    """A square on one slice of a tomogram.

    Parameters
    ----------
    centre_zyx
        Voxel indices of its centre, may be fractional.
    size
        Voxels along an edge; ``None`` for the feature's own size.
    id
        Number in the project; ``None`` before it is there.
    """

    centre_zyx: ZYX
    size: int | None = None
    id: int | None = None

    def __post_init__(self) -> None:
        z, y, x = (float(value) for value in self.centre_zyx)
        if not (math.isfinite(z) and math.isfinite(y) and math.isfinite(x)):
            raise ParameterProblem("box", f"its centre {self.centre_zyx} is no position", "give z, y, x voxel indices")
        if self.size is not None and self.size < 1:
            raise ParameterProblem("box", f"a size of {self.size} voxels", "give at least 1")
        object.__setattr__(self, "centre_zyx", (z, y, x))


def check_inside(box: Box, shape: tuple[int, int, int], subject: str) -> None:
    """Raise `ParameterProblem` when the centre of `box` is no voxel of a volume of `shape`."""
    if not all(-0.5 <= value <= n - 0.5 for value, n in zip(box.centre_zyx, shape, strict=True)):
        at = ", ".join(f"{value:g}" for value in box.centre_zyx)
        raise ParameterProblem(subject, f"a box at z, y, x = {at} lies outside {shape}", "give 0-based voxel indices")
