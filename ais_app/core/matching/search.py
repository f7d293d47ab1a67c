"""Search a tomogram for a template in every rotation: tile by tile, with what was finished kept on disk."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.matching.correlation import Correlator, MaskedCorrelator, local_weights, place
from ais_app.core.matching.maxima import Maxima
from ais_app.core.matching.steps import Steps, Workers, shown, slabs
from ais_app.core.matching.store import Scores, Store
from ais_app.core.matching.template import Template
from ais_app.core.matching.tiles import Tiling, tiling
from ais_app.core.tomogram import LazyArray, Region

if TYPE_CHECKING:
    import torch

CHECKPOINT = 60.0  # seconds after which a tile that is not finished is kept, so that it need not begin anew
CHECKPOINT_COST = 20.0  # times as long as keeping it took, at least
_BYTES_PER_VOXEL = 40  # of a tile: its transform, two products, the maxima, the deviations while they are computed
_KERNEL_VOXELS = 2**20  # turned together


@dataclass(frozen=True)
class Searched:
    """Both results of a search whose template may be bright or dark; the second only where it was asked for."""

    bright: Scores
    dark: Scores | None


def search_job(
    volume: LazyArray,
    mean: float,
    deviation: float,
    template: Template,
    rotations: np.ndarray,
    *,
    border: float = 0.0,
    both: bool = False,
    memory: float = 1000.0,
    device: str = "auto",
    folder: Path | None = None,
    identity: dict[str, Any] | None = None,
) -> Job[Searched]:
    """Correlate a tomogram with a template in all rotations.

    Parameters
    ----------
    volume
        (z, y, x), read tile by tile. What is no finite number counts as the mean.
    mean, deviation
        Of its voxels.
    template
        Of `template.prepare`.
    rotations
        (k, 3, 3).
    border
        Voxels from the faces within which nothing is looked for: kernels reach out of the volume there, into zeros.
    both
        Also find where the inverted template fits.
    memory
        MB, about, that may be used; on a GPU, of its memory.
    device
        "auto", "cpu" or "cuda".
    folder
        Where finished tiles, and parts of unfinished ones, are kept: a later search of the same goes on with them, and
        the volumes of the result are files in it. Without it everything is in memory.
    identity
        What else tells one search from another, JSON-able: the file, the wedge.

    Yields
    ------
    Progress
        In rotations of tiles.
    """
    from ais_app.core.particles.correlation import compute_device

    _check_size(volume.shape, template, border)
    plan = tiling(volume.shape, template.support, max(2**15, int(memory * 1e6 / _BYTES_PER_VOXEL)))
    # the order of rotations and the tiles enter, so that a part is never taken for another
    known = {**(identity or {}), "shape": list(volume.shape), "mean": mean, "deviation": deviation, "both": both}
    known |= {"tiles": [len(plan.cores), *plan.padded], "border": border}
    known |= {"template": _digest(template), "rotations": _digest(rotations)}
    store = Store(folder, known)
    search = _Search(volume, mean, deviation, template.to(compute_device(device)), rotations, plan, border, both, store)
    total = len(plan.cores) * len(rotations)
    for number in range(len(plan.cores)):
        if not store.is_done(number):
            yield from search.tile_job(number)
    end = Progress(total, total, "putting the tiles together")
    yield end
    bright = yield from shown(store.assembled(plan, volume.shape, rotations, lowest=False), end)
    dark = (yield from shown(store.assembled(plan, volume.shape, rotations, lowest=True), end)) if both else None
    return Searched(bright, dark)


def _check_size(shape: tuple[int, ...], template: Template, border: float) -> None:
    if min(shape) < template.support:
        problem = f"reaches over {template.support} voxels, the tomogram has {' x '.join(map(str, shape))} (z, y, x)"
        raise ParameterProblem("template", problem, "give a smaller mask radius or a larger tomogram")
    if min(shape) <= 2 * border:
        problem = f"{border:.1f} voxels at each face leave nothing of {' x '.join(map(str, shape))} (z, y, x)"
        raise ParameterProblem("border", problem, "make it smaller; with 0 particles may be cut off by the faces")


@dataclass(frozen=True)
class _Search:
    """What is the same for all tiles."""

    volume: LazyArray
    mean: float
    deviation: float
    template: Template
    rotations: np.ndarray
    plan: Tiling
    border: float
    both: bool
    store: Store

    def tile_job(self, number: int) -> Job[None]:
        """Try all rotations on one tile and keep its scores."""
        core = self.plan.cores[number]
        yield self._progress(number, 0)
        with Workers() as workers:
            tile = yield from shown(self._read(core), self._progress(number, 0))
            maxima = yield from shown(self._maxima(tile, core, workers), self._progress(number, 0))
            kind: Any = MaskedCorrelator if self.template.turns else Correlator
            shape = tuple(part.stop - part.start for part in core)
            correlator = yield from shown(kind.of(tile, shape, workers), self._progress(number, 0))
            del tile
            first = yield from shown(self.store.restore(number, maxima), self._progress(number, 0))
            yield from self._rotations_job(number, first, correlator, maxima)
        yield from shown(self.store.keep(number, maxima), self._progress(number, len(self.rotations)))

    def _rotations_job(self, number: int, first: int, correlator: Any, maxima: Maxima) -> Job[None]:
        kept, cost = time.monotonic(), 0.0
        for at, kernel, mask in self._kernels(first):
            visit = partial(maxima.update, at)
            power = yield from shown(correlator.each(kernel, mask, visit), self._progress(number, at))
            maxima.add(at, power)
            done = self._progress(number, at + 1)
            yield done
            if time.monotonic() - kept > max(CHECKPOINT, CHECKPOINT_COST * cost):
                began = time.monotonic()
                yield from shown(self.store.keep_part(number, maxima, at + 1), done)
                kept = time.monotonic()
                cost = kept - began

    def _progress(self, number: int, rotations: int) -> Progress:
        count, tiles = len(self.rotations), len(self.plan.cores)
        return Progress(number * count + rotations, tiles * count, f"tile {number + 1} of {tiles}")

    def _read(self, core: Region) -> Steps[torch.Tensor]:
        import torch

        z, y, x = self.plan.read_region(core, self.volume.shape)
        tile = np.zeros(self.plan.padded, dtype=np.float32)
        for slab in slabs(z.stop - z.start, (y.stop - y.start) * (x.stop - x.start)):
            region = (slice(z.start + slab.start, z.start + slab.stop), y, x)
            block = np.asarray(self.volume[region], dtype=np.float32)
            block = (block - np.float32(self.mean)) / np.float32(self.deviation or 1.0)
            place(tile, np.where(np.isfinite(block), block, np.float32(0)), region, core, self.template.support)
            yield
        return torch.from_numpy(tile).to(self.template.fine.device)

    def _maxima(self, tile: torch.Tensor, core: Region, workers: Workers) -> Steps[Maxima]:
        z, y, x = (part.stop - part.start for part in core)
        mask, divided = self.template.mask, not self.template.turns
        weights = yield from local_weights(tile, (z, y, x), mask, workers, divided=divided)
        for axis, (part, length) in enumerate(zip(core, self.volume.shape, strict=True)):
            voxels = np.arange(part.start, part.stop)
            outside = np.flatnonzero(np.minimum(voxels, length - 1 - voxels) + 0.5 < self.border)
            np.moveaxis(weights, axis, 0)[outside] = 0
        return Maxima((z, y, x), weights, self.both, tile.device)

    def _kernels(self, first: int) -> Iterator[tuple[int, Any, Any]]:
        """Yield (number, kernel, mask) of the rotations from `first` on; several are turned at a time."""
        edge = max(self.template.weights.shape[0], self.template.support)
        together = max(1, min(16, _KERNEL_VOXELS // edge**3))
        for low in range(first, len(self.rotations), together):
            kernels, masks = self.template.kernels_and_masks(self.rotations[low : low + together])
            for offset, kernel in enumerate(kernels):
                yield low + offset, kernel, masks[offset if len(masks) > 1 else 0]


def _digest(value: np.ndarray | Template) -> str:
    digest = hashlib.blake2b(digest_size=12)
    parts = [value]
    if isinstance(value, Template):
        parts = [value.fine.cpu().numpy(), value.mask, value.weights.cpu().numpy(), np.array([value.turns])]
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
