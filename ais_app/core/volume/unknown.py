"""Voxels that are no number, or padding: they count as the mean of the others, and a person is told."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from ais_app.core.errors import DataWarning
from ais_app.core.tomogram import Region, Tomogram
from ais_app.core.volume.watched import no_numbers

# voxels: boxes and patches of one value, which no noise leaves; thin frames hold patches, padding at a slant boxes
_FLAT = ((5, 5, 5), (1, 11, 11), (11, 1, 11), (11, 11, 1))
_FEWEST = 100  # neighbours alike along y or x that each of them holds


def counted_as_mean(block: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Put the mean of the others, or 0 where there are none, in the place of voxels that are NaN or infinite.

    Returns
    -------
    block
        float32; the same array where all its voxels are numbers.
    known
        Which are, bool; ``None`` where all are.
    """
    known = np.isfinite(block)
    if known.all():
        return block, None
    mean = np.float32(block[known].mean(dtype=float) if known.any() else 0.0)
    return np.where(known, block, mean), known


def without_constant(block: np.ndarray, known: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """Count regions of exactly one value, such as the padding of a tomogram, as not known.

    Parameters
    ----------
    block
        (z, y, x), finite.
    known
        Which of its voxels are known; ``None`` for all.

    Returns
    -------
    block
        With the mean of the others in their place, or 0 where there are none; the same array where nothing changes.
    known
        Which are known now; as it was where nothing changes.
    """
    constant = _constant(block)
    if constant is None or not (constant if known is None else constant & known).any():
        return block, known
    left = ~constant if known is None else known & ~constant
    mean = block[left].mean(dtype=float) if left.any() else 0.0
    return np.where(left, block, block.dtype.type(mean)), left


def _constant(block: np.ndarray) -> np.ndarray | None:
    """Return which voxels lie in a box or patch of one value, bool; ``None`` where there is none."""
    from scipy.ndimage import maximum_filter, minimum_filter

    alike = (np.diff(block, axis=axis) == 0 for axis in (1, 2))
    if all(np.count_nonzero(pairs) < _FEWEST for pairs in alike):
        return None  # nearly all volumes of floating-point numbers
    found = np.zeros(block.shape, bool)
    for size in _FLAT:
        middle = tuple(slice(side // 2, n - side // 2) for side, n in zip(size, block.shape, strict=True))
        flat = np.zeros(block.shape, bool)  # around these voxels, as far from the faces as boxes reach
        flat[middle] = (maximum_filter(block, size) == minimum_filter(block, size))[middle]
        if flat.any():
            found |= maximum_filter(flat, size, mode="constant")
    return found if found.any() else None


class KnownVoxels:
    """Reads blocks of a tomogram and counts its voxels that are no number.

    Parameters
    ----------
    tomogram
        Any.
    constant
        Whether regions of exactly one value are known; if not, they are counted too.
    """

    def __init__(self, tomogram: Tomogram, *, constant: bool = True) -> None:
        self._tomogram, self._keeps = tomogram, constant
        self._read = self._unknown = self._constant = 0

    def block(self, region: Region) -> tuple[np.ndarray, np.ndarray | None]:
        """Return a block, float32, and which of its voxels are known, as `counted_as_mean` does."""
        block, known = counted_as_mean(np.asarray(self._tomogram.data[region], dtype=np.float32))
        unknown = _left_out(known)
        self._read += block.size
        self._unknown += unknown
        if not self._keeps:
            block, known = without_constant(block, known)
            self._constant += _left_out(known) - unknown
        return block, known

    def say(self, what: str = "count as the mean") -> None:
        """Warn of voxels that were read and are not known: what becomes of them.

        Raises
        ------
        ParameterProblem
            None of those that were read is a number.
        """
        if self._read and self._unknown == self._read:
            raise no_numbers(self._tomogram.path or self._tomogram.name)
        counts = (self._unknown, "are no numbers"), (self._constant, "lie in regions of one value, such as padding,")
        for count, are in counts:
            if 0 < count < self._read:  # of a volume of one value more is said later
                text = f"{count:,} of {self._read:,} voxels that were read {are} and {what}"
                warnings.warn(DataWarning(f"{self._tomogram.path or self._tomogram.name}: {text}"), stacklevel=3)


def _left_out(known: np.ndarray | None) -> int:
    return 0 if known is None else known.size - int(np.count_nonzero(known))


def all_known(masks: Sequence[np.ndarray | None], block: np.ndarray) -> np.ndarray | None:
    """Return where all of several masks are true; ``None`` stands for everywhere, also in the result."""
    found = [mask for mask in masks if mask is not None]
    return np.logical_and.reduce(found, out=np.empty(block.shape, bool)) if found else None
