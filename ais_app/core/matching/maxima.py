"""What is kept of all rotations: the best score of each voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    import torch

Shape = tuple[int, int, int]
_ALL = slice(None)
_POWER_STEP = 8  # one slice of so many enters the mean power of the scores: there are enough of them


class Maxima:
    """The highest value at each voxel and the rotation that gave it; also the lowest, where the sign is not known.

    Parameters
    ----------
    core
        Voxels, z y x.
    weights
        (z, y, x) float32: what values are multiplied with to become scores; 0 where nothing is looked for.
    both
        Keep the lowest as well.
    device
        Of the values.
    """

    def __init__(self, core: Shape, weights: np.ndarray, both: bool, device: torch.device) -> None:
        import torch

        self.both = both
        self.power, self.count = 0.0, 0.0
        self.searched = int(np.count_nonzero(weights))
        self._counts = np.count_nonzero(weights, axis=(1, 2))
        self.weights = torch.from_numpy(weights).to(device)
        self.highest = torch.full(core, -torch.inf, device=device)
        self.which = torch.zeros(core, dtype=torch.int32, device=device)
        kept = core if both else (1, 1, 1)
        self.lowest = torch.full(kept, torch.inf, device=device)
        self.which_lowest = torch.zeros(kept, dtype=torch.int32, device=device)

    def update(self, number: int, z: int, values: torch.Tensor) -> float:
        """Take the values of rotation `number` in the slab that begins at slice `z`; return its part of the power.

        Slabs may come from several threads at a time.
        """
        slab = slice(z, z + len(values))
        if values.device.type == "cpu":
            _raise(values.numpy(), self.highest[slab].numpy(), self.which[slab].numpy(), number)
            if self.both:
                _lower(values.numpy(), self.lowest[slab].numpy(), self.which_lowest[slab].numpy(), number)
        else:
            self.which[slab].masked_fill_(values > self.highest[slab], number)
            self.highest[slab].clamp_(min=values)
            if self.both:
                self.which_lowest[slab].masked_fill_(values < self.lowest[slab], number)
                self.lowest[slab].clamp_(max=values)
        return self._power(number, z, values)

    def _power(self, number: int, z: int, values: torch.Tensor) -> float:
        """Return the sum of the squared scores of every eighth slice, others in each rotation."""
        import torch

        first = (number - z) % _POWER_STEP
        if first >= len(values):
            return 0.0
        weights = self.weights[z + first : z + len(values) : _POWER_STEP]
        return float((values[first::_POWER_STEP] * weights).square().sum(dtype=torch.float64))

    def add(self, number: int, power: float) -> None:
        """Add what `update` returned for all slabs of a rotation to the mean square of the scores."""
        self.power += power
        self.count += float(self._counts[number % _POWER_STEP :: _POWER_STEP].sum())

    def score(self, lowest: bool, part: slice = _ALL) -> np.ndarray:
        """Return the scores in some slices; those of the inverted template where `lowest`."""
        values = -self.lowest[part] if lowest else self.highest[part]
        found: np.ndarray = (values * self.weights[part]).cpu().numpy()
        return found

    def angle(self, lowest: bool, part: slice = _ALL) -> np.ndarray:
        """Return the numbers of the rotations that gave the scores."""
        found: np.ndarray = (self.which_lowest if lowest else self.which)[part].cpu().numpy()
        return found

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return all that must be kept, with `power` and `count`, to go on later; what is put there counts."""
        names = ("highest", "which", "lowest", "which_lowest")
        return {name: getattr(self, name) for name in names}


@njit(cache=True, nogil=True)
def _raise(values, highest, which, number):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    for z in range(values.shape[0]):
        for y in range(values.shape[1]):
            for x in range(values.shape[2]):
                if values[z, y, x] > highest[z, y, x]:
                    highest[z, y, x] = values[z, y, x]
                    which[z, y, x] = number


@njit(cache=True, nogil=True)
def _lower(values, lowest, which, number):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    for z in range(values.shape[0]):
        for y in range(values.shape[1]):
            for x in range(values.shape[2]):
                if values[z, y, x] < lowest[z, y, x]:
                    lowest[z, y, x] = values[z, y, x]
                    which[z, y, x] = number
