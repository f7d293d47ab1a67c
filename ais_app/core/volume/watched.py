"""Whether a volume holds anything at all, seen while it is read: nothing is read twice to find out."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import LazyArray
from ais_app.core.volume.blocks import BlockArray


def no_numbers(subject: str | Path) -> ParameterProblem:
    """Return what to raise for a volume without any finite voxel."""
    remedy = "nothing can be found in it: reconstruct it again, or copy it again from where it was made"
    return ParameterProblem(subject, "holds no numbers: all its voxels are NaN or infinite", remedy)


class Watched(BlockArray):
    """A lazy array, (z, y, x), that notes which values were read from it, until there are two.

    Parameters
    ----------
    source
        What is read; from several threads if it allows that.
    """

    def __init__(self, source: LazyArray) -> None:
        super().__init__(source.shape, source.dtype)
        self._source, self._lock = source, Lock()
        self._read_any = False
        self._low, self._high = np.inf, -np.inf

    @property
    def empty(self) -> bool:
        """Whether something was read, and all of it is NaN or infinite."""
        return self._read_any and self._low > self._high

    @property
    def only_value(self) -> float | None:
        """The one value of all finite voxels that were read; ``None`` where there are several, or none."""
        return float(self._low) if self._low == self._high else None

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        """Return one block."""
        block = np.asarray(self._source[z, y, x])
        if not self._low < self._high:  # of most volumes only the first block is looked at
            self._look(block)
        return block

    def _look(self, block: np.ndarray) -> None:
        finite = block[np.isfinite(block)]
        with self._lock:
            self._read_any |= block.size > 0
            if finite.size:
                self._low, self._high = min(self._low, finite.min()), max(self._high, finite.max())
