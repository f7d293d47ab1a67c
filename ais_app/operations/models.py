"""What networks there are, what a model package holds, and whether it works."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ais_app.core import provenance
from ais_app.core.errors import ModelProblem
from ais_app.core.model.package import ModelCard, architecture, architectures, load_card, load_model, new_model


@dataclasses.dataclass(frozen=True)
class ArchitectureInfo:
    """An architecture with its cost.

    Parameters
    ----------
    name, title
        For commands and for people.
    parameters
        Numbers in the network, running means and variances of batch normalisation included.
    operations_per_pixel
        Multiply-adds for one output pixel.
    stride
        Sizes of boxes and slices are multiples of it; segmentation pads.
    receptive_field
        Pixels across that influence one output pixel.
    options
        Keyword parameters of the architecture with their defaults.
    source
        Paper it follows.
    """

    name: str
    title: str
    parameters: int
    operations_per_pixel: int
    stride: int
    receptive_field: int
    options: dict[str, Any]
    source: str


def list_architectures(depth: int = 1) -> list[ArchitectureInfo]:
    """Return every architecture with its size and cost for slabs of `depth` slices."""
    return [_info(name, depth) for name in architectures()]


def describe_model(path: str | Path) -> dict[str, Any]:
    """Return what a model package says about itself, JSON-able, without reading its weights.

    Raises
    ------
    FileProblem, ModelProblem
        It cannot be read, see `load_model`.
    """
    card = load_card(path)
    known = architectures().get(card.architecture)
    title = known.title if known is not None else f"{card.architecture} (its own, comes with the package)"
    return {"path": str(path), "fingerprint": provenance.fingerprint(path), "title": title, **card.to_dict()}


def check_model(path: str | Path, *, trust_source: bool = False) -> list[str]:
    """Load a model package and run it once; return what was checked, in words.

    Raises
    ------
    FileProblem
        It cannot be read.
    ModelProblem
        It is damaged, its weights do not fit or are not finite, or the network does not give probabilities.
    """
    import torch

    model = load_model(path, trust_source=trust_source)
    card, network = model.card, model.network
    weights = network.state_dict()
    for name, value in weights.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ModelProblem(path, f"{name} holds values that are not finite", "train it again")
    size = model.architecture.stride * max(1, 64 // model.architecture.stride)
    noise = torch.randn(1, card.depth, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        probability = network(noise)
    if probability.shape != (1, 1, size, size):
        raise ModelProblem(path, f"gives {tuple(probability.shape)} for {tuple(noise.shape)}", "mend its architecture")
    low, high = float(probability.min()), float(probability.max())
    if not (0 <= low <= high <= 1):
        raise ModelProblem(path, f"gives values from {low:g} to {high:g}, which are no probabilities")
    return [
        f"{_numbers(weights.values()):,} numbers fit {card.architecture} and are finite",
        f"noise of {size} x {size} pixels gives probabilities from {low:.3f} to {high:.3f}",
    ]


def _info(name: str, depth: int) -> ArchitectureInfo:
    record = architecture(name)
    body = new_model(ModelCard(name, depth=depth)).network.body
    return ArchitectureInfo(
        record.name,
        record.title,
        _numbers(body.state_dict().values()),
        _cost(body, depth, 4 * record.stride),
        record.stride,
        record.receptive_field,
        dict(record.parameters),
        record.source,
    )


def _numbers(tensors: Sequence[Any] | Any) -> int:
    """Count floating-point numbers; the counter of batches that batch normalisation keeps is an integer."""
    return sum(value.numel() for value in tensors if value.is_floating_point())


def _cost(body: Any, depth: int, size: int) -> int:
    """Count multiply-adds of convolutions and matrix products per output pixel, by running the network once."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        body.eval()(torch.zeros(1, depth, size, size))
    return round(counter.get_total_flops() / 2 / size**2)
