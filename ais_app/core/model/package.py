"""Models: a network with its card, and the package they are kept in (.aismodel, see docs/formats/aismodel.md).

Reading a package never runs code: weights are plain numbers (safetensors), everything else is JSON and PNG. Only an
architecture that came with its own source needs `trust_source`, which a person must give.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ModelProblem
from ais_app.core.model.architectures import architecture
from ais_app.core.model.card import ModelCard
from ais_app.core.model.file import CARD, PREVIEW, SOURCE, WEIGHTS, read_members, read_model_json, write_members
from ais_app.core.model.source import own_source, run_architecture, source_to_run

if TYPE_CHECKING:
    from ais_app.core.model.network import Network
    from ais_app.models import Architecture


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


def _png(picture: np.ndarray) -> bytes:
    from matplotlib.image import imsave

    stream = io.BytesIO()
    imsave(stream, np.asarray(picture, dtype=np.uint8), format="png")
    return stream.getvalue()
