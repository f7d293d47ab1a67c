"""Models of Ais (.scnm) and groups of them (.scnmgroup): a tar of Keras HDF5 and JSON.

The formats are described in docs/formats/scnm.md.
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from ais_app.core.ais.archive import DAMAGE, Archive, open_archive
from ais_app.core.errors import AisAppError, DataWarning, FileProblem, ModelProblem, ParameterProblem
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import Model
from ais_app.core.prediction.interactions import InteractionGraph, Rule
from ais_app.core.prediction.normalise import Normalisation
from ais_app.core.prediction.plan import competition_of

MODEL, GROUP = ".scnm", ".scnmgroup"
_ANGSTROM = 10.0  # of a nanometre
# in the record of a training; what only the window of Ais has use for is left out
_KEPT = ("epochs", "batch_size", "n_copies", "loss", "n_parameters", "info", "excess_negative")
_MOST_PIXELS = 4096**2  # of a preview


@dataclass(frozen=True)
class AisModel:
    """A model of Ais.

    Parameters
    ----------
    model
        The network and its card.
    preview
        (h, w, 3) uint8, or ``None``.
    """

    model: Model
    preview: np.ndarray | None = None


@dataclass(frozen=True)
class AisModelGroup:
    """Models of Ais and how they act on each other.

    Parameters
    ----------
    models
        In the order of the file.
    interactions
        The competition that the models ask for, then the group's rules in their order.
    """

    models: tuple[AisModel, ...]
    interactions: InteractionGraph


def is_ais_model(path: str | Path) -> bool:
    """Return whether a file is a model of Ais, or a group of them, by its name."""
    return Path(path).suffix.lower() in (MODEL, GROUP)


def read_ais_model(path: str | Path) -> AisModel:
    """Read a model of Ais.

    Parameters
    ----------
    path
        ``NAME.scnm``.

    Raises
    ------
    FileProblem
        It is missing, damaged or no model of Ais, or holds links or names that lead out of it.
    ModelProblem
        The network has a layer that cannot be carried over.
    """
    with _stream(path) as stream, open_archive(path, stream, "model of Ais") as archive:
        return _model(archive)


def read_ais_model_group(path: str | Path) -> AisModelGroup:
    """Read a group of models of Ais, ``NAME.scnmgroup``; raises as `read_ais_model`."""
    what = "group of models of Ais"
    with _stream(path) as stream, open_archive(path, stream, what) as group:
        members = [name for name in group.names if name.endswith(MODEL)]
        if not members:
            raise FileProblem(path, "holds no models", f"it is no {what}")
        models = []
        for name in members:
            label = f"{path}: {name}"
            with group.open(name) as inside, open_archive(label, inside, "model of Ais") as archive:
                models.append(_model(archive))
        named = [name for name in group.names if name.endswith("_interactions.json")]
        rules = _json(group, named[0]) if named else []
    titles = {title: each.model.card.feature for each in models for title in [each.model.card.training["title"]]}
    steps = competition_of([each.model.card for each in models]).steps
    return AisModelGroup(tuple(models), InteractionGraph((*steps, *_rules(rules, titles, path))))


@contextmanager
def _stream(path: str | Path) -> Iterator[BinaryIO]:
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - closed below; errors of reading are not those of opening
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error), "check the name") from error
    with stream:
        try:
            yield stream
        except DAMAGE as error:
            raise FileProblem(path, f"is damaged ({error})", "copy it again") from error


def _model(archive: Archive) -> AisModel:
    from ais_app.core.keras.network import read_keras

    values = _json(archive, archive.only("_metadata.json", "model of Ais"))
    card = _card(values, archive.path)
    with archive.open(archive.only("_weights.h5", "model of Ais")) as weights:
        model = read_keras(weights, archive.path, card)
    said = values.get("model_depth", model.card.depth)
    if said != model.card.depth:
        problem = f"says that it takes {said} slices, but its network takes {model.card.depth}"
        warnings.warn(DataWarning(f"{archive.path}: {problem}; the network is right"), stacklevel=2)
    return AisModel(model, _preview(archive))


def _json(archive: Archive, name: str) -> Any:
    try:
        return json.loads(archive.read(name))
    except (ValueError, RecursionError) as error:
        raise FileProblem(archive.path, f"{name} in it is no JSON ({error})", "copy it again") from error


def _card(values: Any, path: str | Path) -> ModelCard:
    """Return everything about a model but its network."""
    if not isinstance(values, Mapping):
        raise FileProblem(path, "describes itself by no JSON object", "copy it again")
    title = str(values.get("title") or PurePosixPath(str(path)).stem)
    size, threshold = _number(values, "apix", path, -1.0), _number(values, "threshold", path, 0.5)
    training = {"imported_from": "Ais", "file": Path(path).name, "title": title}
    training |= {name: values[name] for name in _KEPT if isinstance(values.get(name), (str, int, float))}
    try:
        return ModelCard(
            architecture="",
            feature=feature_name(title),
            colour=_colour(values.get("colour")),
            voxel_size=size if size > 0 else None,  # -1: not known
            normalisation=Normalisation("slice"),
            box_size=int(_number(values, "box_size", path, 64)),
            threshold=min(max(threshold, 0.0), 1.0),
            emit=bool(values.get("emit", False)),
            absorb=bool(values.get("absorb", False)),
            training=_finite(training),
        )
    except ModelProblem as error:
        raise ModelProblem(path, error.problem, error.remedy) from error


def feature_name(title: str) -> str:
    """Return a title as the name of a feature, which becomes part of the names of files.

    >>> feature_name("Membrane: inner/outer__v2")
    'Membrane- inner-outer_v2'
    """
    clean = re.sub(r'[\x00-\x1f/\\:*?"<>|]', "-", title)
    return re.sub("__+", "_", clean).strip(" .")[:100] or "feature"


def _number(values: Mapping[str, Any], name: str, path: str | Path, default: float) -> float:
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise FileProblem(path, f"{name} is {value!r}, not a number", "copy it again")
    return float(value)


def _colour(value: Any) -> str:
    """Return red, green, blue from 0 to 1 as ``#rrggbb``."""
    if not isinstance(value, list) or len(value) < 3:
        return ModelCard.colour
    channels = [channel if isinstance(channel, (int, float)) and math.isfinite(channel) else 0 for channel in value]
    return "#" + "".join(f"{round(min(max(channel, 0), 1) * 255):02x}" for channel in channels[:3])


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what JSON cannot hold: an infinite loss."""
    return {name: value for name, value in values.items() if not isinstance(value, float) or math.isfinite(value)}


def _rules(values: Any, features: Mapping[str, str], path: str | Path) -> Iterator[Rule]:
    """Yield the interactions: the model that Ais calls the parent is the one that is changed, by its partner."""
    if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
        raise FileProblem(path, "has interactions that are no list of objects", "copy it again")
    for place, value in enumerate(values, start=1):
        names = [features.get(str(value.get(key))) for key in ("parent_title", "partner_title")]
        kind = {0: "colocalise", 1: "avoid"}.get(value.get("type", -1))
        if None in names or kind is None:
            problem = f"interaction {place} is {dict(value)}: a model or a type that is not there"
            raise FileProblem(path, problem, "save the group again")
        radius, threshold = _number(value, "radius", path, 10.0), _number(value, "threshold", path, 0.5)
        try:
            yield Rule(kind, str(names[0]), str(names[1]), threshold, radius * _ANGSTROM)
        except ParameterProblem as error:
            raise FileProblem(path, f"interaction {place}: {error.subject}: {error.problem}", error.remedy) from error


def _preview(archive: Archive) -> np.ndarray | None:
    """Return the picture of a model; one that cannot be read is left out."""
    names = [name for name in archive.names if name.endswith("_preview.png")]
    if not names:
        return None
    from matplotlib.image import imread

    try:
        content = archive.read(names[0])
        width, height = struct.unpack_from(">II", content, 16)  # a PNG says its size first
        if not 0 < width * height <= _MOST_PIXELS:
            raise ValueError(f"{width} x {height} pixels")
        picture = imread(io.BytesIO(content), format="png")
    except (AisAppError, OSError, ValueError, SyntaxError, struct.error) as error:
        warnings.warn(DataWarning(f"{archive.path}: its preview is left out ({error})"), stacklevel=2)
        return None
    colours = picture[..., :3] if picture.ndim == 3 and picture.shape[-1] >= 3 else np.stack([picture] * 3, axis=-1)
    return (colours * 255).round().astype(np.uint8)
