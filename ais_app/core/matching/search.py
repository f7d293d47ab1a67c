"""Search a tomogram for a template in every rotation: tile by tile, with what was finished kept on disk."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.files import read_text, replacing, write_text
from ais_app.core.jobs import Job, Progress
from ais_app.core.matching.template import Template
from ais_app.core.matching.tiles import Tiling, tiling
from ais_app.core.tomogram import LazyArray, Region

if TYPE_CHECKING:
    import torch

    from ais_app.core.matching.correlation import Maxima

CHECKPOINT = 60.0  # seconds after which a tile that is not finished is kept, so that it need not begin anew
CHECKPOINT_COST = 20.0  # times as long as keeping it took, at least
_BYTES_PER_VOXEL = 40  # of a tile: its transform, two products, the maxima, the deviations while they are computed
_KERNEL_VOXELS = 2**20  # turned together


@dataclass(frozen=True)
class Scores:
    """The result of a search.

    Parameters
    ----------
    score
        (z, y, x) float32, -1 ... 1: the best of all rotations; 0 where the tomogram is flat.
    angle
        (z, y, x) int32: the rotation that gave it.
    rotations
        (k, 3, 3), those that were tried.
    deviation
        Root mean square of the scores of all voxels and rotations.
    searched
        How many scores there were: voxels that are not flat or at a face, times rotations.
    """

    score: np.ndarray
    angle: np.ndarray
    rotations: np.ndarray
    deviation: float
    searched: float


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
            for done in search.tile(number):
                yield Progress(number * len(rotations) + done, total, f"tile {number + 1} of {len(plan.cores)}")
    yield Progress(total, total, "putting the tiles together")
    bright = store.assembled(plan, volume.shape, rotations, lowest=False)
    return Searched(bright, store.assembled(plan, volume.shape, rotations, lowest=True) if both else None)


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

    def tile(self, number: int) -> Iterator[int]:
        """Try all rotations on one tile and keep its scores; yields how many were tried."""
        from ais_app.core.matching.correlation import Correlator, MaskedCorrelator, Workers

        core = self.plan.cores[number]
        z, y, x = (part.stop - part.start for part in core)
        yield 0
        tile = self._read(core)
        yield 0
        maxima = self._maxima(tile, core)
        with Workers() as workers:
            kind: Any = MaskedCorrelator if self.template.turns else Correlator
            correlator = kind(tile, (z, y, x), workers)
            del tile
            kept, cost = time.monotonic(), 0.0
            for at, kernel, mask in self._kernels(self.store.restore(number, maxima)):
                maxima.add(at, correlator.each(kernel, mask, partial(maxima.update, at)))
                yield at + 1
                if time.monotonic() - kept > max(CHECKPOINT, CHECKPOINT_COST * cost):
                    began = time.monotonic()
                    self.store.keep_part(number, maxima, at + 1)
                    kept = time.monotonic()
                    cost = kept - began
        self.store.keep(number, maxima)

    def _read(self, core: Region) -> torch.Tensor:
        from ais_app.core.matching.correlation import placed

        region = self.plan.read_region(core, self.volume.shape)
        block = np.asarray(self.volume[region], dtype=np.float32)
        block = (block - np.float32(self.mean)) / np.float32(self.deviation or 1.0)
        block = np.where(np.isfinite(block), block, np.float32(0))
        return placed(block, region, core, self.plan.padded, self.template.support).to(self.template.fine.device)

    def _maxima(self, tile: torch.Tensor, core: Region) -> Maxima:
        from ais_app.core.matching.correlation import Maxima, local_weights

        z, y, x = (part.stop - part.start for part in core)
        weights = local_weights(tile, (z, y, x), self.template.mask, divided=not self.template.turns)
        for axis, (part, length) in enumerate(zip(core, self.volume.shape, strict=True)):
            place = np.arange(part.start, part.stop)
            outside = np.flatnonzero(np.minimum(place, length - 1 - place) + 0.5 < self.border)
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


class Store:
    """Results of tiles, in a folder or in memory.

    Parameters
    ----------
    folder
        Made where it is missing; what another search left in it is removed. In memory if not given.
    identity
        What tells this search from others.
    """

    def __init__(self, folder: Path | None, identity: dict[str, Any]) -> None:
        self._folder = folder
        self._memory: dict[int, dict[str, np.ndarray]] = {}
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        note, text = folder / "search.json", json.dumps(identity, sort_keys=True)
        if note.exists() and read_text(note) == text:
            return
        for old in [note, *folder.glob("tile_*.npz"), *folder.glob(".*.part*"), *folder.glob("part_*.npz")]:
            old.unlink(missing_ok=True)
        write_text(note, text)

    def is_done(self, number: int) -> bool:
        """Say whether a tile is finished."""
        return number in self._memory if self._folder is None else self._tile(number).exists()

    def keep(self, number: int, maxima: Maxima) -> None:
        """Keep a finished tile."""
        names = ("score", "angle", "score_dark", "angle_dark")
        values = maxima.scores(lowest=False) + (maxima.scores(lowest=True) if maxima.both else ())
        sums = np.array([maxima.power, maxima.count, maxima.searched])
        result = dict(zip(names, values, strict=False)) | {"sums": sums}
        if self._folder is None:
            self._memory[number] = result
            return
        _save(self._tile(number), result)
        self._part(number).unlink(missing_ok=True)

    def keep_part(self, number: int, maxima: Maxima, done: int) -> None:
        """Keep a tile of which `done` rotations were tried, where there is a folder."""
        if self._folder is not None:
            _save(self._part(number), maxima.state() | {"done": np.array(done)})

    def restore(self, number: int, maxima: Maxima) -> int:
        """Go on with a tile that was kept; return how many rotations were tried."""
        if self._folder is None or not self._part(number).exists():
            return 0
        with np.load(self._part(number), allow_pickle=False) as state:
            maxima.restore(dict(state))
            return int(state["done"])

    def assembled(self, plan: Tiling, shape: tuple[int, ...], rotations: np.ndarray, *, lowest: bool) -> Scores:
        """Put finished tiles together; in a folder the volumes are mapped files."""
        end = "_dark" if lowest else ""
        score, angle = self._volume(f"score{end}", shape, np.float32), self._volume(f"angle{end}", shape, np.int32)
        sums = np.zeros(3)
        for number, core in enumerate(plan.cores):
            tile = self._read(number, (f"score{end}", f"angle{end}", "sums"))
            score[core], angle[core] = tile[f"score{end}"], tile[f"angle{end}"]
            sums += tile["sums"]
        deviation = math.sqrt(sums[0] / max(1.0, sums[1]))
        return Scores(score, angle, rotations, deviation, float(len(rotations)) * float(sums[2]))

    def _read(self, number: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        if self._folder is None:
            return self._memory[number]
        with np.load(self._tile(number), allow_pickle=False) as tile:
            return {name: tile[name] for name in names}

    def _volume(self, name: str, shape: tuple[int, ...], kind: Any) -> np.ndarray:
        if self._folder is None:
            return np.empty(shape, dtype=kind)
        file = self._folder / f"{name}.npy"
        file.unlink(missing_ok=True)  # whoever still looks at an earlier one keeps it
        mapped: np.ndarray = np.lib.format.open_memmap(file, mode="w+", dtype=kind, shape=shape)
        return mapped

    def _tile(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"tile_{number:04d}.npz"

    def _part(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"part_{number:04d}.npz"


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with replacing(path) as part:
        np.savez(part, **arrays)  # type: ignore[arg-type]
