"""What computes a network: chosen for the machine, checked against torch, named in the provenance.

    engine_for(network) ──► GPU: torch with half precision
                        ──► CPU: OpenVINO, if it is there and agrees with torch on a probe; else torch

An engine is made once for each state of a network's weights.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np

from ais_app.core.errors import ModelProblem

if TYPE_CHECKING:
    from ais_app.core.model.network import Network

log = logging.getLogger(__name__)

ENGINES = ("auto", "openvino", "torch")
PRECISIONS = ("auto", "float32")
TOLERANCE = 0.01  # in probability, on the probe

_Key = tuple[str, str]
_made: WeakKeyDictionary[Any, dict[_Key, tuple[int, Engine]]] = WeakKeyDictionary()
_measured: WeakKeyDictionary[Any, Footprint] = WeakKeyDictionary()


class Engine(Protocol):
    """Computes one network."""

    name: str
    """What provenance calls it: ``"OpenVINO 2026.4 on CPU, bfloat16"``."""
    batch: int
    """How many windows at once are fastest."""
    budget: int
    """Bytes that the network's intermediate results may take."""
    bytes_per_value: int
    """Size of one number of the intermediate results."""

    def infer(self, x: np.ndarray) -> np.ndarray:
        """Map normalised ``(n, depth, h, w)`` float32 to probability, float32.

        ``(n, h, w)`` from networks of slices, ``(n, depth, h, w)`` from networks of volumes.
        """


def engine_for(network: Network, engine: str = "auto", precision: str = "auto") -> Engine:
    """Return the engine for a network; made once for each state of its weights.

    Parameters
    ----------
    network
        ``Model.network``. One in training mode is computed by torch where its weights are.
    engine
        ``"auto"``, ``"openvino"`` or ``"torch"``.
    precision
        ``"auto"``: the fastest the machine has; ``"float32"``: exact.

    Raises
    ------
    ModelProblem
        The engine is unknown, or was asked for by name and cannot compute this network; or the network is one of
        cubes, which no tomogram goes through.
    """
    if network.task != "segment":
        remedy = "choose a network that segments; cubes go through ais_app.core.particles.classify"
        raise ModelProblem("network", f"is there to {network.task} cubes, not to segment a tomogram", remedy)
    for name, known in ((engine, ENGINES), (precision, PRECISIONS)):
        if name not in known:
            raise ModelProblem("engine", f"{name!r} is not known", f"known: {', '.join(known)}")
    if network.training:
        from ais_app.core.prediction.engines.torch_engine import TorchEngine

        return TorchEngine(network, precision, shared=True)
    made = _made.setdefault(network, {})
    state = _state_of_weights(network)
    if (engine, precision) not in made or made[engine, precision][0] != state:
        made[engine, precision] = state, _make(network, engine, precision)
    return made[engine, precision][1]


def _make(network: Network, engine: str, precision: str) -> Engine:
    from ais_app.core.prediction.engines.openvino_engine import OpenVinoEngine, is_installed
    from ais_app.core.prediction.engines.torch_engine import TorchEngine, accelerator

    if engine == "openvino":
        return _agreeing(OpenVinoEngine(network, precision), network, precision)
    if engine == "auto" and accelerator() is None and is_installed():
        try:
            return _agreeing(OpenVinoEngine(network, precision), network, precision)
        except ModelProblem as error:
            log.warning("%s; torch computes it instead", error)
    return TorchEngine(network, precision)


def _agreeing(engine: Engine, network: Network, precision: str) -> Engine:
    """Return the engine if it is as good as torch, else raise `ModelProblem`.

    Both are compared with torch in float32. torch's own rounding to half precision is allowed for: steep networks
    lose up to 0.02 to it in either engine, and changing the engine would not help them.
    """
    from ais_app.core.prediction.engines.torch_engine import TorchEngine

    x = probe(network.depth, network.stride, network.dimension)
    exact = TorchEngine(network, "float32", shared=True).infer(x)
    rounding = float(np.abs(TorchEngine(network, precision).infer(x) - exact).max())
    difference = float(np.abs(engine.infer(x) - exact).max())
    log.info("%s differs from float32 by %.1g on a probe, torch by %.1g", engine.name, difference, rounding)
    if not difference - rounding <= TOLERANCE:  # also when it is not a number
        raise ModelProblem(engine.name, f"differs from torch by {difference:.2g} in probability on a probe")
    return engine


def probe(depth: int, stride: int, dimension: int = 2) -> np.ndarray:
    """Return a slab to try engines on: noise and smooth structure, (1, depth, h, w) float32, mean 0, deviation 1.

    In three dimensions it is a multiple of the stride deep, whatever `depth` says.
    """
    deep, height, width = (-(-size // stride) * stride for size in (16, 64 if dimension == 2 else 32, 96))
    noise = np.random.default_rng(7).normal(size=(depth if dimension == 2 else deep, height, width))
    y, x = np.mgrid[:height, :width]
    slab = noise + 2 * np.sin(y / 5) * np.sin(x / 7)
    return ((slab - slab.mean()) / slab.std()).astype(np.float32)[None]


@dataclass(frozen=True)
class Footprint:
    """Memory of a network.

    Parameters
    ----------
    values_per_pixel
        Numbers of intermediate results that are held at once, for each pixel of a window, in three dimensions for
        each voxel.
    """

    values_per_pixel: float

    def pixels(self, engine: Engine) -> int:
        """Return how many pixels or voxels a window may have in the engine's budget."""
        return int(engine.budget / (self.values_per_pixel * engine.bytes_per_value))


def footprint(network: Network) -> Footprint:
    """Measure a network's footprint on the probe.

    One layer holds its input and its output; half as much again is for skip connections that wait and for the
    engine's own copies (measured with OpenVINO: 365 values per pixel for UNet S, which this puts at 384). It depends on
    the layers alone, so a network is measured once.
    """
    if network not in _measured:
        _measured[network] = _measure(network)
    return _measured[network]


def _measure(network: Network) -> Footprint:
    import torch
    from torch import nn

    held: list[int] = []

    def note(_: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        held.append(inputs[0].numel() + output.numel())

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(note) for module in leaves]
    x = torch.from_numpy(probe(network.depth, network.stride, network.dimension)).to(next(network.parameters()).device)
    was_training = network.training
    network.eval()  # a network in training must not learn from the probe
    try:
        with torch.inference_mode():
            network(x)
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    deep = x.shape[1] if network.dimension == 3 else 1
    return Footprint(1.5 * max(held) / (deep * x.shape[-2] * x.shape[-1]))


def _state_of_weights(network: Network) -> int:
    """Return a number that grows when a weight is changed in place: optimisers and loading do that."""
    return sum(tensor._version for tensor in (*network.parameters(), *network.buffers()))
