"""What networks there are, what a model package holds, and whether it works."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ais_app.core import provenance
from ais_app.core.errors import ModelProblem
from ais_app.core.model.architectures import architectures
from ais_app.core.model.package import load_card, load_model
from ais_app.core.model.tracing import TRACING
from ais_app.core.registry import BUILT_IN, discover

if TYPE_CHECKING:
    from ais_app.models import Architecture

log = logging.getLogger(__name__)


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
        Multiply-adds for one output pixel; for networks of volumes and cubes for one voxel of the input.
    stride
        Sizes of boxes and slices are multiples of it; segmentation pads.
    receptive_field
        Pixels across that influence one output pixel.
    options
        Keyword parameters of the architecture with their defaults.
    source
        Paper it follows.
    task, dimension
        What it is for, and whether it works on slices (2) or volumes (3).
    origin
        ``"built in"``, ``"package NAME"``, or the path of a file of the models folder.
    """

    name: str
    title: str
    parameters: int
    operations_per_pixel: int
    stride: int
    receptive_field: int
    options: dict[str, Any]
    source: str
    task: str = "segment"
    dimension: int = 2
    origin: str = BUILT_IN


def list_architectures(depth: int = 1) -> list[ArchitectureInfo]:
    """Return every architecture with its size and cost for slabs of `depth` slices.

    Those of the person's models folder and of installed packages are among them. One that cannot be built is left
    out and named in the log; `architecture_problems` gives the reasons. Networks that came from another program with
    all their layers (`Architecture.imported`) are no choice for a new training, and left out.
    """
    found = discover("ais_app.models", "ARCHITECTURE")
    infos = []
    for name, record in found.records.items():
        if record.imported:
            continue
        try:
            infos.append(_info(record, depth, found.origins[name]))
        except ModelProblem as error:
            found.problems[found.origins[name]] = error.problem
            log.warning("architecture %s", error)
    return infos


def architecture_problems() -> dict[str, str]:
    """Return files and packages whose architecture was left out, each with the reason."""
    return dict(discover("ais_app.models", "ARCHITECTURE").problems)


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
    said = _cubes_of_noise(path, network) if network.task != "segment" else _noise(path, network)
    return [f"{_numbers(weights.values()):,} numbers fit {card.architecture} and are finite", said]


def _noise(path: str | Path, network: Any) -> str:
    """Run a network that segments on noise, and say what came out."""
    size, deep = (network.stride * max(1, edge // network.stride) for edge in (64, 16))
    volume = network.dimension == 3
    shape = (1, deep if volume else network.depth, size, size)
    probability = _answer(network, shape)
    if probability.shape != (shape if volume else (1, 1, size, size)):
        raise ModelProblem(path, f"gives {tuple(probability.shape)} for {shape}", "mend its architecture")
    low, high = float(probability.min()), float(probability.max())
    if not (0 <= low <= high <= 1):
        raise ModelProblem(path, f"gives values from {low:g} to {high:g}, which are no probabilities")
    area = f"{size} x {size} pixels" + (f" in {deep} slices" if volume else "")
    return f"noise of {area} gives probabilities from {low:.3f} to {high:.3f}"


def _cubes_of_noise(path: str | Path, network: Any) -> str:
    """Run a network of cubes on noise, and say what came out."""
    edge = network.size or 32
    answer = _answer(network, (2, edge, edge, edge))
    wanted = (2, network.classes) if network.task == "classify" else (2, edge, edge, edge)
    if answer.shape != wanted or not bool(answer.isfinite().all()):
        problem = f"gives {tuple(answer.shape)}, or values that are not finite, for two cubes of {edge} voxels"
        raise ModelProblem(path, problem, "mend its architecture")
    given = f"probabilities of {network.classes} classes" if network.task == "classify" else "cubes of the same size"
    return f"cubes of {edge} voxels of noise give {given}"


def _answer(network: Any, shape: tuple[int, ...]) -> Any:
    import torch

    with torch.inference_mode():
        return network(torch.randn(*shape, generator=torch.Generator().manual_seed(0)))


def _info(record: Architecture, depth: int, origin: str) -> ArchitectureInfo:
    # only slice networks have the depth that was asked for: networks of volumes and of cubes take what comes
    depth = depth if record.dimension == 2 else 1
    with TRACING:
        body = _built(record, depth)
        cost = _cost(body, input_shape(record, depth), record.dimension == 3)
    return ArchitectureInfo(
        record.name,
        record.title,
        _numbers(body.state_dict().values()),
        cost,
        record.stride,
        record.receptive_field,
        dict(record.parameters),
        record.source,
        record.task,
        record.dimension,
        origin,
    )


def _built(record: Architecture, depth: int) -> Any:
    """Build a network without room for its numbers: the largest would take a gigabyte."""
    import torch

    try:
        with torch.device("meta"):
            return record.build(depth, **record.parameters)
    except Exception as error:
        # code of strangers may raise anything; it is named
        raise ModelProblem(record.name, f"does not build ({error})", "mend its file") from error


def input_shape(record: Architecture, depth: int = 1) -> tuple[int, int, int, int]:
    """Return a small shape that a network takes, ``(1, depth, h, w)``; cubes for what classifies or encodes."""
    if record.task != "segment":
        size = int(record.parameters.get("size") or 32)
        return 1, size, size, size
    size = 4 * record.stride
    return 1, depth if record.dimension == 2 else size, size, size


def _numbers(tensors: Sequence[Any] | Any) -> int:
    """Count floating-point numbers; the counter of batches that batch normalisation keeps is an integer."""
    return sum(value.numel() for value in tensors if value.is_floating_point())


def _cost(body: Any, shape: tuple[int, int, int, int], volume: bool) -> int:
    """Count multiply-adds of convolutions and matrix products per pixel, by running the network once on no numbers."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        body.eval()(torch.zeros(shape, device="meta"))
    _, depth, height, width = shape
    return round(counter.get_total_flops() / 2 / (height * width) / (depth if volume else 1))
