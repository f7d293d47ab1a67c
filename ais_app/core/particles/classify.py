"""Classes, features and codes of subtomograms, from networks of cubes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ModelProblem

if TYPE_CHECKING:
    import torch

    from ais_app.core.model.cubes import CubeNetwork
    from ais_app.core.model.package import Model

BATCH = 16


def classify(model: Model, cubes: np.ndarray, *, batch: int = BATCH, device: str = "cpu") -> np.ndarray:
    """Return how probable each class is for each cube.

    Parameters
    ----------
    model
        Of a network that classifies; `class_names` says what the columns are.
    cubes
        (n, d, h, w), any kind of numbers, z y x; each is standardised.
    batch
        Cubes at a time.
    device
        Of torch: ``"cpu"``, ``"cuda"``.

    Returns
    -------
    ndarray
        (n, classes) float32; rows add up to 1.

    Raises
    ------
    ModelProblem
        The model is not one of cubes, or does not take cubes of this size.
    """
    import torch

    return _run(model, cubes, lambda network, x: torch.softmax(network.logits(x).float(), dim=1), batch, device)


def features(model: Model, cubes: np.ndarray, *, batch: int = BATCH, device: str = "cpu") -> np.ndarray:
    """Return what the network sees in each cube before it decides, (n, f) float32; parameters as of `classify`.

    Cubes of classes that the network has never seen come together there too (Xu et al., 2017, Bioinformatics 33, i13,
    section 2.3). Of an encoder, the code.
    """
    return _run(model, cubes, lambda network, x: network.features(x), batch, device)


def logits(model: Model, cubes: np.ndarray, *, batch: int = BATCH, device: str = "cpu") -> np.ndarray:
    """Return the logits of the classes, (n, classes) float32: the paper's features; parameters as of `classify`."""
    return _run(model, cubes, lambda network, x: network.logits(x), batch, device)


def encode(model: Model, cubes: np.ndarray, *, batch: int = BATCH, device: str = "cpu") -> np.ndarray:
    """Return the codes of cubes, (n, code) float32; parameters as of `classify`."""
    return _run(model, cubes, lambda network, x: network.encode(x), batch, device)


def decode(model: Model, codes: np.ndarray, *, batch: int = BATCH, device: str = "cpu") -> np.ndarray:
    """Return the cubes that codes (n, code) stand for, (n, size, size, size) float32, standardised.

    Also of codes that no cube has, such as the centres of clusters.
    """
    return _batches(_cube_network(model), np.asarray(codes, np.float32), lambda n, x: n.decode(x), batch, device)


def class_names(model: Model) -> list[str]:
    """Return the names of a model's classes, in the order of the columns of `classify`."""
    named = model.card.training.get("data", {}).get("classes", [])
    count = _cube_network(model).classes
    return [str(named[i]) if i < len(named) else f"class {i}" for i in range(count)]


def _run(
    model: Model, cubes: np.ndarray, work: Callable[[CubeNetwork, torch.Tensor], torch.Tensor], batch: int, device: str
) -> np.ndarray:
    from ais_app.core.model.cubes import standardised

    return _batches(_cube_network(model), standardised(cubes), work, batch, device)


def _cube_network(model: Model) -> CubeNetwork:
    from ais_app.core.model.cubes import CubeNetwork

    if not isinstance(model.network, CubeNetwork):
        problem = f"segments tomograms ({model.card.architecture})"
        raise ModelProblem(model.card.feature, problem, "choose a network that classifies or encodes cubes")
    return model.network


def _batches(
    network: CubeNetwork,
    values: np.ndarray,
    work: Callable[[CubeNetwork, torch.Tensor], torch.Tensor],
    batch: int,
    device: str,
) -> np.ndarray:
    import torch

    network = network.to(device).eval()
    parts = []
    with torch.inference_mode():
        for low in range(0, max(1, len(values)), batch):
            x = torch.from_numpy(values[low : low + batch]).to(device)
            parts.append(work(network, x).float().cpu().numpy())
    return np.concatenate(parts)
