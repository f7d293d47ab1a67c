"""Training on boxes that were cut by Ais (.scnt): no tomograms, no margin, only the boxes."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ais_app.core import provenance
from ais_app.core.ais.training_set import AisTrainingSet, read_ais_training_set
from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.prediction.normalise import Normalisation
from ais_app.core.tomogram import Statistics
from ais_app.core.training.boxes import BoxSet, TrainingData, check_box_size, contrast_sign, middle_has_feature
from ais_app.core.training.parameters import TrainParams


def ais_boxes(path: str | Path, params: TrainParams, stride: int, dimension: int = 2) -> tuple[TrainingData, str]:
    """Return the boxes of a training set, divided and normalised, and the name of what they show.

    The boxes are scaled by mean and deviation over all boxes of their tomogram: the whole tomogram is not there.
    Held out are tomograms where there are several, else nothing: boxes of one tomogram may overlap.

    Raises
    ------
    FileProblem
        The file is no training set.
    ParameterProblem
        Its box size or depth differ from what was asked for, no box holds the feature, or the network is one of
        volumes (`dimension` 3): of each box only the middle slice has labels.
    """
    if dimension == 3:
        remedy = "choose a network of slices, or train on a project"
        raise ParameterProblem(path, "has labels of one slice in each box, too few for a network of volumes", remedy)
    found = read_ais_training_set(path)
    depth, size = found.images.shape[1], found.images.shape[-1]
    if (depth, size) != (params.depth, params.box_size):
        problem = f"its boxes are {size} voxels wide and {depth} slices deep"
        raise ParameterProblem(path, problem, f"train with a box size of {size} and a depth of {depth}")
    check_box_size(size, stride)
    boxes = BoxSet(_normalised(found), found.labels, middle_has_feature(found.labels, 0))
    held = _held_out(found.tomograms, params)
    training = _part(boxes, ~held)
    if not training.positive.any():
        raise ParameterProblem(path, f"none of {len(training)} boxes holds the feature", "choose another training set")
    names = sorted({name for name, out in zip(found.tomograms, held, strict=True) if out})
    words = f"held out by tomogram: {', '.join(names)}" if names else "nothing is held out: boxes of one tomogram"
    if not names and params.validation not in ("auto", "none"):
        raise ParameterProblem("validation", f"{params.validation!r} cannot be held out of boxes", "choose auto")
    record = {
        "tomograms": [{"name": name} for name in sorted(set(found.tomograms))],
        "boxes": {"placed by a person": len(boxes), "with the feature": int(training.positive.sum())},
        "training_set": {"file": Path(path).name, "fingerprint": provenance.fingerprint(path)},
        "held_out": words,
    }
    if params.voxel_size is not None and found.voxel_size not in (None, params.voxel_size):
        problem = f"{path}: boxes of {found.voxel_size:g} Å are not rescaled to {params.voxel_size:g} Å"
        warnings.warn(DataWarning(problem), stacklevel=2)
    data = TrainingData(
        training, _part(boxes, held) if held.any() else None, found.voxel_size, contrast_sign(training), 0, record
    )
    return data, ", ".join(found.features) or "feature"


def _normalised(found: AisTrainingSet) -> np.ndarray:
    images = np.empty_like(found.images)
    names = np.array(found.tomograms)
    for name in set(found.tomograms):
        chosen = found.images[names == name]
        statistics = Statistics(float(chosen.mean(dtype=np.float64)), float(chosen.std(dtype=np.float64)))
        images[names == name] = Normalisation().apply(chosen, statistics)
    return images


def _held_out(tomograms: tuple[str, ...], params: TrainParams) -> np.ndarray:
    names = sorted(set(tomograms))
    if params.validation not in ("auto", "tomogram") or len(names) < 2:
        return np.zeros(len(tomograms), bool)
    count = min(len(names) - 1, max(1, round(params.validation_share * len(names))))
    return np.isin(tomograms, names[-count:])


def _part(boxes: BoxSet, chosen: np.ndarray) -> BoxSet:
    return BoxSet(boxes.images[chosen], boxes.labels[chosen], boxes.positive[chosen])
