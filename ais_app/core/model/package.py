"""Models: a network with its card, and the package they are kept in (.aismodel, see docs/formats/aismodel.md).

Reading a package never runs code: weights are plain numbers (safetensors), everything else is JSON and PNG. Only an
architecture that came with its own source needs `trust_source`, which a person must give.
"""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ModelProblem
from ais_app.core.model.file import CARD, PREVIEW, SOURCE, WEIGHTS, read_members, read_model_json, write_members
from ais_app.core.model.source import own_source, run_architecture, source_to_run
from ais_app.core.prediction.normalise import Normalisation
from ais_app.core.registry import plugins

if TYPE_CHECKING:
    from ais_app.core.model.network import Network
    from ais_app.models import Architecture


SAME_SIZE = 0.05  # voxel sizes closer than this are taken for the same


@dataclass(frozen=True)
class ModelCard:
    """Everything about a model but its weights.

    Parameters
    ----------
    architecture
        Name of an `ais_app.models.Architecture`.
    parameters
        Keyword parameters of its `build`.
    depth
        Slices the network takes: 1, or an odd number with the segmented slice in the middle. Of a network of
        volumes: slices of its training boxes, any number.
    feature
        What the network finds; names its outputs.
    colour
        ``#rrggbb``.
    voxel_size
        Å, of the data it was trained on; ``None`` where that is not known.
    normalisation
        How grey values are scaled before the network sees them.
    contrast
        −1 if the feature is darker than the whole tomogram in the training data, +1 if brighter, 0 if not known.
    box_size
        Pixels across of its training boxes.
    threshold
        Probability from which a voxel counts as the feature.
    emit, absorb
        Its part in the competition between models.
    training
        Where it came from: data with fingerprints, parameters, seed, epochs, metrics on held-out data, versions of
        the software, parent model.
    """

    architecture: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    depth: int = 1
    feature: str = "feature"
    colour: str = "#56b4e9"
    voxel_size: float | None = None
    normalisation: Normalisation = Normalisation()
    contrast: int = 0
    box_size: int = 64
    threshold: float = 0.5
    emit: bool = False
    absorb: bool = False
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sound = {
            "depth": self.depth >= 1 and (self.depth % 2 == 1 or not _of_slices(self.architecture)),
            "box_size": self.box_size >= 1,
            "contrast": self.contrast in (-1, 0, 1),
            "threshold": 0 <= self.threshold <= 1,
            "voxel_size": self.voxel_size is None or self.voxel_size > 0,
            "colour": re.fullmatch("#[0-9a-fA-F]{6}", self.colour) is not None,
            # it becomes part of the names of files
            "feature": re.fullmatch(r"[^/\\:*?\"<>|\x00-\x1f]+", self.feature) is not None,
        }
        for name, fits in sound.items():
            if not fits:
                raise ModelProblem("model card", f"{name} = {getattr(self, name)!r} is not possible")

    def fits(self, voxel_size_zyx: Sequence[float]) -> bool:
        """Whether data of this voxel size (Å) are taken as they are: it is the card's within 5 % along every axis."""
        return self.voxel_size is None or all(abs(a / self.voxel_size - 1) < SAME_SIZE for a in voxel_size_zyx)

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON-able values."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        values |= {"parameters": dict(self.parameters), "training": dict(self.training)}
        return values | {"normalisation": self.normalisation.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelCard:
        """Read `to_dict`'s values.

        Raises
        ------
        ModelProblem
            A value is missing, unknown or of the wrong kind.
        """
        known = {item.name for item in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ModelProblem("model card", f"{', '.join(unknown)} not known to this version", "update ais-app")
        if missing := {"architecture", "depth", "normalisation"} - set(values):
            raise ModelProblem("model card", f"{', '.join(sorted(missing))} missing")
        example = cls(architecture="").to_dict() | {"voxel_size": 1.0, "threshold": 0.5}
        for name, value in values.items():
            if not _same_kind(example[name], value) and not (name == "voxel_size" and value is None):
                raise ModelProblem("model card", f"{name} = {value!r} is of the wrong kind")
        return cls(**{**values, "normalisation": Normalisation.from_dict(values["normalisation"])})


@dataclass(frozen=True)
class Model:
    """A network and its card.

    Parameters
    ----------
    network
        ``network(x)`` maps ``(n, depth, h, w)`` normalised float32 to probability ``(n, 1, h, w)``, that of volumes
        ``(n, d, h, w)`` to ``(n, d, h, w)``;
        ``network.logits(x)`` stops before the sigmoid.
    card
        Everything else.
    source
        Python source of an architecture that is not part of the program, else empty.
    """

    network: Network
    card: ModelCard
    source: str = ""

    @property
    def architecture(self) -> Architecture:
        """The architecture's record, with the stride and the receptive field of this network."""
        return _record(self.card, self.source)


def architectures() -> dict[str, Architecture]:
    """Return every known architecture by its name."""
    return plugins("ais_app.models", "ARCHITECTURE")


def architecture(name: str) -> Architecture:
    """Return an architecture by its name.

    Raises
    ------
    ModelProblem
        There is none of this name; the message lists those there are.
    """
    known = architectures()
    if name not in known:
        raise ModelProblem("architecture", f"{name!r} is not known", f"known: {', '.join(known)}")
    return known[name]


def _of_slices(name: str) -> bool:
    """Return whether an architecture is known to be one of slices, of which one must be in the middle."""
    known = architectures().get(name)
    return known is not None and known.dimension == 2


def new_model(card: ModelCard, *, source: str = "") -> Model:
    """Return a model with initial weights, drawn from torch's global random numbers.

    Raises
    ------
    ModelProblem
        The architecture is unknown or does not take the card's parameters.
    """
    from ais_app.core.model.cubes import CubeNetwork
    from ais_app.core.model.network import Network

    record = _record(card, source)
    if record.dimension == 2 and card.depth % 2 == 0:
        raise ModelProblem(card.architecture, f"{card.depth} slices have no middle", "choose an odd depth")
    with _taking(card, record):
        body = record.build(card.depth, **card.parameters)
    if record.task != "segment":
        return Model(CubeNetwork(body, card.depth, record.task), card, source)
    return Model(Network(body, card.depth, record.stride, record.dimension), card, source)


def save_model(model: Model, path: str | Path, *, preview: np.ndarray | None = None) -> Path:
    """Write a model package; equal models give equal bytes.

    Parameters
    ----------
    model
        Weights are written as float32 in the network's own names.
    path
        ``NAME.aismodel``.
    preview
        (h, w, 3) uint8: what the network does, at a glance.

    Raises
    ------
    FileProblem
        The file cannot be written.
    """
    import safetensors.torch

    weights = {name: value.detach().cpu().contiguous() for name, value in model.network.body.state_dict().items()}
    members: dict[str, Any] = {CARD: model.card.to_dict(), WEIGHTS: safetensors.torch.save(weights)}
    if preview is not None:
        members[PREVIEW] = _png(preview)
    # a plug-in of the person goes along, so that the network can be used elsewhere
    if source := model.source or own_source(model.card.architecture):
        members[SOURCE] = source.encode()
    return write_members(path, members)


def load_model(path: str | Path, *, trust_source: bool = False) -> Model:
    """Read a model package.

    Parameters
    ----------
    path
        ``NAME.aismodel``.
    trust_source
        Run the source of an architecture that is packed with the model. Only for packages whose maker you trust:
        it is a program and can do anything you can do.

    Returns
    -------
    Model
        On the CPU, float32, in evaluation mode.

    Raises
    ------
    FileProblem
        The file is missing or cannot be read.
    ModelProblem
        It is damaged, of a newer format, of an unknown architecture, or its weights do not fit.
    """
    import safetensors
    import safetensors.torch

    members = read_members(path, (CARD, WEIGHTS, SOURCE))
    card = _card(path, members[CARD])
    source = source_to_run(path, card.architecture, members.get(SOURCE), trust_source)
    model = new_model(card, source=source)
    try:
        weights = safetensors.torch.load(members[WEIGHTS])
        model.network.body.load_state_dict(weights)
    except (safetensors.SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelProblem(path, f"the weights do not fit {card.architecture} ({reason})", "copy it again") from error
    model.network.eval()
    return model


def load_card(path: str | Path) -> ModelCard:
    """Read the card of a model package without its weights; raises as `load_model`."""
    return _card(path, read_members(path, (CARD,))[CARD])


def load_source(path: str | Path) -> str:
    """Return the Python program that a package brings, without running it; empty if it brings none."""
    return read_members(path, (CARD, SOURCE)).get(SOURCE, b"").decode("utf-8", errors="replace")


def load_preview(path: str | Path) -> bytes | None:
    """Return the PNG of a model package, or ``None`` if it has none."""
    return read_members(path, (CARD, PREVIEW)).get(PREVIEW)


def _record(card: ModelCard, source: str) -> Architecture:
    """Return the record of a card's architecture, as it is for the card's parameters."""
    record = run_architecture(source, card.architecture) if source else architecture(card.architecture)
    if record.geometry is None:
        return record
    with _taking(card, record):
        stride, receptive_field = record.geometry(**card.parameters)
    if (stride, receptive_field) == (record.stride, record.receptive_field):
        return record
    return dataclasses.replace(record, stride=stride, receptive_field=receptive_field)


@contextmanager
def _taking(card: ModelCard, record: Architecture) -> Iterator[None]:
    """Say what is wrong with parameters that an architecture does not take."""
    try:
        yield
    except TypeError as error:
        names, known = ", ".join(card.parameters), ", ".join(record.parameters) or "none"
        raise ModelProblem(card.architecture, f"does not take these parameters ({names})", f"known: {known}") from error
    except ValueError as error:
        raise ModelProblem(card.architecture, f"cannot be built: {error}") from error


def _card(path: str | Path, content: bytes) -> ModelCard:
    try:
        return ModelCard.from_dict(read_model_json(path, content))
    except ModelProblem as error:
        raise ModelProblem(path, error.problem, error.remedy) from error


def _same_kind(example: Any, value: Any) -> bool:
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(example, bool)
    if isinstance(example, float):
        return isinstance(value, (int, float)) and np.isfinite(value)
    return isinstance(value, type(example))


def _png(picture: np.ndarray) -> bytes:
    from matplotlib.image import imsave

    stream = io.BytesIO()
    imsave(stream, np.asarray(picture, dtype=np.uint8), format="png")
    return stream.getvalue()
