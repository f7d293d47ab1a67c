"""Correlate one tile with kernel after kernel, and keep the best.

On a CPU the transforms of the three axes are done apart, so that what is worked on stays in the caches, and what is
known to be zero is not transformed:

    kernel ─► x, y of its few slices ─► blocks of columns: z, times the tile, z back ─► slabs: y, x back ─► maxima

On a GPU whole transforms. Both give the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from ais_app.core.tomogram import Region

if TYPE_CHECKING:
    import torch

Shape = tuple[int, int, int]
Visit = Callable[[int, "torch.Tensor"], float]
_COLUMNS = 256  # of a block: with 200 voxels along z they fill half a second-level cache
_SLICES = 2  # of a slab
_FLAT = 1e-4  # of the tomogram's deviation: where it is less around a voxel there is nothing to compare with
_POWER_STEP = 8  # one slice of so many enters the mean power of the scores: there are enough of them


def placed(block: np.ndarray, read: Region, core: Region, padded: Shape, support: int) -> torch.Tensor:
    """Return a tile as it is transformed, (padded) float32: 0 where nothing was read, its kernels' halo wrapped around.

    Parameters
    ----------
    block
        Voxels of the region `read`, of mean 0.
    read, core
        What was read, and what is wanted of it.
    padded, support
        Of the tiling, and edge of the kernels.
    """
    import torch

    tile = np.zeros(padded, dtype=np.float32)
    reach = support // 2
    first = [r.start - (c.start - reach) for r, c in zip(read, core, strict=True)]
    tile[tuple(slice(at, at + n) for at, n in zip(first, block.shape, strict=True))] = block
    # a correlation is a convolution with the mirrored kernel, which is support - 1 voxels late
    return torch.from_numpy(np.roll(tile, (1 - support,) * 3, axis=(0, 1, 2)))


class Workers:
    """Threads that each compute on one core; torch's own wait for each other after every small step.

    Used as a context; the result of `map` does not depend on how many there are: `count`, torch's number.
    """

    def __init__(self) -> None:
        import torch

        self.count = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(self.count) if self.count > 1 else None

    def __enter__(self) -> Workers:
        import torch

        torch.set_num_threads(1)
        return self

    def __exit__(self, *_: object) -> None:
        import torch

        torch.set_num_threads(self.count)
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, work: Callable[[int], float], items: Sequence[int]) -> list[float]:
        """Return what the work gives for each, in their order."""
        return list(map(work, items) if self._pool is None else self._pool.map(work, items))


class Correlator:
    """The transform of one tile, ready to be multiplied.

    Parameters
    ----------
    tile
        Of `placed`, on the device where it is computed.
    core
        Voxels that are wanted, z y x.
    workers
        Who computes on a CPU.
    """

    def __init__(self, tile: torch.Tensor, core: Shape, workers: Workers) -> None:
        import torch

        self.padded: Shape = (int(tile.shape[0]), int(tile.shape[1]), int(tile.shape[2]))
        self.core, self.workers = core, workers
        self._whole = tile.device.type != "cpu"
        if self._whole:
            self._spectrum = [torch.fft.rfftn(tile)]
            return
        flat = torch.fft.fft(torch.fft.rfft(tile), dim=1).reshape(self.padded[0], -1)
        self._spectrum = [torch.fft.fft(part, dim=0).contiguous() for part in torch.split(flat, _COLUMNS, dim=1)]

    @property
    def starts(self) -> Sequence[int]:
        """First slices of the slabs."""
        return range(0, self.core[0], self.core[0] if self._whole else _SLICES)

    def multiplied(self, kernel: torch.Tensor) -> torch.Tensor:
        """Return the product with a kernel, (n, n, n): on a CPU transformed back along z already."""
        import torch

        nz, ny, nx = self.padded
        kernel = kernel.flip((0, 1, 2))
        if self._whole:
            return torch.fft.rfftn(kernel, s=self.padded).mul_(self._spectrum[0])
        planes = torch.fft.fft(torch.fft.rfft(kernel, n=nx), n=ny, dim=1).reshape(len(kernel), -1)
        mixed = torch.empty((self.core[0], planes.shape[1]), dtype=planes.dtype)

        def columns(number: int) -> float:
            spectrum = self._spectrum[number]
            at = slice(number * _COLUMNS, number * _COLUMNS + spectrum.shape[1])
            product = torch.fft.fft(planes[:, at], n=nz, dim=0).mul_(spectrum)
            mixed[:, at] = torch.fft.ifft(product, dim=0)[: self.core[0]]
            return 0.0

        self.workers.map(columns, range(len(self._spectrum)))
        return mixed.reshape(self.core[0], ny, nx // 2 + 1)

    def slab(self, product: torch.Tensor, z: int) -> torch.Tensor:
        """Return the voxels of the core in the slab that begins at slice `z`."""
        import torch

        depth, height, width = self.core
        if self._whole:
            return torch.fft.irfftn(product, s=self.padded)[:depth, :height, :width]
        return torch.fft.irfft2(product[z : z + _SLICES], s=self.padded[1:])[:, :height, :width]

    def each(self, kernel: torch.Tensor, mask: object, visit: Visit) -> float:
        """Call ``visit(first slice, correlation)`` for every slab, and add up what it returns.

        The mask is not asked for: the kernel was multiplied with it.
        """
        product = self.multiplied(kernel)
        return math.fsum(self.workers.map(lambda z: visit(z, self.slab(product, z)), self.starts))


def local_weights(tile: torch.Tensor, core: Shape, mask: np.ndarray, *, divided: bool = True) -> np.ndarray:
    """Return 1 / (sqrt(sum m) s), s the deviation under the mask, (z, y, x) float32 of the core; 0 where it is flat.

    Not `divided` 1 instead, for values that are scores already.

    Computed in float64: it is a difference of two numbers that may be close.

    Parameters
    ----------
    tile
        Of `placed`, whose deviation over the whole volume is about 1.
    core
        Voxels wanted.
    mask
        (n, n, n).
    """
    import torch

    weight = float(mask.sum(dtype=np.float64))
    padded = tile.shape
    flipped = torch.from_numpy(mask.astype(np.float64)).to(tile.device).flip((0, 1, 2))
    transform = torch.fft.rfftn(flipped, s=padded)
    wanted = tuple(slice(0, n) for n in core)
    values = tile.double()
    mean = torch.fft.irfftn(torch.fft.rfftn(values).mul_(transform), s=padded)[wanted] / weight
    square = torch.fft.irfftn(torch.fft.rfftn(values.square_()).mul_(transform), s=padded)[wanted] / weight
    found: np.ndarray = inverse_deviation(square - mean * mean, weight).float().cpu().numpy()
    return found if divided else (found > 0).astype(np.float32)


def inverse_deviation(variance: torch.Tensor, weight: float | torch.Tensor) -> torch.Tensor:
    """Return 1 / sqrt(weight variance); 0 where the tomogram is flat."""
    import torch

    flat = variance < _FLAT**2
    return torch.where(flat, torch.zeros_like(variance), (variance.clamp(min=_FLAT**2) * weight).rsqrt())


class MaskedCorrelator:
    """Correlates with kernels whose mask is turned with them: the deviation is another one for every rotation.

    Parameters
    ----------
    tile, core, workers
        As for `Correlator`.
    """

    def __init__(self, tile: torch.Tensor, core: Shape, workers: Workers) -> None:
        self._values = Correlator(tile, core, workers)
        self._squares = Correlator(tile * tile, core, workers)

    def each(self, kernel: torch.Tensor, mask: torch.Tensor, visit: Visit) -> float:
        """Call ``visit(first slice, correlation coefficients)`` for every slab, and add up what it returns."""
        weight = float(mask.sum())
        products = self._values.multiplied(kernel), self._values.multiplied(mask), self._squares.multiplied(mask)

        def one(z: int) -> float:
            values, mean = self._values.slab(products[0], z), self._values.slab(products[1], z) / weight
            square = self._squares.slab(products[2], z) / weight
            return visit(z, values * inverse_deviation(square - mean * mean, weight))

        return math.fsum(self._values.workers.map(one, self._values.starts))


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

    def scores(self, lowest: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores and the numbers of their rotations; those of the inverted template where `lowest`."""
        values, which = (-self.lowest, self.which_lowest) if lowest else (self.highest, self.which)
        return (values * self.weights).cpu().numpy(), which.cpu().numpy()

    def state(self) -> dict[str, np.ndarray]:
        """Return all but the weights, to go on later."""
        names = ("highest", "which", "lowest", "which_lowest")
        sums = np.array([self.power, self.count])
        return {name: getattr(self, name).cpu().numpy() for name in names} | {"sums": sums}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` gave."""
        import torch

        for name in ("highest", "which", "lowest", "which_lowest"):
            getattr(self, name).copy_(torch.from_numpy(state[name]))
        self.power, self.count = (float(value) for value in state["sums"])


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
