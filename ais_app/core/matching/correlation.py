"""Correlate one tile with kernel after kernel, and keep the best.

On a CPU the transforms of the three axes are done apart, so that what is worked on stays in the caches, and what is
known to be zero is not transformed:

    kernel ─► x, y of its few slices ─► blocks of columns: z, times the tile, z back ─► slabs: y, x back ─► maxima

On a GPU whole transforms. Both give the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from ais_app.core.tomogram import Region

if TYPE_CHECKING:
    import torch

Shape = tuple[int, int, int]
_COLUMNS = 256  # of a block, for each thread: with 200 voxels along z they fill half a second-level cache
_SLICES = 2  # of a slab, for each thread
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


class Correlator:
    """The transform of one tile, ready to be multiplied.

    Parameters
    ----------
    tile
        Of `placed`, on the device where it is computed.
    core
        Voxels that are wanted, z y x.
    """

    def __init__(self, tile: torch.Tensor, core: Shape) -> None:
        import torch

        self.padded: Shape = (int(tile.shape[0]), int(tile.shape[1]), int(tile.shape[2]))
        self.core = core
        self.whole = tile.device.type != "cpu"
        if self.whole:
            self._spectrum = [torch.fft.rfftn(tile)]
            return
        threads = torch.get_num_threads()
        self._columns, self._slices = _COLUMNS * threads, _SLICES * threads
        flat = torch.fft.fft(torch.fft.rfft(tile), dim=1).reshape(self.padded[0], -1)
        parts = torch.split(flat, self._columns, dim=1)
        self._spectrum = [torch.fft.fft(part, dim=0).contiguous() for part in parts]

    def slabs(self, kernel: torch.Tensor, mask: object = None) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield the correlation with a kernel, (n, n, n): the first slice of a slab, and its voxels of the core.

        The mask is not asked for: the kernel was multiplied with it.
        """
        import torch

        nz, ny, nx = self.padded
        depth, height, width = self.core
        kernel = kernel.flip((0, 1, 2))
        if self.whole:
            product = torch.fft.rfftn(kernel, s=self.padded).mul_(self._spectrum[0])
            yield 0, torch.fft.irfftn(product, s=self.padded)[:depth, :height, :width]
            return
        planes = torch.fft.fft(torch.fft.rfft(kernel, n=nx), n=ny, dim=1).reshape(len(kernel), -1)
        mixed = torch.empty((depth, planes.shape[1]), dtype=planes.dtype)
        for number, spectrum in enumerate(self._spectrum):
            at = slice(number * self._columns, number * self._columns + spectrum.shape[1])
            product = torch.fft.fft(planes[:, at], n=nz, dim=0).mul_(spectrum)
            mixed[:, at] = torch.fft.ifft(product, dim=0)[:depth]
        images = mixed.reshape(depth, ny, nx // 2 + 1)
        for z in range(0, depth, self._slices):
            values = torch.fft.irfft2(images[z : z + self._slices], s=(ny, nx))
            yield z, values[:, :height, :width]


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
    tile, core
        As for `Correlator`.
    """

    def __init__(self, tile: torch.Tensor, core: Shape) -> None:
        self._values, self._squares = Correlator(tile, core), Correlator(tile * tile, core)

    def slabs(self, kernel: torch.Tensor, mask: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield the correlation coefficients, slab by slab."""
        weight = float(mask.sum())
        streams = zip(self._values.slabs(kernel), self._values.slabs(mask), self._squares.slabs(mask), strict=True)
        for (z, product), (_, total), (_, square) in streams:
            mean = total / weight
            yield z, product * inverse_deviation(square / weight - mean * mean, weight)


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

    def update(self, number: int, z: int, values: torch.Tensor) -> None:
        """Take the values of rotation `number` in the slab that begins at slice `z`."""
        slab = slice(z, z + len(values))
        self._measure(number, z, values)
        if values.device.type == "cpu":
            _raise(values.numpy(), self.highest[slab].numpy(), self.which[slab].numpy(), number)
            if self.both:
                _lower(values.numpy(), self.lowest[slab].numpy(), self.which_lowest[slab].numpy(), number)
            return
        self.which[slab].masked_fill_(values > self.highest[slab], number)
        self.highest[slab].clamp_(min=values)
        if self.both:
            self.which_lowest[slab].masked_fill_(values < self.lowest[slab], number)
            self.lowest[slab].clamp_(max=values)

    def _measure(self, number: int, z: int, values: torch.Tensor) -> None:
        """Add to the mean square of the scores, over every eighth slice, others in each rotation."""
        import torch

        first = (number - z) % _POWER_STEP
        if first >= len(values):
            return
        chosen = slice(z + first, z + len(values), _POWER_STEP)
        self.power += float((values[first::_POWER_STEP] * self.weights[chosen]).square().sum(dtype=torch.float64))
        self.count += float(self._counts[chosen].sum())

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
