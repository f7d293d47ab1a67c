"""Which architecture suits a person's own data: each is trained on each feature alike, and a table says how it went.

architectures × features ─► train, same settings and boxes ─► scores on held-out boxes
└─► one slice, timed and drawn
out/comparison.md  .csv  .json  .png, and every network
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.files import read_json, write_json
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.model.architectures import architecture
from ais_app.core.model.package import Model, load_card, load_model
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.predict import predict_slab
from ais_app.core.training.data import LabelledTomogram
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.comparison import ComparedModel, Comparison, SeenSlice, write_comparison
from ais_app.operations.labelled import LabelChoice, labelled_tomograms
from ais_app.operations.train import train_job
from ais_app.state.project import Project


def compare_models_job(
    project: str | Path,
    out: str | Path,
    architectures: Sequence[str],
    features: Sequence[str] = (),
    params: TrainParams | None = None,
    prediction: PredictionParams | None = None,
    *,
    tomograms: Sequence[str] = (),
) -> Job[Comparison]:
    """Train each architecture on each feature of a project with the same settings, and compare them.

    Parameters
    ----------
    project
        With the annotations.
    out
        Folder of the networks and the tables. Networks that are there already, trained with the same settings on the
        same boxes, are not trained again.
    architectures
        Names, see `list_architectures`.
    features
        Names in the project; all that are annotated when empty.
    params
        How to train; its architecture is replaced.
    prediction
        How the slice is computed that is timed and drawn.
    tomograms
        Learn from these only.

    Returns
    -------
    Comparison
        An architecture that fails is in the table with its error; the others go on.

    Raises
    ------
    ParameterProblem
        No architecture or feature is left.
    ModelProblem, ProjectProblem, FileProblem
        An architecture or a feature is not known, a file cannot be read or written.
    """
    out, params, prediction = Path(out), params or TrainParams(), prediction or PredictionParams()
    known = [architecture(name) for name in dict.fromkeys(architectures)]
    if not known:
        raise ParameterProblem("architectures", "none is given", "ais-app models list shows them")
    if other := [record.name for record in known if record.task != "segment"]:
        raise ParameterProblem("architectures", f"{', '.join(other)} do not segment", "leave them out")
    chosen = list(dict.fromkeys(features)) or _annotated(project)
    rows, slices = [], []
    for count, feature in enumerate(chosen):
        done = _Feature(Path(project), feature, out, params, prediction, tuple(tomograms))
        for number, record in enumerate(known):
            part = count * len(known) + number, len(chosen) * len(known)
            row, seen = yield from _one(done, record.name, record.title, part)
            rows.append(row)
            slices.append(seen)
    return write_comparison(rows, slices, out, params, project)


compare_models = direct(compare_models_job)


@dataclass(frozen=True)
class _Feature:
    """A feature that networks are trained on."""

    project: Path
    name: str
    out: Path
    params: TrainParams
    prediction: PredictionParams
    tomograms: tuple[str, ...]


def _one(work: _Feature, name: str, title: str, part: tuple[int, int]) -> Job[tuple[ComparedModel, SeenSlice | None]]:
    """Train one architecture on one feature, unless that was done, and compute one slice with it."""
    path = work.out / f"{work.name}__{name}.aismodel"
    params = replace(work.params, architecture=name)
    words = f"{work.name}: {title}"
    yield Progress(*part, words)
    try:
        seconds = yield from _trained(work, params, path, part, words)
        model = load_model(path)
        yield Progress(*part, f"{words}: one slice")
        seen, slice_seconds = _slice(work, model)
    except AisAppError as error:
        return ComparedModel(work.name, name, title, error=f"{error.problem}; {error.remedy}".rstrip("; ")), None
    metrics = model.card.training.get("metrics", {})
    scores = {key: metrics.get(key) for key in ("loss", "dice", "best_dice", "average_precision")}
    return ComparedModel(
        work.name,
        name,
        title,
        sum(value.numel() for value in model.network.state_dict().values() if value.is_floating_point()),
        **scores,
        held_out=str(model.card.training.get("data", {}).get("held_out", "")),
        training_seconds=seconds,
        seconds_per_slice=slice_seconds,
        model=path.name,
    ), seen


def _trained(work: _Feature, params: TrainParams, path: Path, part: tuple[int, int], words: str) -> Job[float]:
    """Train, or take the network that is there; return the seconds its training took."""
    note = path.with_name(f"{path.name}.seconds.json")
    if path.exists() and note.exists():
        training = load_card(path).training
        if training.get("parameters") == params.to_dict() and training.get("finished"):
            return float(read_json(note)["training_seconds"])
    import ais_app.core.training.trainer  # noqa: F401 - seconds, which are not part of the training

    began = time.perf_counter()
    job = train_job(work.project, work.name, path, params, tomograms=work.tomograms)
    with suppress(StopIteration):
        step = next(job)
        while True:
            share = step.done / step.total if step.total else 0.0
            yield Progress(part[0] + share, part[1], f"{words}: {step.message}")
            step = next(job)
    seconds = time.perf_counter() - began
    write_json(note, {"training_seconds": seconds})
    return seconds


def _slice(work: _Feature, model: Model) -> tuple[SeenSlice, float]:
    """Predict the annotated slice in the middle; return what is found there, and the seconds."""
    with Project.open(work.project, read_only=True) as opened:
        labelled = labelled_tomograms(opened, work.name, LabelChoice(work.tomograms))
        item = max(labelled, key=lambda one: len(one.slices) or len(one.boxes))
        z = _middle(item)
        predict_slab(model, item.tomogram, z, params=work.prediction)  # engines compile at their first slice
        began = time.perf_counter()
        probability = predict_slab(model, item.tomogram, z, params=work.prediction)
        seconds = time.perf_counter() - began
        whole = slice(z, z + 1), slice(0, item.tomogram.shape[1]), slice(0, item.tomogram.shape[2])
        labels = np.array(item.labels(whole)[0])
        plane = np.nan_to_num(item.tomogram.slab(z, 3).mean(axis=0))
    return SeenSlice(plane, labels, probability, f"{item.name}, slice {z}"), seconds


def _middle(item: LabelledTomogram) -> int:
    known = sorted(item.slices or {int(box.centre_zyx[0]) for box in item.boxes})
    return known[len(known) // 2]


def _annotated(project: str | Path) -> list[str]:
    with Project.open(project, read_only=True) as opened:
        used = {feature for each in opened.annotation_summary().values() for feature in each}
        names = [feature.name for feature in opened.features if feature.id in used]
    if not names:
        raise ParameterProblem(project, "holds no annotated feature", "paint one on a few slices, or place boxes")
    return names
