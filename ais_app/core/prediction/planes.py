"""Planes of a tomogram as a network takes them: normalised, with a mirrored border, read ahead of their use."""

from __future__ import annotations

from concurrent.futures import Executor, Future

import numpy as np

from ais_app.core.model.package import Model
from ais_app.core.prediction.slabs import Slabs
from ais_app.core.prediction.tiles import Stretch, mirrored
from ais_app.core.tomogram import Tomogram


class Planes:
    """Normalised planes with their border; those that the present and the next slab need are kept.

    Parameters
    ----------
    tomogram
        On the model's grid.
    model
        Its card says how to normalise.
    slabs
        Which slices are seen together.
    reader
        Thread that reads; without it, planes are read when they are needed.
    """

    def __init__(self, tomogram: Tomogram, model: Model, slabs: Slabs, reader: Executor | None) -> None:
        self._tomogram, self._slabs, self._reader = tomogram, slabs, reader
        self._normalisation = model.card.normalisation
        self._name = tomogram.path or tomogram.name
        # here, and not by the reading thread: it may take a pass over the tomogram
        self._statistics = tomogram.statistics if self._normalisation.kind == "tomogram" else None
        self._kept: dict[tuple[int, ...], Future[np.ndarray]] = {}

    def slab(self, slab: Stretch, tall: slice, wide: slice) -> list[np.ndarray]:
        """Return the planes that are seen, (y, x) float32 each, and have those read that only the next slab sees."""
        places, coming = self._slabs.places(slab.seen), []
        if self._reader is not None and slab.kept.stop < self._tomogram.shape[0]:
            coming = self._slabs.places(self._slabs.about(slab.kept.stop).seen)
        kept, bounds = self._kept, (tall.start, tall.stop, wide.start, wide.stop)
        self._kept = {}
        for z in [*places, *coming]:
            key = (z, *bounds)
            if key not in self._kept:
                self._kept[key] = kept[key] if key in kept else self._started(z, tall, wide)
        keys = [(z, *bounds) for z in places]
        return [self._kept[key].result() for key in keys]

    def _started(self, z: int, tall: slice, wide: slice) -> Future[np.ndarray]:
        if self._reader is not None:
            return self._reader.submit(self._read, z, tall, wide)
        done: Future[np.ndarray] = Future()
        done.set_result(self._read(z, tall, wide))
        return done

    def _read(self, z: int, tall: slice, wide: slice) -> np.ndarray:
        height, width = self._tomogram.shape[1:]
        rows, columns = mirrored(tall, height), mirrored(wide, width)
        part = (slice(0, height), slice(0, width))
        if not self._normalisation.whole_slices:
            part = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        plane = self._normalisation.apply(self._tomogram.slab(z, region=part)[0], self._statistics, self._name)
        return plane[(rows - part[0].start)[:, None], columns - part[1].start]
