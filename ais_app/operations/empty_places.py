"""Picks where a tomogram holds nothing to cut: no numbers, or one grey value."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.tomogram import LazyArray

_NO_NUMBERS = "holds no numbers there (NaN or infinite)"
_ONE_VALUE = "has one grey value there"


def check_any_filled(places: Iterable[tuple[Path, LazyArray, np.ndarray]], edge: int) -> None:
    """Find out before boxes are cut that there is nothing in any of them; as a rule the first one says that there is.

    Parameters
    ----------
    places
        Tomogram file, its voxels, and (n, 3) z y x, the central voxels of the boxes.
    edge
        Of the boxes, voxels.

    Raises
    ------
    ParameterProblem
        None of them holds two different numbers.
    """
    paths, count, numbers = [], 0, False
    for path, data, voxels in places:
        paths.append(path)
        for voxel in voxels:
            values = _numbers(data, voxel, edge)
            if values.size and values.min() < values.max():  # their difference may be beyond small integers
                return
            numbers |= values.size > 0
            count += 1
    why = _ONE_VALUE if numbers else _NO_NUMBERS
    several = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    problem = f"nothing can be cut at any of {count:,} pick{'s' * (count != 1)}: it {why}"
    raise ParameterProblem(f"{paths[0]}{several}", problem, "look at it: ais-app info; then choose other picks")


class EmptyPlaces:
    """Counts the cubes that are 0, and why they are.

    Parameters
    ----------
    edge
        Of the boxes that they are cut from, voxels.
    """

    def __init__(self, edge: int) -> None:
        self._edge, self.flat, self.unknown = edge, 0, 0

    def look(self, cubes: np.ndarray, data: LazyArray, voxels: np.ndarray) -> None:
        """Count cubes, (k, e, e, e), cut from boxes around voxels, (k, 3) z y x."""
        for voxel in voxels[(cubes == 0).all(axis=(1, 2, 3))]:
            if _numbers(data, voxel, self._edge).size:
                self.flat += 1
            else:
                self.unknown += 1

    def say(self, out: Path) -> None:
        """Warn of what was counted."""
        for count, why in ((self.flat, _ONE_VALUE), (self.unknown, _NO_NUMBERS)):
            if count:
                text = f"{out}: {count:,} cube{'s are' if count != 1 else ' is'} 0, because the tomogram {why}"
                warnings.warn(DataWarning(f"{text}; leave such picks out"), stacklevel=3)


def _numbers(data: LazyArray, voxel: Sequence[int] | np.ndarray, edge: int) -> np.ndarray:
    """Return the finite values of a box, of what of it lies in the volume, (m,)."""
    first = [int(middle) - edge // 2 for middle in voxel]
    region = tuple(slice(max(0, low), max(0, min(low + edge, n))) for low, n in zip(first, data.shape, strict=True))
    box = np.asarray(data[region])
    return np.asarray(box[np.isfinite(box)])
