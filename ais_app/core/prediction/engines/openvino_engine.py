"""OpenVINO on CPUs: takes the network through ONNX and chooses its precision by the machine."""

from __future__ import annotations

import copy
import importlib.util
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ModelProblem

if TYPE_CHECKING:
    from ais_app.core.model.network import Network

_SHAPES_KEPT = 4  # compiled networks hold their intermediate results


def is_installed() -> bool:
    """Return whether OpenVINO and the ONNX exporter are there; they are not on ARM."""
    return all(importlib.util.find_spec(name) for name in ("openvino", "onnx", "onnxscript"))


class OpenVinoEngine:
    """A network computed by OpenVINO, compiled once for each shape of its windows.

    Parameters
    ----------
    network
        Exported as it is now.
    precision
        ``"auto"``: OpenVINO's choice, bfloat16 where the CPU has it. ``"float32"``: exact.

    Raises
    ------
    ModelProblem
        OpenVINO is not installed, or the network cannot be exported.
    """

    batch = 1  # measured: more at once is not faster on CPUs
    budget = 600 * 2**20

    def __init__(self, network: Network, precision: str = "auto") -> None:
        if not is_installed():
            raise ModelProblem("engine", "OpenVINO is not installed", "choose the engine torch")
        import openvino

        self._core = openvino.Core()
        self._options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if precision == "float32":
            self._options["INFERENCE_PRECISION_HINT"] = "f32"
        self._onnx = _exported(network)
        self._volume = network.dimension == 3
        self._compiled: dict[tuple[int, ...], Any] = {}
        self._lock = threading.Lock()
        chosen = self._request((1, *_size(network, 8, 8))).get_compiled_model()
        kind = chosen.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        kind = {"bf16": "bfloat16", "f16": "float16", "f32": "float32"}.get(kind, kind)
        self._compiled.clear()
        self.bytes_per_value = 4 if kind == "float32" else 2
        version = openvino.get_version().split("-")[0]
        self.name = f"OpenVINO {version} on CPU, {kind}"

    def infer(self, x: np.ndarray) -> np.ndarray:
        """Map normalised ``(n, depth, h, w)`` float32 to probability, ``(n, h, w)`` or ``(n, depth, h, w)`` float32."""
        with self._lock:
            request = self._request(x.shape)
            result = request.infer({0: np.ascontiguousarray(x)}, share_inputs=True)[0]
            return np.array(result if self._volume else result[:, 0], dtype=np.float32)

    def _request(self, shape: tuple[int, ...]) -> Any:
        if shape not in self._compiled:
            if len(self._compiled) == _SHAPES_KEPT:
                del self._compiled[next(iter(self._compiled))]
            network = self._core.read_model(self._onnx)
            network.reshape(list(shape))
            try:
                compiled = self._core.compile_model(network, "CPU", self._options)
            except RuntimeError as error:
                raise ModelProblem("OpenVINO", f"cannot compile the network ({_line(error)})") from error
            self._compiled[shape] = compiled.create_infer_request()
        return self._compiled[shape]


def _size(network: Network, tall: int, wide: int) -> tuple[int, int, int]:
    """Return slices, height and width of a window of so many strides; windows of volumes are four deep."""
    stride = network.stride
    return (4 * stride if network.dimension == 3 else network.depth, tall * stride, wide * stride)


def _exported(network: Network) -> bytes:
    """Return the network as ONNX with free height and width, in three dimensions also with free depth."""
    import torch

    slab = torch.zeros(1, *_size(network, 8, 12))
    fixed, free = torch.export.Dim.STATIC, torch.export.Dim.DYNAMIC
    depth = free if network.dimension == 3 else fixed
    with _quiet():
        try:
            program = torch.onnx.export(
                copy.deepcopy(network).cpu().eval(),
                (slab,),
                dynamo=True,
                dynamic_shapes=({0: fixed, 1: depth, 2: free, 3: free},),
                optimize=False,
                verbose=False,
            )
        except Exception as error:  # noqa: BLE001 - tracing runs arbitrary networks and may raise anything; it is named
            raise ModelProblem("OpenVINO", f"the network cannot be exported ({_line(error)})") from error
    assert program is not None  # it is with dynamo=True
    content: bytes = program.model_proto.SerializeToString()
    return content


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks about its own work, and about libraries it does not need, from the person."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
