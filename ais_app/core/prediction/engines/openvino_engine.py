"""OpenVINO on CPUs: takes the network through ONNX and chooses its precision by the machine."""

from __future__ import annotations

import importlib.util
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ModelProblem
from ais_app.core.model.onnx_file import to_onnx, window

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
        chosen = self._request((1, *window(network, 8, 8))).get_compiled_model()
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
            try:
                network = self._core.read_model(self._onnx)
                network.reshape(list(shape))
                compiled = self._core.compile_model(network, "CPU", self._options)
            except RuntimeError as error:
                raise ModelProblem("OpenVINO", f"cannot compile the network ({_line(error)})") from error
            self._compiled[shape] = compiled.create_infer_request()
        return self._compiled[shape]


def _exported(network: Network) -> bytes:
    """Return the network as ONNX."""
    try:
        content: bytes = to_onnx(network).SerializeToString()
    except ModelProblem as error:
        raise ModelProblem("OpenVINO", error.problem, "choose the engine torch") from error
    return content


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
