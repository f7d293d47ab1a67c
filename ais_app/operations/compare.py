"""Which architecture suits a person's own data: each is trained on each feature alike, and a table says how it went.

architectures × features ─► train, same settings and boxes ─► scores on held-out boxes
└─► one slice, timed and drawn
out/comparison.md  .csv  .json  .png, and every network
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.files import read_json, replacing, write_json, write_text
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.model.package import Model, architecture, load_card, load_model
from ais_app.core.pictures import grey, overlay
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.predict import predict_slab
from ais_app.core.training.data import LabelledTomogram
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.labelled import LabelChoice, labelled_tomograms
from ais_app.operations.train import train_job
from ais_app.state.project import Project

NAME = "comparison"


@dataclass(frozen=True)
class ComparedModel:
    """One architecture on one feature.

    Parameters
    ----------
    feature, architecture, title
        Which.
    parameters
        Numbers in the network.
    loss, dice, best_dice, average_precision
        On held-out boxes, which are the same for all; ``None`` where nothing is held out.
    held_out
        What was held out, in words.
    training_seconds, seconds_per_slice
        By the clock of this machine; the latter for one whole slice, its time without loading.
    model
        The network.
    error
        Why there is none; empty where there is.
    """

    feature: str
    architecture: str
    title: str
    parameters: int = 0
    loss: float | None = None
    dice: float | None = None
    best_dice: float | None = None
    average_precision: float | None = None
    held_out: str = ""
    training_seconds: float | None = None
    seconds_per_slice: float | None = None
    model: str = ""
    error: str = ""


@dataclass(frozen=True)
class Comparison:
    """What `compare_models` leaves.

    Parameters
    ----------
    rows
        Feature by feature, in the order asked for.
    table, csv, json, picture
        The same as Markdown, CSV and JSON, and one slice of each feature with what each network finds on it.
    """

    rows: list[ComparedModel]
    table: Path
    csv: Path
    json: Path
    picture: Path


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
    rows, pictures = [], []
    for count, feature in enumerate(chosen):
        done = _Feature(Path(project), feature, out, params, prediction, tuple(tomograms))
        for number, record in enumerate(known):
            part = count * len(known) + number, len(chosen) * len(known)
            row, picture = yield from _one(done, record.name, record.title, part)
            rows.append(row)
            pictures.append((row, picture))
    return _written(rows, pictures, out, params, project)


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


def _one(work: _Feature, name: str, title: str, part: tuple[int, int]) -> Job[tuple[ComparedModel, Any]]:
    """Train one architecture on one feature, unless that was done, and compute one slice with it."""
    path = work.out / f"{work.name}__{name}.aismodel"
    params = replace(work.params, architecture=name)
    words = f"{work.name}: {title}"
    yield Progress(*part, words)
    try:
        seconds = yield from _trained(work, params, path, part, words)
        model = load_model(path)
        yield Progress(*part, f"{words}: one slice")
        picture, slice_seconds = _slice(work, model)
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
    ), picture


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


def _slice(work: _Feature, model: Model) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray, str], float]:
    """Predict the annotated slice in the middle; return grey values, labels, probability and where, and the seconds."""
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
    return (plane, labels, probability, f"{item.name}, slice {z}"), seconds


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


COLUMNS = {
    "feature": "feature",
    "title": "architecture",
    "parameters": "parameters",
    "loss": "loss",
    "dice": "Dice",
    "average_precision": "AP",
    "training_seconds": "training, s",
    "seconds_per_slice": "s per slice",
}


def table(rows: Sequence[ComparedModel]) -> str:
    """Return the comparison as a Markdown table; the best score of each feature is bold."""
    lines = ["| " + " | ".join(COLUMNS.values()) + " |", "|---|---|" + "---:|" * (len(COLUMNS) - 2)]
    for row in rows:
        cells = [_cell(row, name, rows) for name in COLUMNS]
        lines.append("| " + " | ".join(cells) + " |" + (f" {row.error}" if row.error else ""))
    return "\n".join(lines) + "\n"


def _cell(row: ComparedModel, name: str, rows: Sequence[ComparedModel]) -> str:
    value = getattr(row, name)
    if isinstance(value, str):
        return value
    if value is None or row.error:
        return "–"
    text = f"{value:,}" if name == "parameters" else f"{value:.{1 if name == 'training_seconds' else 3}f}"
    better = {"loss": min, "dice": max, "average_precision": max}.get(name)
    if better is None:
        return text
    others = [getattr(other, name) for other in rows if other.feature == row.feature]
    return f"**{text}**" if value == better(other for other in others if other is not None) else text


def _written(
    rows: list[ComparedModel], pictures: list[Any], out: Path, params: TrainParams, project: str | Path
) -> Comparison:
    stem = out / NAME
    held = sorted({f"{row.feature}: {row.held_out}" for row in rows if row.held_out})
    text = f"# Architectures compared\n\n{table(rows)}\nScores on held-out boxes. " + "; ".join(held) + "\n"
    errors = [f"- {row.feature}, {row.title}: {row.error}" for row in rows if row.error]
    text += "\nFailed:\n\n" + "\n".join(errors) + "\n" if errors else ""
    values = {"project": Path(project).name, "params": params.to_dict(), "rows": [asdict(row) for row in rows]}
    return Comparison(
        rows,
        write_text(stem.with_suffix(".md"), text),
        write_text(stem.with_suffix(".csv"), _csv(rows)),
        write_json(stem.with_suffix(".json"), values),
        _montage(pictures, stem.with_suffix(".png")),
    )


def _csv(rows: Sequence[ComparedModel]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(ComparedModel.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return stream.getvalue()


def _montage(pictures: list[tuple[ComparedModel, Any]], path: Path) -> Path:
    """Draw a row for each feature: the slice with its labels, then with what each architecture finds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    features = list(dict.fromkeys(row.feature for row, _ in pictures))
    columns = 1 + len({row.architecture for row, _ in pictures})
    figure = Figure(figsize=(2.6 * columns, 2.9 * len(features)), layout="constrained")
    axes = figure.subplots(len(features), columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for line, feature in zip(axes, features, strict=True):
        own = [(row, picture) for row, picture in pictures if row.feature == feature]
        drawn = next((picture for _, picture in own if picture is not None), None)
        if drawn is not None:
            plane, labels, _, where = drawn
            _draw(line[0], plane, (labels == 1).astype(np.float32), f"{feature}: labels\n{where}")
        for axis, (row, picture) in zip(line[1:], own, strict=True):
            title = f"{row.title}\nDice {row.dice:.3f}" if row.dice is not None else f"{row.title}\n"
            if picture is None:
                axis.set_title(f"{row.title}\nfailed", fontsize=9)
            else:
                _draw(axis, picture[0], picture[2], title)
    FigureCanvasAgg(figure)
    with replacing(path) as part:
        figure.savefig(part, dpi=120)
    return path


def _draw(axis: Any, plane: np.ndarray, layer: np.ndarray, title: str) -> None:
    axis.imshow(overlay(grey(plane), {"#E69F00": layer}), origin="lower", interpolation="nearest")
    axis.set_title(title, fontsize=9)
