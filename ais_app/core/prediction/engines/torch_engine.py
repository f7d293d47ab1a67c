"""torch on CUDA, on Apple GPUs (MPS), and on CPUs."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from ais_app.core.model.network import Network


def accelerator() -> torch.device | None:
    """Return the GPU to use, if there is one."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return None


class TorchEngine:
    """A network computed by torch.

    Parameters
    ----------
    network
        Copied, unless `shared`.
    precision
        ``"auto"``: bfloat16 where the device computes it in hardware (float16 on older and Apple GPUs), else
        float32. ``"float32"``: exact, also without TF32.
    shared
        Compute with the network itself, where it is: for previews during training.
    """

    def __init__(self, network: Network, precision: str = "auto", *, shared: bool = False) -> None:
        if shared:
            self._device = next(network.parameters()).device
            self._network = network
        else:
            self._device = accelerator() or torch.device("cpu")
            self._network = copy.deepcopy(network).eval().to(self._device).channels_last()
        self._type = torch.float32 if precision == "float32" else _fast_type(self._device)
        self.name = f"torch {torch.__version__.split('+')[0]} on {_device_name(self._device)}, {_words(self._type)}"
        self.batch = 1 if self._device.type == "cpu" else 4
        self.bytes_per_value = 4 if self._type == torch.float32 else 2
        self.budget = _budget(self._device) // self.batch

    def infer(self, x: np.ndarray) -> np.ndarray:
        """Map normalised ``(n, depth, h, w)`` float32 to probability, ``(n, h, w)`` or ``(n, depth, h, w)`` float32."""
        was_training = self._network.training
        self._network.eval()
        volume = self._network.dimension == 3
        layout = torch.contiguous_format if volume else torch.channels_last  # slices of a volume are no channels
        try:
            with torch.inference_mode(), self._exactness(), self._autocast():
                slabs = torch.from_numpy(x).to(self._device, memory_format=layout)
                probability = self._network(slabs).float().cpu().numpy()
                answer: np.ndarray = probability if volume else probability[:, 0]
                return answer
        finally:
            self._network.train(was_training)

    def _autocast(self) -> AbstractContextManager[object]:
        if self._type == torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, dtype=self._type)

    def _exactness(self) -> AbstractContextManager[object]:
        if self._device.type == "cuda" and self._type == torch.float32:
            return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        return nullcontext()


def _fast_type(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "mps":
        return torch.float16
    # without hardware for it, bfloat16 is slower than float32
    return torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32


def _words(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()


def _budget(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * 0.5)
    return 2**30 if device.type == "mps" else 600 * 2**20
