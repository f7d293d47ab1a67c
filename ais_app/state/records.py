"""What a project lists: tomograms, features, models, picks, runs, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX, mean_size


@dataclass(frozen=True)
class TomogramEntry:
    """A tomogram of a project.

    Parameters
    ----------
    id
        Number in the project; stays the same for ever.
    name
        File name without folder and volume suffixes (the stem), unique in the project.
    path
        Where it was last seen; `Project.find` looks where it is now.
    fingerprint
        Of its content, as `ais_app.core.provenance.fingerprint` gives it.
    shape
        (z, y, x) voxels.
    voxel_size_zyx
        Å; ``None`` when not known.
    origin_zyx, nstart_zyx
        As in `Tomogram`.
    bytes
        Size of the file; 0 for a folder.
    relative_path
        From the project's folder, with forward slashes.
    """

    id: int
    name: str
    path: Path
    fingerprint: str
    shape: tuple[int, int, int]
    voxel_size_zyx: ZYX | None
    origin_zyx: ZYX
    nstart_zyx: tuple[int, int, int]
    bytes: int
    relative_path: str

    @property
    def voxel_size(self) -> float | None:
        """Å; the geometric mean of the three axes, ``None`` when not known."""
        return None if self.voxel_size_zyx is None else mean_size(self.voxel_size_zyx)

    def require_voxel_size_zyx(self) -> ZYX:
        """Return the voxel size in Å along z, y, x, or raise `ParameterProblem` where it is not known."""
        if self.voxel_size_zyx is None:
            remedy = "choose Tomogram > Set voxel size… (in a terminal: ais-app project add … --voxel-size ANGSTROM)"
            raise ParameterProblem(self.name, "its voxel size is not known", remedy)
        return self.voxel_size_zyx


@dataclass(frozen=True)
class Feature:
    """Something to annotate: membrane, ribosome.

    Parameters
    ----------
    id
        Number in the project; stays the same when the feature is renamed.
    name
        Unique in the project.
    colour
        ``#rrggbb``.
    box_size
        Voxels along an edge of its boxes.
    brush_radius
        Å, of the brush it is painted with.
    opacity
        Of its labels and predictions, 0 to 1.
    outline
        Labels are shown as an outline instead of filled.
    visible
        It is shown.
    locked
        Its labels and boxes cannot be changed.
    order
        Its place in the list, from 0.
    """

    id: int
    name: str
    colour: str
    box_size: int
    brush_radius: float = 100.0
    opacity: float = 0.5
    outline: bool = False
    visible: bool = True
    locked: bool = False
    order: int = 0


@dataclass(frozen=True)
class ModelEntry:
    """A network that a project uses: a file beside it, with the fingerprint of its content."""

    id: int
    name: str
    path: Path
    fingerprint: str


@dataclass(frozen=True)
class PickSet:
    """A named set of picks in a tomogram.

    Parameters
    ----------
    id
        Number in the project; stays the same when the set is renamed.
    tomogram
        Id of the tomogram.
    name
        Unique in the tomogram.
    feature
        Id of the feature they are of; ``None`` for none.
    source
        How they were made, JSON-able: method, parameters, files.
    count
        How many there are.
    """

    id: int
    tomogram: int
    name: str
    feature: int | None
    source: Any
    count: int


RUN_STATES = ("training", "finished", "stopped", "failed", "interrupted")


@dataclass(frozen=True)
class Run:
    """A training, with what came of it.

    Parameters
    ----------
    id
        Number in the project.
    name
        What a person calls it.
    state
        One of `RUN_STATES`; ``"interrupted"``: the program ended while it trained, and it can be resumed.
    created
        When, ISO 8601, UTC.
    feature
        Id of the feature; ``None`` for several or none.
    parameters, scores
        JSON-able: what it was started with; its history, one mapping an epoch, and what else was measured.
    model
        The network it made, where that is now or was last seen; ``None`` before there is one.
    model_fingerprint
        Of the content of the network file; empty before there is one.
    checkpoint
        Where the training can be resumed from; ``None`` when nowhere.
    parent
        Id of the run it went on from.
    message
        Why it failed or stopped, in words.
    """

    id: int
    name: str
    state: str
    created: str
    feature: int | None = None
    parameters: Any = None
    scores: Any = field(default_factory=dict)
    model: Path | None = None
    model_fingerprint: str = ""
    checkpoint: Path | None = None
    parent: int | None = None
    message: str = ""


def named(names: Iterable[str], most: int = 10) -> str:
    """Return names with commas, for an error message: the first ones of many."""
    names = iter(names)
    text = ", ".join(islice(names, most))
    more = sum(1 for _ in names)
    return f"{text} and {more} more" if more else text
