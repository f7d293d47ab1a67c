"""The only path from a tomogram to probabilities: preview, command line and Python come through here.

    models ─► one field each ─► mean of the models of a feature ─► interactions ─► slices

Reading, networks and interactions run in three threads, each a few slices ahead of the next.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.model.package import Model
from ais_app.core.prediction.ahead import ahead
from ais_app.core.prediction.field import Field, field_of, joined
from ais_app.core.prediction.interactions import InteractionGraph
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.plan import Plan, PredictedSlice, inside
from ais_app.core.prediction.suppression import nothing_removed
from ais_app.core.tomogram import Region, Tomogram


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
    plan = Plan([model.card for model in models], tomogram, region, interactions, features)
    applied = [model for model in models if model.card.feature in plan.reach]
    run = plan.predicted[0].stop - plan.predicted[0].start
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        fields: dict[str, list[Field]] = {name: [] for name in plan.reach}
        for model in applied:
            fields[model.card.feature].append(field_of(model, tomogram, params, reader, len(applied), run))
        raw = ahead(_raw_slices(plan, fields, uncertainty, attribution))
        try:
            yield from plan.finished(raw)
        finally:
            raw.close()


def _raw_slices(
    plan: Plan, fields: dict[str, list[Field]], uncertainty: bool, attribution: bool
) -> Generator[PredictedSlice, None, None]:
    zs, rows, columns = plan.predicted
    nothing = plan.nothing()
    for z in range(zs.start, zs.stop):
        planes, uncertain = dict(nothing), {}
        for name in plan.needed(z):
            planes[name], variance = joined(fields[name], (slice(z, z + 1), rows, columns), variance=uncertainty)
            if variance is not None:
                uncertain[name] = variance
        yield PredictedSlice(z, planes, nothing_removed(planes) if attribution else {}, uncertain)


def _check_uncertainty(models: Sequence[Model], params: PredictionParams) -> None:
    names = [model.card.feature for model in models]
    lonely = [name for name in names if names.count(name) == 1]
    if params.tta == 1 and lonely:
        problem = f"there is only one prediction of {lonely[0]}"
        raise ParameterProblem("uncertainty", problem, "set tta to 2 or more, or give several models of the feature")
