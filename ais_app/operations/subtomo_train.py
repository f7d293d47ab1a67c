"""Train a network that classifies or encodes subtomograms, or marks the particle in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.annotation.labels import FEATURE
from ais_app.core.errors import ParameterProblem
from ais_app.core.files import check_file_writable, check_not_input
from ais_app.core.jobs import Job, JobCancelled, Progress, run
from ais_app.core.model.architectures import architecture
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import Model, load_model, save_model
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.training.checkpoint import checkpoint_path
from ais_app.core.training.cube_parameters import CubeTrainParams
from ais_app.core.training.cubes import cube_data, mask_data
from ais_app.operations.train import history_files, write_history
from ais_app.operations.training_cubes import (
    classes_of,
    contrast_in_tomograms,
    held_out_tomograms,
    one_kind,
    read_masks,
)

if TYPE_CHECKING:
    from ais_app.core.training.boxes import TrainingData
    from ais_app.core.training.parameters import TrainParams
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
        Names of the classes, by number; none for an encoder without labels, or where voxels are marked.
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
    masks: str | Path | None = None,
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
    masks
        For a network of volumes, which marks the particle: the labels of all voxels, 0 background, 1 particle, 2 not
        known. A stack, or ``.npz`` with an array ``masks``, such as the ``_truth.npz`` of `subtomo_simulate`. Only with
        one stack. What it learns suits `subtomo_segment`, and `segment` for whole tomograms.
    parent
        Model package whose weights it starts from; it needs the same classes.
    trust_source
        Run the source of an architecture that is packed with `parent`.
    resume
        Go on from the checkpoint of a training that was interrupted.

    Raises
    ------
    ParameterProblem
        There are fewer than two classes for a classifier, or stacks, masks or parameters do not fit each other.
    FileProblem
        A file cannot be read or written.
    ModelProblem
        The architecture is unknown or does not take cubes, a cube holds NaN, or the training diverged.
    """
    options: dict[str, Any] = {"classes": classes, "column": column, "unlabelled": unlabelled, "parent": parent}
    options |= {"masks": masks}
    return run(subtomo_train_job(stacks, out, params, trust_source=trust_source, resume=resume, **options))


def subtomo_train_job(
    stacks: Sequence[str | Path],
    out: str | Path = "network.aismodel",
    params: CubeTrainParams | None = None,
    *,
    classes: str | Path | None = None,
    column: str | None = None,
    unlabelled: bool = False,
    masks: str | Path | None = None,
    parent: str | Path | None = None,
    trust_source: bool = False,
    resume: bool = False,
    on_epoch: Callable[[Model], None] | None = None,
) -> Job[TrainedOnCubes]:
    """Train as a job; see `subtomo_train`. `on_epoch` gets the weights in training after every epoch."""
    from ais_app.core.training.segment import SegmentCubes
    from ais_app.core.training.trainer import train_job as core_job

    params, out = params or CubeTrainParams(), Path(out)
    inputs = [Path(path) for path in (*stacks, classes, masks, parent) if path is not None]
    check_not_input([out, *history_files(out)], inputs)
    start = load_model(parent, trust_source=trust_source) if parent is not None else None
    if start is not None:
        params = replace(params, architecture=start.card.architecture)
    record = start.architecture if start is not None else architecture(params.architecture)
    yield Progress(0, 0, "reading subtomograms")
    check_file_writable(out, "a model: NAME.aismodel")
    opened = [SubtomogramStack.open(path) for path in stacks]
    edge, voxel_size = one_kind(opened)
    _check_kind(record, masks, classes is not None or column is not None or unlabelled)
    if masks is None:
        labels, names = classes_of(opened, classes, column, unlabelled=unlabelled)
        _check_classes(record, labels, names)
        settings, task = params.for_cubes(edge), None
        cubes = np.concatenate([stack.read() for stack in opened])
        held_out = held_out_tomograms(opened, labels, params) if params.validation == "tomogram" else None
        data = cube_data(cubes, labels, settings, classes=names, held_out=held_out, voxel_size=voxel_size)
    else:
        names, settings, task = (), params.for_cubes(edge, record.stride), SegmentCubes()
        data = _with_masks(opened[0], read_masks(masks, opened), params, settings, start)
    data = replace(data, record={**data.record, "held_out": _words(params, data)})
    card = _card(record, start, params, settings.box_size, len(names))
    checkpoint = checkpoint_path(out)
    result = yield from core_job(
        data, settings, card, start=start, checkpoint=checkpoint, resume=resume, on_epoch=on_epoch, task=task
    )
    if result.finished:  # who stops a training waits for nothing more
        result = replace(result, model=(yield from _with_known_classes(result.model, data, params.device)))
    arguments: dict[str, Any] = {"stacks": [str(path) for path in stacks], "out": out.name, "params": params}
    arguments |= {"classes": None if classes is None else str(classes), "column": column, "unlabelled": unlabelled}
    arguments |= {"masks": None if masks is None else str(masks)}
    arguments |= {"parent": None if parent is None else str(parent), "trust_source": trust_source}
    return _written(result, out, arguments, inputs, names)


def _check_kind(record: Architecture, masks: str | Path | None, has_classes: bool) -> None:
    """Find out whether the network learns from what it is given."""
    if record.task == "segment" and (masks is None or record.dimension != 3):
        which = "and cubes: it learns from masks" if record.dimension == 3 else "slice by slice"
        remedy = "give --masks FILE, or choose" if record.dimension == 3 else "choose"
        problem = f"{record.name} segments tomograms {which}"
        raise ParameterProblem("architecture", problem, f"{remedy} one that classifies or encodes: classifier3d")
    if record.task != "segment" and masks is not None:
        remedy = "choose a network of volumes: --architecture ssn3d_ed"
        raise ParameterProblem("masks", f"{record.name} does not learn from them", remedy)
    if masks is not None and has_classes:
        raise ParameterProblem("masks", "say all that is learnt; classes do not count", "leave the classes out")


def _with_masks(
    stack: SubtomogramStack, masks: np.ndarray, params: CubeTrainParams, settings: TrainParams, start: Model | None
) -> TrainingData:
    """Return cubes as in the tomograms, so that the network segments these too; else as `start` knows them."""
    contrast = (start.card.contrast if start is not None else 0) or contrast_in_tomograms(stack)
    there = (masks == FEATURE).any((1, 2, 3)).astype(np.int64)
    held_out = held_out_tomograms([stack], there, params) if params.validation == "tomogram" else None
    cubes = contrast * stack.read()
    return mask_data(cubes, masks, settings, held_out=held_out, voxel_size=stack.voxel_size, contrast=contrast)


def _check_classes(record: Architecture, labels: np.ndarray, names: Sequence[str]) -> None:
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
    if record.task == "segment":
        return ModelCard(record.name, feature="particle")
    wanted = {"size": size, "classes": classes, "code": params.code or CODES[classes > 0]}
    fitting = {name: value for name, value in wanted.items() if name in record.parameters}
    return ModelCard(record.name, fitting, feature="subtomograms")


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
    history = write_history(out, result.history)
    record = result.model.card.training
    notes = {name: record[name] for name in ("hardware", "finished", "epochs", "best_epoch", "metrics")}
    provenance.record("subtomo_train", out, arguments, inputs, notes).write(out)
    return TrainedOnCubes(out, history, record["metrics"], names, result.finished)
