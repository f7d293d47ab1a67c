"""Train a network on the annotations of a project, or on a training set of Ais."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.files import check_file_writable, check_not_input, write_json, write_text
from ais_app.core.jobs import Job, Progress, run
from ais_app.core.model.architectures import architecture
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import Model, load_model, save_model
from ais_app.core.training.ais_boxes import ais_boxes
from ais_app.core.training.boxes import TrainingData, cut_boxes
from ais_app.core.training.checkpoint import checkpoint_path
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.labelled import LabelChoice, labelled_tomograms
from ais_app.state.project import Project

if TYPE_CHECKING:
    from ais_app.core.training.trainer import TrainingResult
    from ais_app.models import Architecture


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Parameters
    ----------
    model
        The model package; ``<model>.json`` beside it says how it was made.
    history
        ``<model stem>_history.csv``, one row per epoch, and the same as ``.json``.
    metrics
        Of the best epoch, on held-out boxes where there are some.
    held_out
        What was held out, in words.
    finished
        False when it was stopped early; the model then has the best weights so far.
    """

    model: Path
    history: tuple[Path, Path]
    metrics: Mapping[str, Any]
    held_out: str
    finished: bool


def train(
    project: str | Path | None = None,
    feature: str | None = None,
    out: str | Path = "network.aismodel",
    params: TrainParams | None = None,
    *,
    tomograms: Sequence[str] = (),
    negatives: Sequence[str] = (),
    ignored: Sequence[str] = (),
    training_set: str | Path | None = None,
    parent: str | Path | None = None,
    trust_source: bool = False,
    resume: bool = False,
) -> Trained:
    """Train a network.

    Parameters
    ----------
    project, feature
        The project file and the name of one of its features. Boxes of that feature are used; where there are none,
        boxes are placed on the annotated slices.
    out
        Model package to write; beside it the history and, while training, a checkpoint ``<out>.checkpoint``.
    params
        What to train and how.
    tomograms, negatives, ignored
        Names in the project: which tomograms to learn from (all when empty), which other features are background and
        which are left out; see `LabelChoice`.
    training_set
        A ``.scnt`` file of Ais instead of a project.
    parent
        Model package whose weights it starts from.
    trust_source
        Run the source of an architecture that is packed with `parent`.
    resume
        Go on from the checkpoint of a training that was interrupted.

    Returns
    -------
    Trained
        Files and scores.

    Raises
    ------
    ParameterProblem
        Nothing is annotated, or a parameter does not fit the data.
    ProjectProblem
        The project has no such feature.
    FileProblem
        A file cannot be read or written.
    ModelProblem
        The architecture is unknown, or the training diverged.
    """
    options: dict[str, Any] = {"tomograms": tomograms, "negatives": negatives, "ignored": ignored}
    options |= {"training_set": training_set, "parent": parent, "trust_source": trust_source}
    return run(train_job(project, feature, out, params, resume=resume, **options))


def train_job(
    project: str | Path | None = None,
    feature: str | None = None,
    out: str | Path = "network.aismodel",
    params: TrainParams | None = None,
    *,
    tomograms: Sequence[str] = (),
    negatives: Sequence[str] = (),
    ignored: Sequence[str] = (),
    training_set: str | Path | None = None,
    parent: str | Path | None = None,
    trust_source: bool = False,
    resume: bool = False,
    on_epoch: Callable[[Model], None] | None = None,
) -> Job[Trained]:
    """Train as a job; see `train`. `on_epoch` gets the weights in training after every epoch, for a preview."""
    from ais_app.core.training.trainer import train_job as core_job

    params, out = params or TrainParams(), Path(out)
    check_file_writable(out, "a model: NAME.aismodel")
    check_not_input([out, *history_files(out)], [path for path in (project, training_set, parent) if path is not None])
    start = load_model(parent, trust_source=trust_source) if parent is not None else None
    if start is not None and start.architecture.imported:
        # its layers came with it: it can be chosen by its file only
        params = replace(params, architecture=start.card.architecture, depth=start.card.depth)
    record = start.architecture if start is not None else architecture(params.architecture)
    yield Progress(0, 0, "cutting boxes")
    choice = LabelChoice(tuple(tomograms), tuple(negatives), tuple(ignored))
    data, card, inputs = _data(project, feature, choice, training_set, params, record)
    if start is not None and parent is not None:
        inputs[Path(parent)] = provenance.fingerprint(parent)
        parent_record = {"feature": start.card.feature, "fingerprint": inputs[Path(parent)]}
        card = replace(card, parameters=start.card.parameters, training={"parent": parent_record})
    result = yield from core_job(
        data, params, card, start=start, checkpoint=checkpoint_path(out), resume=resume, on_epoch=on_epoch
    )
    arguments: dict[str, Any] = {"project": project, "feature": feature, "out": out.name, "params": params}
    arguments |= {"tomograms": choice.tomograms, "negatives": choice.negatives, "ignored": choice.ignored}
    arguments |= {"training_set": training_set, "parent": parent, "trust_source": trust_source}
    return _written(result, data, out, arguments, inputs)


def _data(
    project: str | Path | None,
    feature: str | None,
    choice: LabelChoice,
    training_set: str | Path | None,
    params: TrainParams,
    record: Architecture,
) -> tuple[TrainingData, ModelCard, dict[Path, str]]:
    """Return the boxes, a card that knows feature and colour, and the fingerprints of the files that were read.

    They are taken here, for a project changes while networks are trained on it, and may be saved elsewhere.
    """
    if (project is None) == (training_set is None):
        raise ParameterProblem("training", "needs either a project or a training set", "give one of the two")
    if training_set is not None:
        boxes, name = ais_boxes(training_set, params, record.stride, record.dimension)
        read = {Path(training_set): provenance.fingerprint(training_set)}
        return boxes, ModelCard(params.architecture, feature=feature or name), read
    if project is None or feature is None:
        raise ParameterProblem("training", "needs the name of a feature of the project", "give it with --feature")
    with Project.open(project, read_only=True) as opened:
        labelled = labelled_tomograms(opened, feature, choice)
        card = ModelCard(params.architecture, feature=feature, colour=opened.feature(feature).colour)
        files = [Path(project), *(item.tomogram.path for item in labelled if item.tomogram.path is not None)]
        read = {file: provenance.fingerprint(file) for file in files}
        return cut_boxes(labelled, params, record.stride, record.dimension), card, read


def _written(
    result: TrainingResult, data: TrainingData, out: Path, arguments: dict[str, Any], inputs: dict[Path, str]
) -> Trained:
    """Write the model with its preview, its history and its provenance."""
    from ais_app.core.training.preview import contact_sheet

    save_model(result.model, out, preview=contact_sheet(result.model, data))
    history = write_history(out, result.history)
    record = result.model.card.training
    notes = {name: record[name] for name in ("hardware", "finished", "epochs", "best_epoch", "metrics")}
    provenance.record("train", out, arguments, inputs, notes).write(out)
    return Trained(out, history, record["metrics"], record["data"]["held_out"], result.finished)


def history_files(network: Path) -> tuple[Path, Path]:
    """Return where the history of a network's training is written, as CSV and as JSON."""
    table = network.with_name(f"{network.stem}_history.csv")
    return table, table.with_suffix(".json")


def write_history(network: Path, history: list[dict[str, Any]]) -> tuple[Path, Path]:
    """Write the history of a network's training beside it."""
    table, values = history_files(network)
    return write_text(table, history_csv(history)), write_json(values, history)


def history_csv(history: list[dict[str, Any]]) -> str:
    """Return the history of a training as CSV, one line an epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]) if history else ["epoch"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()
