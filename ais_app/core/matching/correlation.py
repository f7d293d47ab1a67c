"""Correlate one tile with kernel after kernel.

On a CPU the transforms of the three axes are done apart, so that what is worked on stays in the caches, and what is
known to be zero is not transformed:

    kernel ─► x, y of its few slices ─► blocks of columns: z, times the tile, z back ─► slabs: y, x back ─► visitor

On a GPU whole transforms. Both give the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.matching.steps import Steps, Workers
from ais_app.core.tomogram import Region

if TYPE_CHECKING:
    import torch

Shape = tuple[int, int, int]
Visit = Callable[[int, "torch.Tensor"], float]
_COLUMNS = 256  # of a block: with 200 voxels along z they fill half a second-level cache
_SLICES = 2  # of a slab
_FLAT = 1e-4  # of the tomogram's deviation: where it is less around a voxel there is nothing to compare with


def place(tile: np.ndarray, block: np.ndarray, read: Region, core: Region, support: int) -> None:
    """Put a part of what is read for a tile where it is transformed: its kernels' halo is wrapped around.

    Parameters
    ----------
    tile
        (padded) float32, changed; 0 where nothing is put.
    block
        Voxels of the region `read`, of mean 0.
    read, core
        What was read, and what is wanted of the tile.
    support
        Edge of the kernels.
    """
    # a correlation is a convolution with the mirrored kernel, which is support - 1 voxels late
    late = support // 2 - (support - 1)
    axes = [
        _wrapped(r.start - c.start + late, r.stop - r.start, length)
        for r, c, length in zip(read, core, tile.shape, strict=True)
    ]
    for parts in product(*axes):
        tile[tuple(into for into, _ in parts)] = block[tuple(out for _, out in parts)]


def _wrapped(first: int, count: int, length: int) -> list[tuple[slice, slice]]:
    """Return where places from `first` on lie on a circle of `length`, and which of the `count` these are."""
    first %= length
    inside = min(count, length - first)
    parts = [(slice(first, first + inside), slice(0, inside))]
    return parts if inside == count else [*parts, (slice(0, count - inside), slice(inside, count))]


class Correlator:
    """The transform of one tile, ready to be multiplied.

    Parameters
    ----------
    spectrum
        Of `of`.
    padded
        Voxels of the tile.
    core
        Voxels that are wanted, z y x.
    workers
        Who computes on a CPU.
    whole
        Whether transforms are done at once, as on a GPU.
    """

    def __init__(self, spectrum: list[torch.Tensor], padded: Shape, core: Shape, workers: Workers, whole: bool) -> None:
        self.padded, self.core, self.workers = padded, core, workers
        self._spectrum, self._whole = spectrum, whole

    @staticmethod
    def of(
        tile: torch.Tensor,
        core: Shape,
        workers: Workers,
        *,
        squared: bool = False,
        double: bool = False,
        whole: bool | None = None,
    ) -> Steps[Correlator]:
        """Transform a tile.

        Parameters
        ----------
        tile
            Filled by `place`, on the device where it is computed.
        core, workers, whole
            Of the correlator; `whole` on a GPU if not given.
        squared
            The square of the tile instead of it.
        double
            In float64, as the kernels then have to be.
        """
        import torch

        nz, ny, nx = padded = (int(tile.shape[0]), int(tile.shape[1]), int(tile.shape[2]))

        def values(part: torch.Tensor) -> torch.Tensor:
            part = part.double() if double else part
            return part.square() if squared else part

        if tile.device.type != "cpu" if whole is None else whole:
            return Correlator([torch.fft.rfftn(values(tile))], padded, core, workers, True)
        kind = torch.complex128 if double else torch.complex64
        flat = torch.empty((nz, ny * (nx // 2 + 1)), dtype=kind)

        def rows(z: int) -> None:
            flat[z : z + _SLICES] = torch.fft.fft(torch.fft.rfft(values(tile[z : z + _SLICES])), dim=1).flatten(1)

        yield from workers.steps(rows, range(0, nz, _SLICES), _SLICES * ny * nx)
        yield
        columns = range(0, flat.shape[1], _COLUMNS)
        spectrum = yield from workers.steps(
            lambda first: torch.fft.fft(flat[:, first : first + _COLUMNS], dim=0).contiguous(),
            columns,
            2 * nz * _COLUMNS,
        )
        return Correlator(spectrum, padded, core, workers, False)

    @property
    def starts(self) -> Sequence[int]:
        """First slices of the slabs."""
        return range(0, self.core[0], self.core[0] if self._whole else _SLICES)

    def multiplied(self, kernel: torch.Tensor) -> Steps[torch.Tensor]:
        """Return the product with a kernel, (n, n, n): on a CPU transformed back along z already."""
        import torch

        nz, ny, nx = self.padded
        kernel = kernel.flip((0, 1, 2))
        if self._whole:
            return torch.fft.rfftn(kernel, s=self.padded).mul_(self._spectrum[0])
        kind = self._spectrum[0].dtype
        planes = torch.empty((len(kernel), ny * (nx // 2 + 1)), dtype=kind)
        mixed = torch.empty((self.core[0], planes.shape[1]), dtype=kind)

        def rows(z: int) -> None:
            part = torch.fft.rfft(kernel[z : z + _SLICES], n=nx)
            planes[z : z + _SLICES] = torch.fft.fft(part, n=ny, dim=1).flatten(1)

        def columns(number: int) -> None:
            spectrum = self._spectrum[number]
            at = slice(number * _COLUMNS, number * _COLUMNS + spectrum.shape[1])
            product = torch.fft.fft(planes[:, at], n=nz, dim=0).mul_(spectrum)
            mixed[:, at] = torch.fft.ifft(product, dim=0)[: self.core[0]]

        yield from self.workers.steps(rows, range(0, len(kernel), _SLICES), _SLICES * ny * nx)
        yield from self.workers.steps(columns, range(len(self._spectrum)), 2 * nz * _COLUMNS)
        return mixed.reshape(self.core[0], ny, nx // 2 + 1)

    def slab(self, product: torch.Tensor, z: int) -> torch.Tensor:
        """Return the voxels of the core in the slab that begins at slice `z`."""
        import torch

        depth, height, width = self.core
        if self._whole:
            return torch.fft.irfftn(product, s=self.padded)[:depth, :height, :width]
        return torch.fft.irfft2(product[z : z + _SLICES], s=self.padded[1:])[:, :height, :width]

    def each(self, kernel: torch.Tensor, mask: object, visit: Visit) -> Steps[float]:
        """Call ``visit(first slice, correlation)`` for every slab, and add up what it returns.

        The mask is not asked for: the kernel was multiplied with it.
        """
        product = yield from self.multiplied(kernel)
        return (yield from self.summed(lambda z: visit(z, self.slab(product, z))))

    def summed(self, work: Callable[[int], float], slabs: int = 1) -> Steps[float]:
        """Add up what the work returns for every slab, which transforms so many slabs back."""
        voxels = slabs * _SLICES * self.padded[1] * self.padded[2]
        return math.fsum((yield from self.workers.steps(work, self.starts, voxels)))


def local_weights(
    tile: torch.Tensor, core: Shape, mask: np.ndarray, workers: Workers, *, divided: bool = True
) -> Steps[np.ndarray]:
    """Return 1 / (sqrt(sum m) s), s the deviation under the mask, (z, y, x) float32 of the core; 0 where it is flat.

    Not `divided` 1 instead, for values that are scores already.

    Computed in float64: it is a difference of two numbers that may be close.

    Parameters
    ----------
    tile
        Filled by `place`; its deviation over the whole volume is about 1.
    core
        Voxels wanted.
    mask
        (n, n, n).
    workers
        Who computes on a CPU.
    """
    import torch

    weight = float(mask.sum(dtype=np.float64))
    kernel = torch.from_numpy(mask.astype(np.float64)).to(tile.device)
    found = torch.empty(core, dtype=torch.float64, device=tile.device)

    def means(z: int, values: torch.Tensor) -> float:
        found[z : z + len(values)] = values / weight
        return 0.0

    def weights(z: int, values: torch.Tensor) -> float:
        mean = found[z : z + len(values)]
        wanted = inverse_deviation(values / weight - mean * mean, weight)
        mean.copy_(wanted if divided else wanted > 0)
        return 0.0

    for squared, visit in ((False, means), (True, weights)):
        correlator = yield from Correlator.of(tile, core, workers, squared=squared, double=True)
        yield
        yield from correlator.each(kernel, None, visit)
        del correlator
        yield
    return np.asarray(found.float().cpu().numpy())


def inverse_deviation(variance: torch.Tensor, weight: float | torch.Tensor) -> torch.Tensor:
    """Return 1 / sqrt(weight variance); 0 where the tomogram is flat."""
    import torch

    flat = variance < _FLAT**2
    return torch.where(flat, torch.zeros_like(variance), (variance.clamp(min=_FLAT**2) * weight).rsqrt())


class MaskedCorrelator:
    """Correlates with kernels whose mask is turned with them: the deviation is another one for every rotation.

    Parameters
    ----------
    values, squares
        Of one tile.
    """

    def __init__(self, values: Correlator, squares: Correlator) -> None:
        self._values, self._squares = values, squares

    @staticmethod
    def of(tile: torch.Tensor, core: Shape, workers: Workers) -> Steps[MaskedCorrelator]:
        """Transform a tile; arguments as for `Correlator.of`."""
        values = yield from Correlator.of(tile, core, workers)
        yield
        return MaskedCorrelator(values, (yield from Correlator.of(tile, core, workers, squared=True)))

    def each(self, kernel: torch.Tensor, mask: torch.Tensor, visit: Visit) -> Steps[float]:
        """Call ``visit(first slice, correlation coefficients)`` for every slab, and add up what it returns."""
        weight = float(mask.sum())
        values = yield from self._values.multiplied(kernel)
        yield
        means = yield from self._values.multiplied(mask)
        yield
        squares = yield from self._squares.multiplied(mask)
        yield

        def one(z: int) -> float:
            mean = self._values.slab(means, z) / weight
            variance = self._squares.slab(squares, z) / weight - mean * mean
            return visit(z, self._values.slab(values, z) * inverse_deviation(variance, weight))

        return (yield from self._values.summed(one, slabs=3))
