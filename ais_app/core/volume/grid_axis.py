"""One axis of a rescaling: where the new voxels lie among the old ones, and the weights that they are made with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Kernel = Literal["cubic", "linear"]


@dataclass(frozen=True)
class GridAxis:
    """One axis of a rescaling: `new` voxels, each `step` old ones, about the centre of `old` voxels.

    Parameters
    ----------
    old, new
        How many voxels there are along it, and will be.
    step
        Size of a new voxel in old ones.
    kernel
        ``"cubic"`` (Keys 1981, IEEE Trans. ASSP 29, 1153) or ``"linear"``, widened where new voxels are larger.
    """

    old: int
    new: int
    step: float
    kernel: Kernel

    @property
    def first(self) -> float:
        """Where new voxel 0 lies, in old voxels."""
        return (self.old - 1) / 2 - (self.new - 1) / 2 * self.step

    @cached_property
    def weights(self) -> csr_array:
        """Rows of weights, (new, old), that each sum to 1; beyond the ends the end voxel is repeated."""
        from scipy.sparse import csr_array

        width = max(1.0, self.step)
        reach = (2.0 if self.kernel == "cubic" else 1.0) * width
        centre = self.first + np.arange(self.new) * self.step
        taps = np.floor(centre - reach)[:, None].astype(int) + np.arange(int(np.ceil(2 * reach)) + 2)
        away = taps - centre[:, None]
        weight = _KERNELS[self.kernel](np.abs(away) / width)
        if self.step > 1:
            weight = _balanced(weight, away, _linear(np.abs(away) / width))
        rows = np.broadcast_to(np.arange(self.new)[:, None], taps.shape)
        used = weight != 0
        entries = (weight[used].astype(np.float32), (rows[used], np.clip(taps, 0, self.old - 1)[used]))
        return csr_array(entries, shape=(self.new, self.old))

    def span(self, low: int, high: int) -> slice:
        """Return the old voxels that the new voxels ``low ... high - 1`` need."""
        rows = self.weights.indptr
        columns = self.weights.indices[rows[low] : rows[high]]
        return slice(int(columns.min()), int(columns.max()) + 1)

    def apply(self, block: np.ndarray, low: int, high: int, at: int) -> np.ndarray:
        """Rescale the first axis of `block`, which starts at old voxel `at`, to new voxels ``low ... high - 1``."""
        weights = self.weights[low:high, at : at + len(block)]
        flat = weights @ block.reshape(len(block), -1).astype(np.float32, copy=False)
        return np.asarray(flat, dtype=np.float32).reshape(high - low, *block.shape[1:])


def _balanced(weight: np.ndarray, away: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Correct rows of weights by a slope on `base`, so that each sums to 1 and balances about its new voxel.

    A widened kernel that is sampled at whole voxels is otherwise off its place by up to some 0.05 voxels.
    """
    b0, b1, b2 = (np.sum(base * away**power, axis=1, keepdims=True) for power in (0, 1, 2))
    lack, lean = 1 - weight.sum(axis=1, keepdims=True), -np.sum(weight * away, axis=1, keepdims=True)
    level = lack * b2 - lean * b1
    slope = lean * b0 - lack * b1
    return weight + base * (level + slope * away) / (b0 * b2 - b1 * b1)


def _cubic(distance: np.ndarray) -> np.ndarray:
    near = (1.5 * distance - 2.5) * distance * distance + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))


def _linear(distance: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, 1.0 - distance)


_KERNELS = {"cubic": _cubic, "linear": _linear}
