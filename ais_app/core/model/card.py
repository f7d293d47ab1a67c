"""The card of a model: everything about it but its weights, as values that JSON can hold."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ais_app.core.errors import ModelProblem
from ais_app.core.model.architectures import architectures
from ais_app.core.prediction.normalise import Normalisation

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


def _of_slices(name: str) -> bool:
    """Return whether an architecture is known to be one of slices, of which one must be in the middle."""
    known = architectures().get(name)
    return known is not None and known.dimension == 2


def _same_kind(example: Any, value: Any) -> bool:
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(example, bool)
    if isinstance(example, float):
        return isinstance(value, (int, float)) and np.isfinite(value)
    return isinstance(value, type(example))
