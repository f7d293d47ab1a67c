"""One model laid over one tomogram: an array of probabilities that is computed where it is read.

    tomogram ─► at the model's voxel size ─► normalised, mirrored planes ─► windows ─► engine ─┐
    probability ◄─────────────────────────── back on the tomogram's grid ◄─────────────────────┘

A window is as deep as the network sees: the slices of a slab, of which one is answered, or a block of a volume with its
halo (`slabs`). Nothing is computed twice: the last planes are kept, on the way in and on the way out.
"""

from __future__ import annotations

import logging
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import DataWarning
from ais_app.core.model.package import Model
from ais_app.core.prediction.engines import Engine, engine_for, footprint
from ais_app.core.prediction.normalise import check_contrast
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.planes import Planes
from ais_app.core.prediction.slabs import Slabs, SliceSlabs, VolumeSlabs, block_thickness
from ais_app.core.prediction.symmetries import IN_PLANE, symmetries
from ais_app.core.prediction.tiles import Layout, Lens, Stretch, layout, windows
from ais_app.core.tomogram import LazyArray, Region, Tomogram
from ais_app.core.volume.blocks import BlockArray
from ais_app.core.volume.resample import regridded, rescaled

log = logging.getLogger(__name__)

FEWEST_PIXELS = 448**2  # in a window, however many models share the memory: smaller ones are mostly overlap
FEWEST_VOXELS = 128**3  # the same for networks of volumes


@dataclass
class _Block:
    """Consecutive slices of the model's grid, (z, y, x) each."""

    kept: slice
    mean: np.ndarray
    variance: np.ndarray


class Field:
    """Probabilities of one model over one tomogram.

    Parameters
    ----------
    model
        Its card says voxel size, normalisation and depth.
    tomogram
        Any; rescaled where its voxel size differs from the model's by 5 % or more along any axis.
    params
        How to compute.
    engine
        Computes the network.
    reader
        One thread that reads and normalises the next slice while the network computes the current one; shared by
        all fields of a tomogram, because files have one reading position. Without it, slices are read when needed.
    share
        How many fields share the engine's memory.
    run
        How many slices of the tomogram will be read one after another; networks of volumes compute so many at once,
        as far as memory goes.

    Attributes
    ----------
    probability, variance
        Lazy arrays, (z, y, x) float32 on the tomogram's grid. The variance is that over the symmetries.

    Raises
    ------
    ParameterProblem
        All voxels of the tomogram are equal, or no numbers.
    """

    def __init__(
        self,
        model: Model,
        tomogram: Tomogram,
        params: PredictionParams,
        engine: Engine,
        reader: Executor | None = None,
        share: int = 1,
        run: int = 1,
    ) -> None:
        check_contrast(tomogram)
        self._engine = engine
        self._symmetries = symmetries(_useful(params.tta, model))
        record = model.architecture
        self._lens = Lens(record.stride, record.receptive_field)
        self._grid = at_model_size(tomogram, model)
        self._edge = params.tile or 2**30
        fewest = FEWEST_VOXELS if record.dimension == 3 else FEWEST_PIXELS
        self._room = 2**60 if params.tile else max(fewest, footprint(model.network).pixels(engine) // share)
        rate = 1.0
        if self._grid is not tomogram:
            old, new = (np.array(t.require_voxel_size_zyx()) for t in (self._grid, tomogram))
            rate = new[0] / old[0]
        self._slabs = self._slabs_of(model, int(np.ceil(run * rate)))
        self._planes = Planes(self._grid, model, self._slabs, reader)
        self._done: OrderedDict[tuple[int, ...], _Block] = OrderedDict()
        self.probability: LazyArray = _Channel(self, "mean", self._grid.shape)
        self.variance: LazyArray = _Channel(self, "variance", self._grid.shape)
        self._kept = 1
        if self._grid is not tomogram:
            self._kept = 2 + int(np.ceil(2 * max(1.0, rate) / self._slabs.thickness))
            self.probability = regridded(self.probability, tomogram.shape, new / old)
            self.variance = regridded(self.variance, tomogram.shape, new / old)

    def _slabs_of(self, model: Model, run: int) -> Slabs:
        if model.architecture.dimension == 2:
            return SliceSlabs(self._grid.shape[0], model.card.depth)
        voxels = self._room if self._edge == 2**30 else self._edge**3
        return VolumeSlabs(self._grid.shape[0], self._lens, block_thickness(self._grid.shape, self._lens, voxels, run))

    @property
    def cut(self) -> int:
        """Say how slices are cut: 0 where each goes through the network at once, else by how much a window has.

        Fields of a model that cut alike give the same planes to the last digit; those of volumes if also as many
        slices are read one after another.
        """
        border = 2 * (self._lens.border + self._lens.stride)
        height, width = (size + border for size in self._grid.shape[1:])
        if self._edge < 2**30:
            return self._edge
        seen = self._slabs.about(0).seen
        return 0 if height * width <= self._pixels(seen) else self._room

    def plane(self, z: int, rows: slice, columns: slice, of: str) -> np.ndarray:
        """Return mean or variance of one slice of the model's grid, (y, x); the last few blocks are kept."""
        slab = self._slabs.about(z)
        key = (slab.kept.start, rows.start, rows.stop, columns.start, columns.stop)
        if key not in self._done:
            self._done[key] = self._computed(slab, rows, columns)
            while len(self._done) > self._kept:
                self._done.popitem(last=False)
        block = self._done[key]
        values: np.ndarray = getattr(block, of)
        return values[z - block.kept.start]

    def _computed(self, slab: Stretch, rows: slice, columns: slice) -> _Block:
        tall, wide = self._layouts(rows, columns, self._pixels(slab.seen))
        planes = self._planes.slab(slab, tall.extent, wide.extent)
        shape = tuple(part.stop - part.start for part in (slab.kept, rows, columns))
        mean = np.zeros(shape, np.float32)
        several = len(self._symmetries) > 1
        variance = np.zeros(shape, np.float32) if several else np.broadcast_to(np.float32(0), shape)
        for window in windows(tall, wide):
            rows_seen, columns_seen = _within(window.rows.seen, tall.extent), _within(window.columns.seen, wide.extent)
            seen = np.stack([plane[rows_seen, columns_seen] for plane in planes])
            to = slice(None), _within(window.rows.kept, rows), _within(window.columns.kept, columns)
            cut = _within(window.rows.kept, window.rows.seen), _within(window.columns.kept, window.columns.seen)
            for count, laid_back in enumerate(self._inferred(seen), start=1):
                # networks of slices answer one slice, which is the one that is kept
                deep = slice(None) if len(laid_back) == 1 else _within(slab.kept, slab.seen)
                new = laid_back[deep, cut[0], cut[1]]
                step = new - mean[to]
                mean[to] += step / count  # Welford (1962): no loss of digits where the symmetries agree
                if several:
                    variance[to] += step * (new - mean[to])
        return _Block(slab.kept, mean, variance / len(self._symmetries) if several else variance)

    def _inferred(self, slab: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the network's answer to the slab in each symmetry, laid back, (z, y, x); z is one slice or all seen."""
        # a window that is not square has another shape after a quarter turn
        for turned in (0, 1) if slab.shape[1] != slab.shape[2] else (None,):
            group = [s for s in self._symmetries if turned is None or s.turns % 2 == turned]
            for start in range(0, len(group), self._engine.batch):
                batch = group[start : start + self._engine.batch]
                answers = self._engine.infer(np.stack([symmetry.apply(slab) for symmetry in batch]))
                for symmetry, answer in zip(batch, answers, strict=True):
                    yield symmetry.undo(answer.reshape(-1, *answer.shape[-2:]))

    def _pixels(self, seen: slice) -> int:
        """Return how many pixels of a slice fit into a window of the slices seen."""
        volume = isinstance(self._slabs, VolumeSlabs)
        return self._room // (seen.stop - seen.start) if volume else self._room

    def _layouts(self, rows: slice, columns: slice, pixels: int) -> tuple[Layout, Layout]:
        height, width = self._grid.shape[1:]
        tall, wide = (layout(n, part, self._lens, self._edge) for n, part in ((height, rows), (width, columns)))
        tallness, wideness = (cut.extent.stop - cut.extent.start for cut in (tall, wide))
        if tallness * wideness > pixels:
            edge = max(self._lens.smallest, int(pixels**0.5))
            wide = layout(width, columns, self._lens, max(edge, pixels // tallness))
            tall = layout(height, rows, self._lens, max(edge, pixels // wideness))
        return tall, wide


class _Channel(BlockArray):
    """Mean or variance of a field, on the model's grid."""

    def __init__(self, field: Field, name: str, shape: tuple[int, int, int]) -> None:
        self._field, self._name = field, name
        super().__init__(shape, np.float32)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        planes = [self._field.plane(at, y, x, self._name) for at in range(z.start, z.stop)]
        return np.stack(planes) if planes else np.empty((0, y.stop - y.start, x.stop - x.start), np.float32)


def field_of(
    model: Model,
    tomogram: Tomogram,
    params: PredictionParams,
    reader: Executor | None = None,
    share: int = 1,
    run: int = 1,
) -> Field:
    """Lay a model over a tomogram with the engine that the parameters and the machine ask for; see `Field`."""
    engine = engine_for(model.network, params.engine, params.precision)
    return Field(model, tomogram, params, engine, reader, share, run)


def joined(fields: Sequence[Field], part: Region, *, variance: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
    """Return what all models of one feature say of one slice.

    Parameters
    ----------
    fields
        One per model, over one tomogram.
    part
        z, y, x slices; one slice along z.
    variance
        Whether to return the variance over symmetries and models, else ``None`` stands for it.

    Returns
    -------
    tuple
        Mean probability and its variance, each (y, x) float32.
    """
    means = [field.probability[part][0] for field in fields]
    within = [field.variance[part][0] for field in fields] if variance else None
    return averaged(means), None if within is None else np.mean(within, axis=0) + np.var(means, axis=0)


def averaged(planes: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of the models of a feature, (y, x) float32; of one model its own plane, not a copy."""
    mean: np.ndarray = np.stack(planes).mean(axis=0) if len(planes) > 1 else planes[0]
    return mean


def at_model_size(tomogram: Tomogram, model: Model) -> Tomogram:
    """Return the tomogram at the model's voxel size: itself where both agree within 5 % along every axis.

    Where one of the two is not known, the tomogram is taken as it is; `DataWarning` if it is the tomogram's. The
    rescaled tomogram is kept with the tomogram, because its statistics take a pass over it.
    """
    size = model.card.voxel_size
    if size is None:
        log.info("%s: no voxel size in the model; %s is not rescaled", model.card.feature, tomogram.name)
        return tomogram
    if tomogram.voxel_size_zyx is None:
        problem = f"voxel size not known, taken to be the {size:g} Å of the model of {model.card.feature}"
        warnings.warn(DataWarning(f"{tomogram.path or tomogram.name}: {problem}"), stacklevel=1)
        return tomogram
    if model.card.fits(tomogram.voxel_size_zyx):
        return tomogram
    # beside the statistics that `cached_property` keeps there
    kept: dict[float, Tomogram] = tomogram.__dict__.setdefault("_at_size", {})
    if size not in kept:
        kept[size] = rescaled(tomogram, size)
    return kept[size]


def _useful(count: int, model: Model) -> int:
    if model.card.depth == 1 and model.architecture.dimension == 2 and count > IN_PLANE:
        log.warning("%s: takes one slice, so %d symmetries are all; tta %d", model.card.feature, IN_PLANE, count)
        return IN_PLANE
    return count


def _within(part: slice, whole: slice) -> slice:
    return slice(part.start - whole.start, part.stop - whole.start)
