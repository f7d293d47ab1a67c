"""What a live preview is asked for, and the names under which it keeps what it computed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from ais_app.core.model.package import Model
from ais_app.core.prediction.interactions import InteractionGraph
from ais_app.core.prediction.plan import Plan
from ais_app.core.tomogram import Tomogram


@dataclass(frozen=True, eq=False)
class LiveModel:
    """A model as a live preview knows it.

    Parameters
    ----------
    model
        The network and its card. While it is trained elsewhere: a copy.
    name
        What stays the same through a training.
    version
        Another one when the weights are others; what was computed with the version before is dropped.
    by_torch
        Compute with torch whatever the parameters say: OpenVINO takes seconds to take over weights, and they change
        with each epoch of a training, or there is nothing on screen yet.
    """

    model: Model
    name: Hashable
    version: Hashable = 0
    by_torch: bool = False


@dataclass(frozen=True, eq=False)
class SliceInView:
    """A slice of a tomogram, or a part of it.

    Parameters
    ----------
    tomogram
        (z, y, x), in its own grey values.
    key
        What it is known by: the same for the same voxels and the same voxel size.
    z
        Index of the slice.
    region
        y and x slices; all of it when ``None``.
    """

    tomogram: Tomogram
    key: Hashable
    z: int
    region: tuple[slice, slice] | None = None


@dataclass(frozen=True)
class FieldKey:
    """One model over one tomogram, with the engine's memory shared by so many models; 0 where that changes nothing."""

    model: Hashable
    version: Hashable
    by_torch: bool
    tomogram: Hashable
    share: int

    def concerns(self, model: Hashable, tomogram: Hashable) -> bool:
        """Return whether it belongs to this model and this tomogram; ``None`` stands for any."""
        return model in (None, self.model) and tomogram in (None, self.tomogram)


@dataclass(frozen=True)
class PlaneKey:
    """One plane of a field; `cut` is its `Field.cut`, `window` the bounds of its rows and columns."""

    field: FieldKey
    cut: int
    z: int
    window: tuple[int, int, int, int]


class Request:
    """Several models on one slice, with the plan that `predict_volume` would make.

    Parameters
    ----------
    models
        Models of one feature are averaged, in this order.
    graph
        Interactions; ``None``: the competition that the models' cards ask for.
    view
        The slice.

    Raises
    ------
    ParameterProblem
        No models, a feature that no model predicts, or a slice outside the tomogram.
    """

    def __init__(self, models: Sequence[LiveModel], graph: InteractionGraph | None, view: SliceInView) -> None:
        rows, columns = view.region or (slice(None), slice(None))
        region = (slice(view.z, view.z + 1), rows, columns)
        self.plan = Plan([model.model.card for model in models], view.tomogram, region, graph)
        self.view = view
        self.share = len(models)
        self._models = {name: [m for m in models if m.model.card.feature == name] for name in self.plan.known}

    @property
    def slices(self) -> range:
        """All slices that matter, in order."""
        return range(self.plan.predicted[0].start, self.plan.predicted[0].stop)

    @property
    def nearest_first(self) -> list[int]:
        """All slices that matter: the one in view, those above it upwards, those below it downwards."""
        z, all_slices = self.view.z, self.slices
        return [z, *range(z + 1, all_slices.stop), *range(z - 1, all_slices.start - 1, -1)]

    def needed(self, z: int) -> Iterator[tuple[str, list[LiveModel]]]:
        """Yield the features that matter in a slice, each with its models."""
        for name in self.plan.needed(z):
            yield name, self._models[name]

    def field_key(self, model: LiveModel) -> FieldKey:
        """Return what the model's field is kept under."""
        return FieldKey(model.name, model.version, model.by_torch, self.view.key, self.share)

    def plane_key(self, model: LiveModel, cut: int, z: int) -> PlaneKey:
        """Return what a plane is kept under: cut alike, planes are alike, however many models share the memory."""
        _, rows, columns = self.plan.predicted
        field = FieldKey(model.name, model.version, model.by_torch, self.view.key, 0)
        return PlaneKey(field, cut, z, (rows.start, rows.stop, columns.start, columns.stop))
