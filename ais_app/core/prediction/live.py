"""Predictions for the slice in view: computed when they are first seen, combined anew without running a network.

    combined()   what is missing ─► fields ─► planes, kept by model, slice and window ─┐
    recombine()                                                     planes that are kept ┴─► interactions ─► slice

It walks the only path (`predict`): the same plan, fields, means and interactions, in the same windows. What comes out
equals ``predict_volume(models, tomogram, region=slice in view, interactions=graph)`` bit for bit on the same engine.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ais_app.core.jobs import JobCancelled
from ais_app.core.prediction.distances import KeptDistances
from ais_app.core.prediction.engines import Engine, engine_for
from ais_app.core.prediction.field import Field, averaged
from ais_app.core.prediction.interactions import InteractionGraph
from ais_app.core.prediction.live_request import FieldKey, LiveModel, PlaneKey, Request, SliceInView
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.plan import PredictedSlice
from ais_app.core.prediction.plane_cache import PlaneCache

__all__ = ["LiveModel", "LivePrediction", "SliceInView"]

MEMORY = 512 * 2**20  # bytes
_FIELDS = 16  # kept open; each holds a few slices
_PATIENCE = 0.01  # seconds between looks at whether a waiting request is still wanted

Cancelled = Callable[[], bool]
Planes = dict[str, np.ndarray]


def _never() -> bool:
    return False


class LivePrediction:
    """Shows several models at once on the slice in view; any thread may call it.

    Networks run for one request at a time. The newest is served first if those before it are told that they are
    cancelled: the one that computes asks before every window, those that wait ask all the time.

    Parameters
    ----------
    params
        How to compute.
    memory_bytes
        Of the planes and distances that are kept; float32, so that nothing is rounded.
    """

    def __init__(self, params: PredictionParams | None = None, memory_bytes: int = MEMORY) -> None:
        self.params = params or PredictionParams()
        self._planes = PlaneCache(memory_bytes)
        self._distances = KeptDistances(self._planes)
        self._fields: OrderedDict[FieldKey, _OpenField] = OrderedDict()
        self._cuts: dict[FieldKey, int] = {}
        self._versions: dict[Hashable, Hashable] = {}
        self._lock = threading.Lock()  # of the three above; never held while a network runs
        self._computing = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes of what is kept."""
        return self._planes.bytes

    def raw(self, model: LiveModel, view: SliceInView, *, cancelled: Cancelled = _never) -> np.ndarray:
        """Return what one model says, without interactions.

        Returns
        -------
        ndarray
            (y, x) float32, 0 to 1, not to be written to; that of `predict_slab`.

        Raises
        ------
        JobCancelled
            It is not wanted any more.
        ParameterProblem
            The slice is outside the tomogram, or the tomogram is blank.
        ModelProblem
            The engine cannot compute the network.
        """
        (plane,) = self.combined([model], InteractionGraph(), view, cancelled=cancelled).values()
        return plane

    def combined(
        self,
        models: Sequence[LiveModel],
        graph: InteractionGraph | None,
        view: SliceInView,
        *,
        cancelled: Cancelled = _never,
    ) -> Planes:
        """Return all features after the interactions; what is not kept is computed.

        Parameters
        ----------
        models
            Models of one feature are averaged.
        graph
            ``None``: the competition that the models' cards ask for. Balls need the slices within their reach, which
            are computed after the one in view.
        view
            Where.
        cancelled
            Whether this is not wanted any more; asked between slices and windows, and while it waits.

        Returns
        -------
        dict
            Feature to (y, x) float32, 0 to 1, not to be written to.

        Raises
        ------
        JobCancelled
            It is not wanted any more; slices that were finished are kept.
        ParameterProblem, ModelProblem
            As `predict_volume`.
        """
        request = Request(models, graph, view)
        self._drop_older(models)
        nothing = request.plan.nothing()
        raw: dict[int, Planes] = {}
        for z in request.nearest_first:
            found = {n: [self._plane(m, request, z, cancelled) for m in of] for n, of in request.needed(z)}
            raw[z] = nothing | {name: averaged(planes) for name, planes in found.items()}
        return self._finished(request, raw, cancelled)

    def recombine(
        self, models: Sequence[LiveModel], graph: InteractionGraph | None, view: SliceInView
    ) -> Planes | None:
        """Return what `combined` would, if no network must run for it, else ``None``; takes milliseconds."""
        request = Request(models, graph, view)
        nothing = request.plan.nothing()
        raw: dict[int, Planes] = {}
        for z in request.slices:
            raw[z] = dict(nothing)
            for name, of in request.needed(z):
                planes = [plane for model in of if (plane := self._kept(model, request, z)) is not None]
                if len(planes) < len(of):
                    return None
                raw[z][name] = averaged(planes)
        return self._finished(request, raw, _never)

    def is_cached(self, models: Sequence[LiveModel], graph: InteractionGraph | None, view: SliceInView) -> bool:
        """Return whether `recombine` has all it needs."""
        request = Request(models, graph, view)
        keys = (self._key(model, request, z) for z in request.slices for _, of in request.needed(z) for model in of)
        return all(key is not None and key in self._planes for key in keys)

    def forget(self, *, model: Hashable = None, tomogram: Hashable = None) -> None:
        """Drop what is kept of a model (by its name) or of a tomogram (by its key); of both given: of their pair."""
        with self._lock:
            for key in [key for key in self._cuts if key.concerns(model, tomogram)]:
                del self._cuts[key]
                self._fields.pop(key, None)
        self._planes.discard(lambda key: isinstance(key, PlaneKey) and key.field.concerns(model, tomogram))

    def _drop_older(self, models: Sequence[LiveModel]) -> None:
        with self._lock:
            changed = [m.name for m in models if self._versions.setdefault(m.name, m.version) != m.version]
            self._versions.update((model.name, model.version) for model in models)
        for name in changed:
            self.forget(model=name)

    def _finished(self, request: Request, raw: dict[int, Planes], cancelled: Cancelled) -> Planes:
        def slices() -> Iterator[PredictedSlice]:
            for z in request.slices:
                _check(cancelled)
                yield PredictedSlice(z, raw[z], {}, {})

        (wanted,) = request.plan.finished(slices(), self._distances)
        return wanted.planes

    def _key(self, model: LiveModel, request: Request, z: int) -> PlaneKey | None:
        """Return what a plane is kept under; ``None`` while it is not known how its slices are cut."""
        cut = self._cuts.get(request.field_key(model))
        return None if cut is None else request.plane_key(model, cut, z)

    def _kept(self, model: LiveModel, request: Request, z: int) -> np.ndarray | None:
        key = self._key(model, request, z)
        return None if key is None else self._planes.get(key)

    def _plane(self, model: LiveModel, request: Request, z: int, cancelled: Cancelled) -> np.ndarray:
        """Return a plane from those kept, or compute it when it is this request's turn."""
        _check(cancelled)
        kept = self._kept(model, request, z)
        if kept is not None:
            return kept
        with self._turn(cancelled):
            opened = self._opened(model, request)
            kept = self._kept(model, request, z)
            if kept is not None:  # another request has computed it meanwhile
                return kept
            plane = opened.plane(z, request.plan.predicted[1:], cancelled)
            with self._lock:
                dropped = self._fields.get(request.field_key(model)) is not opened
            if not dropped:
                self._planes.put(request.plane_key(model, opened.field.cut, z), plane)
            return plane

    @contextmanager
    def _turn(self, cancelled: Cancelled) -> Iterator[None]:
        """Wait until nobody else computes."""
        while not self._computing.acquire(timeout=_PATIENCE):
            _check(cancelled)
        try:
            _check(cancelled)
            yield
        finally:
            self._computing.release()

    def _opened(self, model: LiveModel, request: Request) -> _OpenField:
        """Return the field of a model over the tomogram in view; made at the first time."""
        key = request.field_key(model)
        with self._lock:
            if key in self._fields:
                self._fields.move_to_end(key)
                return self._fields[key]
        engine = engine_for(
            model.model.network, "torch" if model.by_torch else self.params.engine, self.params.precision
        )
        asking = _Asking(engine)
        field = Field(model.model, request.view.tomogram, self.params, asking, share=request.share)
        with self._lock:
            self._fields[key], self._cuts[key] = _OpenField(field, asking), field.cut
            while len(self._fields) > _FIELDS:
                self._fields.popitem(last=False)
            return self._fields[key]


class _Asking:
    """An engine that asks before each window whether anybody still wants it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.batch = engine.name, engine.batch
        self.budget, self.bytes_per_value = engine.budget, engine.bytes_per_value
        self.cancelled: Cancelled = _never

    def infer(self, x: np.ndarray) -> np.ndarray:
        """Do what the engine does; see `Engine.infer`."""
        _check(self.cancelled)
        return self._engine.infer(x)


@dataclass(frozen=True, eq=False)
class _OpenField:
    field: Field
    engine: _Asking

    def plane(self, z: int, region: tuple[slice, slice], cancelled: Cancelled) -> np.ndarray:
        """Compute a slice, (y, x) float32, unless it is cancelled."""
        self.engine.cancelled = cancelled
        part = (slice(z, z + 1), *region)
        plane: np.ndarray = self.field.probability[part][0]
        return plane


def _check(cancelled: Cancelled) -> None:
    if cancelled():
        raise JobCancelled
