"""Train a network that classifies or encodes subtomograms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.files import check_file_writable, write_json, write_text
from ais_app.core.jobs import Job, JobCancelled, Progress, run
from ais_app.core.model.architectures import architecture
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import Model, load_model, save_model
from ais_app.core.particles.labels import NO_CLASS, labels_of, numbered, read_labels
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.training.cube_parameters import CubeTrainParams
from ais_app.core.training.cubes import cube_data
from ais_app.operations.train import history_csv

if TYPE_CHECKING:
    from ais_app.core.training.boxes import TrainingData
    from ais_app.core.training.trainer import TrainingResult
    from ais_app.models import Architecture

CODES = 32, 128  # numbers of a code as published, without a classifier and with one


@dataclass(frozen=True)
class TrainedOnCubes:
    """What a training leaves.

    Parameters
    ----------
    model
        The model package; ``<model>.json`` beside it says how it was made.
    history
        ``<model stem>_history.csv``, one row per epoch, and the same as ``.json``.
    metrics
        Of the best epoch, on held-out subtomograms where there are some.
    classes
        Names of the classes, by number; none for an encoder without labels.
    finished
        False when it was stopped early; the model then has the best weights so far.
    """

    model: Path
    history: tuple[Path, Path]
    metrics: Mapping[str, Any]
    classes: tuple[str, ...]
    finished: bool


def subtomo_train(
    stacks: Sequence[str | Path],
    out: str | Path = "network.aismodel",
    params: CubeTrainParams | None = None,
    *,
    classes: str | Path | None = None,
    column: str | None = None,
    unlabelled: bool = False,
    parent: str | Path | None = None,
    trust_source: bool = False,
    resume: bool = False,
) -> TrainedOnCubes:
    """Train a network of cubes.

    Parameters
    ----------
    stacks
        Stacks of subtomograms with cubes of one size; classes of the same name are one class.
    out
        Model package to write; beside it the history and, while training, a checkpoint ``<out>.checkpoint``.
    params
        What to train and how.
    classes, column
        A table with the class of each subtomogram, and its column, instead of the classes that the stack keeps; see
        `ais_app.core.particles.labels.read_labels`. Only with one stack.
    unlabelled
        Take no notice of any class: an encoder learns from the cubes alone.
    parent
        Model package whose weights it starts from; it needs the same classes.
    trust_source
        Run the source of an architecture that is packed with `parent`.
    resume
        Go on from the checkpoint of a training that was interrupted.

    Raises
    ------
    ParameterProblem
        There are fewer than two classes for a classifier, or stacks or parameters do not fit each other.
    FileProblem
        A file cannot be read or written.
    ModelProblem
        The architecture is unknown or does not take cubes, a cube holds NaN, or the training diverged.
    """
    options: dict[str, Any] = {"classes": classes, "column": column, "unlabelled": unlabelled, "parent": parent}
    return run(subtomo_train_job(stacks, out, params, trust_source=trust_source, resume=resume, **options))


def subtomo_train_job(
    stacks: Sequence[str | Path],
    out: str | Path = "network.aismodel",
    params: CubeTrainParams | None = None,
    *,
    classes: str | Path | None = None,
    column: str | None = None,
    unlabelled: bool = False,
    parent: str | Path | None = None,
    trust_source: bool = False,
    resume: bool = False,
    on_epoch: Callable[[Model], None] | None = None,
) -> Job[TrainedOnCubes]:
    """Train as a job; see `subtomo_train`. `on_epoch` gets the weights in training after every epoch."""
    from ais_app.core.training.trainer import train_job as core_job

    params, out = params or CubeTrainParams(), Path(out)
    start = load_model(parent, trust_source=trust_source) if parent is not None else None
    if start is not None:
        params = replace(params, architecture=start.card.architecture)
    record = start.architecture if start is not None else architecture(params.architecture)
    yield Progress(0, 0, "reading subtomograms")
    check_file_writable(out, "a model: NAME.aismodel")
    opened = [SubtomogramStack.open(path) for path in stacks]
    edge, voxel_size = _one_kind(opened)
    labels, names = _labels(opened, classes, column, unlabelled)
    _check_classes(record, labels, names)
    settings = params.for_cubes(edge)
    cubes = np.concatenate([stack.read() for stack in opened])
    held_out = _held_out_tomogram(opened, labels, params) if params.validation == "tomogram" else None
    data = cube_data(cubes, labels, settings, classes=names, held_out=held_out, voxel_size=voxel_size)
    data = replace(data, record={**data.record, "held_out": _words(params, data)})
    card = _card(record, start, params, settings.box_size, len(names))
    checkpoint = out.with_name(out.name + ".checkpoint")
    result = yield from core_job(
        data, settings, card, start=start, checkpoint=checkpoint, resume=resume, on_epoch=on_epoch
    )
    if result.finished:  # who stops a training waits for nothing more
        result = replace(result, model=(yield from _with_known_classes(result.model, data, params.device)))
    arguments: dict[str, Any] = {"stacks": [str(path) for path in stacks], "out": out.name, "params": params}
    arguments |= {"classes": None if classes is None else str(classes), "column": column, "unlabelled": unlabelled}
    arguments |= {"parent": None if parent is None else str(parent), "trust_source": trust_source}
    inputs = [Path(path) for path in (*stacks, classes, parent) if path is not None]
    return _written(result, out, arguments, inputs, names)


def _one_kind(stacks: Sequence[SubtomogramStack]) -> tuple[int, float]:
    """Return the edge and the voxel size that all stacks have."""
    if not stacks:
        raise ParameterProblem("stacks", "none is given", "name a stack, made with ais-app subtomo extract")
    edges = sorted({stack.edge for stack in stacks})
    sizes = sorted({stack.voxel_size for stack in stacks})
    if len(edges) > 1 or sizes[-1] > 1.01 * sizes[0]:
        problem = f"have cubes of {' and '.join(map(str, edges))} voxels of {' and '.join(f'{s:g}' for s in sizes)} Å"
        raise ParameterProblem("stacks", problem, "extract them alike: --box, --voxel-size")
    return edges[0], sizes[0]


def _labels(
    stacks: Sequence[SubtomogramStack], classes: str | Path | None, column: str | None, unlabelled: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the class of every cube, −1 for none, and the names of all classes."""
    count = sum(len(stack) for stack in stacks)
    if unlabelled:
        return np.full(count, NO_CLASS, np.int64), ()
    if classes is not None:
        if len(stacks) > 1:
            raise ParameterProblem(
                "classes", "one table does not suit several stacks", "save the classes in the stacks"
            )
        return read_labels(classes, column, count)
    names: tuple[str, ...] = ()
    parts = []
    for stack in stacks:
        theirs, called = labels_of(stack)
        part, names = numbered([None if label < 0 else called[label] for label in theirs], names)
        parts.append(part)
    return np.concatenate(parts), names


def _check_classes(record: Architecture, labels: np.ndarray, names: Sequence[str]) -> None:
    if record.task == "segment":
        problem = f"{record.name} segments tomograms"
        raise ParameterProblem("architecture", problem, "choose one that classifies or encodes: classifier3d")
    if record.task == "classify" and len(np.unique(labels[labels >= 0])) < 2:
        problem = f"{len(names)} classes ({', '.join(names) or 'none'}) in {len(labels):,} subtomograms"
        remedy = (
            "a classifier needs two; give --classes TABLE, or group the subtomograms first: ais-app subtomo cluster"
        )
        raise ParameterProblem("classes", problem, remedy)


def _card(record: Architecture, start: Model | None, params: CubeTrainParams, size: int, classes: int) -> ModelCard:
    """Return the card of the network, built for this size and these classes."""
    if start is not None:
        theirs = int(start.card.parameters.get("classes", 0))
        if classes != theirs and (record.task == "classify" or classes):
            problem = f"was trained on {theirs} classes, here are {classes}"
            raise ParameterProblem("parent", problem, "train on the same classes, or without --parent")
        parameters = dict(start.card.parameters)
        return ModelCard(record.name, parameters, feature=start.card.feature, training={"parent": start.card.feature})
    wanted = {"size": size, "classes": classes, "code": params.code or CODES[classes > 0]}
    fitting = {name: value for name, value in wanted.items() if name in record.parameters}
    return ModelCard(record.name, fitting, feature="subtomograms")


def _held_out_tomogram(stacks: Sequence[SubtomogramStack], labels: np.ndarray, params: CubeTrainParams) -> np.ndarray:
    """Choose whole tomograms, about as many cubes as the share, without taking all of a class.

    What one tomogram shares with itself (thickness, defocus, alignment) then does not count as knowledge.
    """
    names = np.concatenate([np.asarray(stack.particles.tomograms, dtype=object) for stack in stacks])
    order = np.random.default_rng((params.seed, 2)).permutation(np.array(sorted(set(names.tolist())), dtype=object))
    out = np.zeros(len(names), bool)
    for name in order:
        tried = out | (names == name)
        leaves_all = not np.setdiff1d(labels, labels[~tried]).size and not tried.all()
        if leaves_all and (not out.any() or tried.mean() <= 1.5 * params.validation_share):
            out = tried
        if out.mean() >= params.validation_share:
            break
    if not out.any():
        problem = f"{len(order)} tomograms cannot be divided so that each class is left to train on"
        raise ParameterProblem("validation", problem, "hold out a share of each class: --validation share")
    return out


def _words(params: CubeTrainParams, data: TrainingData) -> str:
    if data.held_out is None:
        return "nothing held out"
    which = "of whole tomograms" if params.validation == "tomogram" else "a share of each class"
    return f"{len(data.held_out):,} subtomograms held out, {which}"


def _with_known_classes(model: Model, data: TrainingData, device: str) -> Job[Model]:
    """Return the model with a record of where its classes lie, by which unknown ones are told."""
    from ais_app.core.particles.correlation import compute_device
    from ais_app.core.particles.open_set import record_known_job

    parts = () if data.held_out is None else (data.training.labels, data.held_out.labels)
    if model.architecture.task != "classify" or not parts or not all((part >= 0).any() for part in parts):
        return model
    try:
        return (yield from record_known_job(model, data, device=compute_device(device).type))
    except JobCancelled:  # the network is there; only its reach is not
        return model


def _written(
    result: TrainingResult, out: Path, arguments: dict[str, Any], inputs: list[Path], names: tuple[str, ...]
) -> TrainedOnCubes:
    save_model(result.model, out)
    table = out.with_name(f"{out.stem}_history.csv")
    history = write_text(table, history_csv(result.history)), write_json(table.with_suffix(".json"), result.history)
    record = result.model.card.training
    notes = {name: record[name] for name in ("hardware", "finished", "epochs", "best_epoch", "metrics")}
    provenance.record("subtomo_train", out, arguments, inputs, notes).write(out)
    return TrainedOnCubes(out, history, record["metrics"], names, result.finished)
