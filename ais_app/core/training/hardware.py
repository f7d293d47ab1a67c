"""Where and in what precision a training computes."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import nn

from ais_app.core.errors import ParameterProblem
from ais_app.core.training.parameters import TrainParams

# glibc's mallopt: parameter numbers from malloc.h, and what glibc itself arrives at once large blocks were freed
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_USUAL = {_MMAP_MAX: 65536, _MMAP_THRESHOLD: 32 * 2**20, _TRIM_THRESHOLD: 64 * 2**20}


@dataclass(frozen=True)
class Hardware:
    """The device and whether it computes in bfloat16."""

    device: torch.device
    bf16: bool

    @property
    def words(self) -> dict[str, str | int]:
        """What was chosen, for the model's record."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return {"device": name, "precision": "bf16" if self.bf16 else "fp32", "threads": torch.get_num_threads()}


def hardware(params: TrainParams) -> Hardware:
    """Choose the device and the precision.

    Raises
    ------
    ParameterProblem
        The device that was asked for is not there, or does not compute in bf16.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    kind = params.device if params.device != "auto" else next(name for name, found in there.items() if found)
    if not there[kind]:
        raise ParameterProblem("device", f"{kind} is not available on this machine", "choose auto")
    bf16 = _has_bf16(kind)
    if params.precision == "bf16" and not bf16:
        raise ParameterProblem("precision", f"{kind} does not compute in bf16 on this machine", "choose auto")
    return Hardware(torch.device(kind), bf16 and params.precision != "fp32")


def sound(machine: Hardware, network: nn.Module, box: torch.Tensor) -> Hardware:
    """Return the machine, without bf16 where a network of volumes would not be trained right in it.

    On CPUs, oneDNN's bf16 gradient of a convolution's weights reads memory that nobody wrote where the volume has fewer
    slices than the kernel and more than half of it (seen with torch 2.13: kernels of 3 on 2 slices, of 5 on 3 and 4).
    Such gradients differ from run to run, or are no numbers.

    Parameters
    ----------
    machine
        What was chosen.
    network
        It is run once, as it is after training.
    box
        (1, depth, h, w) on its device, as it goes in in training.
    """
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv3d)]
    if not (convolutions and machine.bf16 and machine.device.type == "cpu"):
        return machine
    wrong = []

    def look(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        assert isinstance(layer, nn.Conv3d)
        slices, kernel = inputs[0].shape[2], layer.kernel_size[0]
        wrong.append(kernel // 2 < slices < kernel)

    hooks = [layer.register_forward_pre_hook(look) for layer in convolutions]
    training = network.training
    with torch.inference_mode():
        network.eval()(box)
    network.train(training)
    for hook in hooks:
        hook.remove()
    return replace(machine, bf16=False) if any(wrong) else machine


def _has_bf16(kind: str) -> bool:
    if kind == "cpu":
        # without such units bf16 is emulated, and slower than float32
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return kind == "cuda" and torch.cuda.is_bf16_supported()


@contextmanager
def reproducible(seed: int, step: int) -> Iterator[None]:
    """Draw what layers draw at random (dropout) from this seed and step; leave the caller's random numbers alone."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed((seed * 1_000_003 + step) % 2**63)
        yield


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Choose CUDA kernels that always add in the same order; CPU kernels do so for a given number of threads."""
    if device.type != "cuda":
        yield
        return
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep freed memory for the next step instead of giving it back to the system, on Linux with glibc.

    A step allocates the same tensors as the one before. By default each is mapped, cleared page by page and unmapped
    again, which costs a tenth of a step and more. Afterwards the memory is given back.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or not hasattr(library, "mallopt"):
        yield
        return
    library.mallopt(_MMAP_MAX, 0)
    library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        for parameter, value in _USUAL.items():
            library.mallopt(parameter, value)
        library.malloc_trim(0)
