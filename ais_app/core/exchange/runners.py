"""Programs other than PyTorch that compute ONNX, to see that a network that is handed on computes the same."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ModelProblem
from ais_app.core.model.onnx_file import window

if TYPE_CHECKING:
    from ais_app.core.model.network import Network

RUNNERS = ("onnxruntime", "openvino")
CHECKS = ("auto", *RUNNERS)
TOLERANCE = 1e-4  # in probability

Compute = Callable[[np.ndarray], np.ndarray]


def difference(network: Network, content: bytes, check_with: str = "auto") -> tuple[str, float]:
    """Compute noise of several sizes with a network and with its ONNX form.

    Parameters
    ----------
    network
        In evaluation mode.
    content
        The ONNX file.
    check_with
        One of `CHECKS`; ``"auto"``: ONNX Runtime where it is installed, otherwise OpenVINO.

    Returns
    -------
    str, float
        The program with its version, and the largest difference in probability.

    Raises
    ------
    ModelProblem
        The program is not installed or cannot compute the network, or the results differ by more than `TOLERANCE`.
    """
    import torch

    name, compute = _runner(content, check_with)
    worst = 0.0
    for seed, (count, tall, wide) in enumerate(((1, 8, 8), (2, 5, 9))):
        shape = (count, *window(network, tall, wide))
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        with torch.inference_mode():
            wanted = network(noise).numpy()
        try:
            given = compute(noise.numpy())
        except Exception as error:
            # ONNX Runtime's exceptions have no common class below Exception
            raise ModelProblem(name, f"cannot compute the network ({_line(error)})", "do not hand it on") from error
        if given.shape != wanted.shape:
            raise ModelProblem(name, f"gives {given.shape} for {shape}, PyTorch {wanted.shape}", "do not hand it on")
        worst = max(worst, float(np.abs(given - wanted).max()))
    if not worst <= TOLERANCE:  # also where it is no number
        raise ModelProblem(name, f"differs from PyTorch by {worst:.2g} in probability", "do not hand it on")
    return name, worst


def _runner(content: bytes, check_with: str) -> tuple[str, Compute]:
    if check_with not in CHECKS:
        raise ModelProblem("check", f"{check_with!r} is not known", f"known: {', '.join(CHECKS)}")
    wanted = RUNNERS if check_with == "auto" else (check_with,)
    installed = [name for name in wanted if importlib.util.find_spec(name) is not None]
    if not installed:
        problem = f"{' and '.join(wanted)} {'is' if len(wanted) == 1 else 'are'} not installed, so nothing can check it"
        raise ModelProblem("check", problem, 'pip install "ais-app[exchange]"')
    return {"onnxruntime": _onnxruntime, "openvino": _openvino}[installed[0]](content)


def _onnxruntime(content: bytes) -> tuple[str, Compute]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # its exceptions have no common class below Exception
        raise ModelProblem("ONNX Runtime", f"cannot read the network ({_line(error)})", "do not hand it on") from error
    name = session.get_inputs()[0].name
    return f"ONNX Runtime {onnxruntime.__version__}", lambda x: session.run(None, {name: x})[0]


def _openvino(content: bytes) -> tuple[str, Compute]:
    import openvino

    core = openvino.Core()
    try:
        compiled: Any = core.compile_model(core.read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    except RuntimeError as error:
        raise ModelProblem("OpenVINO", f"cannot read the network ({_line(error)})", "do not hand it on") from error
    return f"OpenVINO {openvino.get_version().split('-')[0]}", lambda x: np.array(compiled(x)[0])


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
