"""The only path from a tomogram to probabilities: preview, command line and Python come through here.

    models ─► one field each ─► mean of the models of a feature ─► interactions ─► slices

Reading, networks and interactions run in three threads, each a few slices ahead of the next.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.model.package import Model, ModelCard
from ais_app.core.prediction.ahead import ahead
from ais_app.core.prediction.field import Field, field_of
from ais_app.core.prediction.interactions import Competition, InteractionGraph
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.suppression import Slice, nothing_removed
from ais_app.core.tomogram import Region, Tomogram


@dataclass
class PredictedSlice(Slice):
    """One slice of all features, the size of the region.

    Parameters
    ----------
    z
        Index in the tomogram.
    planes
        Feature to (y, x) float32, probability after the interactions.
    removed_by
        Feature to (y, x) uint8: the step of the graph that removed a voxel, from 1; 0 elsewhere. Empty unless asked.
    uncertainty
        Feature to (y, x) float32: variance of the probability over symmetries and models, before the interactions.
        Empty unless asked.
    """

    uncertainty: dict[str, np.ndarray]


def predict_slab(
    model: Model,
    tomogram: Tomogram,
    z: int,
    *,
    region: tuple[slice, slice] | None = None,
    params: PredictionParams | None = None,
) -> np.ndarray:
    """Predict one slice with one model, without interactions.

    Parameters
    ----------
    model
        From `load_model`, or one in training.
    tomogram
        (z, y, x), in its own grey values and at its own voxel size.
    z
        Index of the slice.
    region
        y and x slices; the network sees the true surroundings, so that the result is that part of the whole slice.
    params
        How to compute.

    Returns
    -------
    ndarray
        (y, x) float32, probability 0 to 1.

    Raises
    ------
    ParameterProblem
        The slice or the region is outside the tomogram.
    ModelProblem
        The engine cannot compute the network.
    """
    whole = inside(tomogram, (slice(z, z + 1), *(region or (slice(None), slice(None)))))
    probability: np.ndarray = field_of(model, tomogram, params or PredictionParams()).probability[whole][0]
    return probability


def predict_volume(
    models: Sequence[Model],
    tomogram: Tomogram,
    *,
    region: Region | None = None,
    interactions: InteractionGraph | None = None,
    features: Sequence[str] = (),
    uncertainty: bool = False,
    attribution: bool = False,
    params: PredictionParams | None = None,
) -> Generator[PredictedSlice, None, None]:
    """Predict slice after slice; memory does not grow with their number.

    Parameters
    ----------
    models
        Models of one feature are averaged.
    tomogram
        (z, y, x), in its own grey values and at its own voxel size.
    region
        z, y, x slices; the result is that part of the whole volume, interactions included. One slice: a preview.
    interactions
        Applied to the probabilities; ``None``: the competition that the models' cards ask for.
    features
        Those to return; all when empty. Models that none of them depends on are not computed.
    uncertainty
        Return the variance over symmetries and models.
    attribution
        Return which step removed each voxel.
    params
        How to compute.

    Yields
    ------
    PredictedSlice
        In order of z.

    Raises
    ------
    ParameterProblem
        No models, a feature that no model predicts, an empty region, a radius without a voxel size, or uncertainty
        of a single prediction.
    ModelProblem
        The engine cannot compute a network.
    """
    params = params or PredictionParams()
    if uncertainty:
        _check_uncertainty(models, params)
    plan = _Plan(models, tomogram, region, interactions, features)
    applied = [model for model in models if model.card.feature in plan.reach]
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        fields: dict[str, list[Field]] = {name: [] for name in plan.reach}
        for model in applied:
            fields[model.card.feature].append(field_of(model, tomogram, params, reader, len(applied)))
        raw = ahead(_raw_slices(plan, fields, uncertainty, attribution))
        try:
            for current in plan.interactions.stream(raw, tomogram.voxel_size_zyx):
                if plan.region[0].start <= current.z < plan.region[0].stop:
                    yield plan.cropped(current)
        finally:
            raw.close()


class _Plan:
    """What must be predicted, and where, so that the wanted part comes out as in the whole volume."""

    def __init__(
        self,
        models: Sequence[Model],
        tomogram: Tomogram,
        region: Region | None,
        interactions: InteractionGraph | None,
        features: Sequence[str],
    ) -> None:
        cards = [model.card for model in models]
        self.known = list(dict.fromkeys(card.feature for card in cards))
        if not self.known:
            raise ParameterProblem("models", "there are none", "give at least one")
        for name in features:
            if name not in self.known:
                remedy = f"features: {', '.join(self.known)}"
                raise ParameterProblem(name, "no model predicts this feature", remedy)
        self.features = list(features) or self.known
        self.interactions = competition_of(cards) if interactions is None else interactions
        self.interactions.check(self.known)
        self.region = inside(tomogram, region or (slice(None),) * 3)
        self.reach = self.interactions.reach(self.features, tomogram.voxel_size_zyx)
        farthest = [max(axis) for axis in zip(*self.reach.values(), strict=True)]
        z, y, x = (
            slice(max(0, part.start - far), min(size, part.stop + far))
            for part, far, size in zip(self.region, farthest, tomogram.shape, strict=True)
        )
        self.predicted: Region = (z, y, x)

    def needs(self, feature: str, z: int) -> bool:
        """Return whether the wanted slices depend on this feature in slice z."""
        far = self.reach[feature][0] if feature in self.reach else -1
        return far >= 0 and self.region[0].start - far <= z < self.region[0].stop + far

    def cropped(self, current: PredictedSlice) -> PredictedSlice:
        """Return the wanted features and the wanted part of a slice."""
        rows, columns = (
            slice(part.start - whole.start, part.stop - whole.start)
            for part, whole in zip(self.region[1:], self.predicted[1:], strict=True)
        )
        planes, removed, uncertain = (
            {name: of[name][rows, columns] for name in self.features if name in of}
            for of in (current.planes, current.removed_by, current.uncertainty)
        )
        return PredictedSlice(current.z, planes, removed, uncertain)


def _raw_slices(
    plan: _Plan, fields: dict[str, list[Field]], uncertainty: bool, attribution: bool
) -> Generator[PredictedSlice, None, None]:
    zs, rows, columns = plan.predicted
    nothing = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
    for z in range(zs.start, zs.stop):
        # interactions never look at what is not needed, so zeros can stand there
        planes, uncertain = dict.fromkeys(plan.known, nothing), {}
        for name in plan.known:
            if plan.needs(name, z):
                part = (slice(z, z + 1), rows, columns)
                means = [field.probability[part][0] for field in fields[name]]
                planes[name] = np.stack(means).mean(axis=0) if len(means) > 1 else means[0]
                if uncertainty:
                    within = [field.variance[part][0] for field in fields[name]]
                    uncertain[name] = np.mean(within, axis=0) + np.var(means, axis=0)
        yield PredictedSlice(z, planes, nothing_removed(planes) if attribution else {}, uncertain)


def competition_of(cards: Iterable[ModelCard]) -> InteractionGraph:
    """Return the competition that the models' cards ask for, as a graph; without steps where none does."""
    cards = list(cards)
    emit, absorb = (
        tuple(dict.fromkeys(card.feature for card in cards if wanted(card)))
        for wanted in (lambda card: card.emit, lambda card: card.absorb)
    )
    return InteractionGraph((Competition(emit, absorb),) if emit and absorb else ())


def inside(tomogram: Tomogram, region: Region) -> Region:
    """Return the region with its bounds filled in.

    Raises
    ------
    ParameterProblem
        It has a step, is empty, or reaches outside the tomogram.
    """
    parts = []
    for axis, part, size in zip("zyx", region, tomogram.shape, strict=True):
        start = 0 if part.start is None else part.start
        stop = size if part.stop is None else part.stop
        if part.step not in (None, 1) or not 0 <= start < stop <= size:
            problem = f"{start}:{stop} along {axis} is no part of 0:{size}"
            raise ParameterProblem("region", problem, "give z, y and x slices inside the tomogram, without steps")
        parts.append(slice(start, stop))
    z, y, x = parts
    return z, y, x


def _check_uncertainty(models: Sequence[Model], params: PredictionParams) -> None:
    names = [model.card.feature for model in models]
    lonely = [name for name in names if names.count(name) == 1]
    if params.tta == 1 and lonely:
        problem = f"there is only one prediction of {lonely[0]}"
        raise ParameterProblem("uncertainty", problem, "set tta to 2 or more, or give several models of the feature")
