"""One model laid over one tomogram: an array of probabilities that is computed where it is read.

    tomogram ─► at the model's voxel size ─► normalised, mirrored planes ─► windows ─► engine ─┐
    probability ◄─────────────────────────── back on the tomogram's grid ◄─────────────────────┘

Nothing is computed twice: the last planes are kept, on the way in and on the way out.
"""

from __future__ import annotations

import logging
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import DataWarning
from ais_app.core.model.package import Model
from ais_app.core.prediction.engines import Engine, engine_for, footprint
from ais_app.core.prediction.normalise import check_contrast
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.symmetries import IN_PLANE, symmetries
from ais_app.core.prediction.tiles import Layout, Lens, layout, mirrored, windows
from ais_app.core.tomogram import LazyArray, Region, Tomogram
from ais_app.core.volume.blocks import BlockArray
from ais_app.core.volume.resample import regridded, rescaled

log = logging.getLogger(__name__)

SAME_SIZE = 0.05  # voxel sizes closer than this are taken for the same
FEWEST_PIXELS = 448**2  # in a window, however many models share the memory: smaller ones are mostly overlap


@dataclass
class _Plane:
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
    ) -> None:
        check_contrast(tomogram)
        self._engine = engine
        self._symmetries = symmetries(_useful(params.tta, model))
        self._lens = Lens(model.architecture.stride, model.architecture.receptive_field)
        self._grid = at_model_size(tomogram, model)
        self._planes = _Planes(self._grid, model, reader)
        self._done: OrderedDict[tuple[int, ...], _Plane] = OrderedDict()
        self._edge = params.tile or 2**30
        self._pixels = 2**60 if params.tile else max(FEWEST_PIXELS, footprint(model.network).pixels(engine) // share)
        self.probability: LazyArray = _Channel(self, "mean", self._grid.shape)
        self.variance: LazyArray = _Channel(self, "variance", self._grid.shape)
        self._kept = 1
        if self._grid is not tomogram:
            old, new = (np.array(t.require_voxel_size_zyx()) for t in (self._grid, tomogram))
            self._kept = 2 + int(np.ceil(2 * max(1.0, new[0] / old[0])))
            self.probability = regridded(self.probability, tomogram.shape, new / old)
            self.variance = regridded(self.variance, tomogram.shape, new / old)

    @property
    def cut(self) -> int:
        """Say how slices are cut: 0 where each goes through the network at once, else by how many pixels a window has.

        Fields of a model that cut alike give the same planes to the last digit.
        """
        border = 2 * (self._lens.border + self._lens.stride)
        height, width = (size + border for size in self._grid.shape[1:])
        if self._edge < 2**30:
            return self._edge
        return 0 if height * width <= self._pixels else self._pixels

    def plane(self, z: int, rows: slice, columns: slice) -> _Plane:
        """Return one slice of the model's grid; the last few are kept."""
        key = (z, rows.start, rows.stop, columns.start, columns.stop)
        if key not in self._done:
            self._done[key] = self._computed(z, rows, columns)
            while len(self._done) > self._kept:
                self._done.popitem(last=False)
        return self._done[key]

    def _computed(self, z: int, rows: slice, columns: slice) -> _Plane:
        tall, wide = self._layouts(rows, columns)
        slab = self._planes.slab(z, tall.extent, wide.extent)
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        result = _Plane(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
        for window in windows(tall, wide):
            seen = slab[:, _within(window.rows.seen, tall.extent), _within(window.columns.seen, wide.extent)]
            to = _within(window.rows.kept, rows), _within(window.columns.kept, columns)
            cut = _within(window.rows.kept, window.rows.seen), _within(window.columns.kept, window.columns.seen)
            mean, squares = result.mean[to], result.variance[to]
            for count, laid_back in enumerate(self._inferred(seen), start=1):
                new = laid_back[cut]
                step = new - mean
                mean += step / count  # Welford (1962): no loss of digits where the symmetries agree
                squares += step * (new - mean)
        result.variance /= len(self._symmetries)
        return result

    def _inferred(self, slab: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the network's answer to the slab in each symmetry, laid back."""
        # a window that is not square has another shape after a quarter turn
        for turned in (0, 1) if slab.shape[1] != slab.shape[2] else (None,):
            group = [s for s in self._symmetries if turned is None or s.turns % 2 == turned]
            for start in range(0, len(group), self._engine.batch):
                batch = group[start : start + self._engine.batch]
                answers = self._engine.infer(np.stack([symmetry.apply(slab) for symmetry in batch]))
                for symmetry, answer in zip(batch, answers, strict=True):
                    yield symmetry.undo(answer)

    def _layouts(self, rows: slice, columns: slice) -> tuple[Layout, Layout]:
        height, width = self._grid.shape[1:]
        tall, wide = (layout(n, part, self._lens, self._edge) for n, part in ((height, rows), (width, columns)))
        tallness, wideness = (cut.extent.stop - cut.extent.start for cut in (tall, wide))
        if tallness * wideness > self._pixels:
            edge = max(self._lens.smallest, int(self._pixels**0.5))
            wide = layout(width, columns, self._lens, max(edge, self._pixels // tallness))
            tall = layout(height, rows, self._lens, max(edge, self._pixels // wideness))
        return tall, wide


class _Channel(BlockArray):
    """Mean or variance of a field, on the model's grid."""

    def __init__(self, field: Field, name: str, shape: tuple[int, int, int]) -> None:
        self._field, self._name = field, name
        super().__init__(shape, np.float32)

    def read(self, z: slice, y: slice, x: slice) -> np.ndarray:
        planes = [getattr(self._field.plane(at, y, x), self._name) for at in range(z.start, z.stop)]
        return np.stack(planes) if planes else np.empty((0, y.stop - y.start, x.stop - x.start), np.float32)


class _Planes:
    """Normalised planes of a tomogram with their mirrored border; those that the next slab needs are kept."""

    def __init__(self, tomogram: Tomogram, model: Model, reader: Executor | None) -> None:
        self._tomogram, self._depth, self._reader = tomogram, model.card.depth, reader
        self._normalisation = model.card.normalisation
        self._name = tomogram.path or tomogram.name
        # here, and not by the reading thread: it may take a pass over the tomogram
        self._statistics = tomogram.statistics if self._normalisation.kind == "tomogram" else None
        self._kept: OrderedDict[tuple[int, ...], Future[np.ndarray]] = OrderedDict()

    def slab(self, z: int, tall: slice, wide: slice) -> np.ndarray:
        """Return (depth, y, x) float32 centred on slice z; beyond the ends the end slice is repeated."""
        half, last = self._depth // 2, self._tomogram.shape[0] - 1
        planes = [self._plane(min(max(at, 0), last), tall, wide) for at in range(z - half, z + half + 1)]
        if self._reader is not None and z + half < last:
            self._plane(z + half + 1, tall, wide)
        slab = [plane.result() for plane in planes]
        return slab[0][None] if self._depth == 1 else np.stack(slab)

    def _plane(self, z: int, tall: slice, wide: slice) -> Future[np.ndarray]:
        key = (z, tall.start, tall.stop, wide.start, wide.stop)
        if key not in self._kept:
            if self._reader is not None:
                self._kept[key] = self._reader.submit(self._read, z, tall, wide)
            else:
                self._kept[key] = Future()
                self._kept[key].set_result(self._read(z, tall, wide))
            while len(self._kept) > self._depth + 1:
                self._kept.popitem(last=False)
        return self._kept[key]

    def _read(self, z: int, tall: slice, wide: slice) -> np.ndarray:
        height, width = self._tomogram.shape[1:]
        rows, columns = mirrored(tall, height), mirrored(wide, width)
        part = (slice(0, height), slice(0, width))
        if not self._normalisation.whole_slices:
            part = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        plane = self._normalisation.apply(self._tomogram.slab(z, region=part)[0], self._statistics, self._name)
        return plane[(rows - part[0].start)[:, None], columns - part[1].start]


def field_of(
    model: Model, tomogram: Tomogram, params: PredictionParams, reader: Executor | None = None, share: int = 1
) -> Field:
    """Lay a model over a tomogram with the engine that the parameters and the machine ask for."""
    engine = engine_for(model.network, params.engine, params.precision)
    return Field(model, tomogram, params, engine, reader, share)


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
    if all(abs(axis / size - 1) < SAME_SIZE for axis in tomogram.voxel_size_zyx):
        return tomogram
    # beside the statistics that `cached_property` keeps there
    kept: dict[float, Tomogram] = tomogram.__dict__.setdefault("_at_size", {})
    if size not in kept:
        kept[size] = rescaled(tomogram, size)
    return kept[size]


def _useful(count: int, model: Model) -> int:
    if model.card.depth == 1 and count > IN_PLANE:
        log.warning("%s: takes one slice, so %d symmetries are all; tta %d", model.card.feature, IN_PLANE, count)
        return IN_PLANE
    return count


def _within(part: slice, whole: slice) -> slice:
    return slice(part.start - whole.start, part.stop - whole.start)
