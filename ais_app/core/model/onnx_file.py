"""A network as ONNX, the format that other programs and engines read."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ais_app.core.errors import ModelProblem
from ais_app.core.model.tracing import TRACING

if TYPE_CHECKING:
    from ais_app.core.model.network import Network

INPUT, OUTPUT = "slab", "probability"


def to_onnx(network: Network, *, free_batch: bool = False) -> Any:
    """Return the network, sigmoid included, as an ``onnx.ModelProto`` with free height and width.

    In three dimensions the depth is free too. Weights keep the names of the network's ``state_dict``.

    Parameters
    ----------
    network
        Exported as it is now, in evaluation mode.
    free_batch
        Leave the number of slabs free as well.

    Raises
    ------
    ModelProblem
        It cannot be exported.
    """
    import torch

    fixed, free = torch.export.Dim.STATIC, torch.export.Dim.DYNAMIC
    slab = torch.zeros(2 if free_batch else 1, *window(network, 8, 12))
    depth, batch = (free if wanted else fixed for wanted in (network.dimension == 3, free_batch))
    with TRACING, _quiet():
        try:
            program = torch.onnx.export(
                _with_biases(copy.deepcopy(network).cpu().eval()),
                (slab,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamo=True,
                dynamic_shapes=({0: batch, 1: depth, 2: free, 3: free},),
                optimize=False,
                verbose=False,
            )
        except Exception as error:
            # tracing runs arbitrary networks and may raise anything; it is named
            reason = " ".join(str(error).split())[:160]
            raise ModelProblem("ONNX", f"the network cannot be exported ({reason})", "keep it as it is") from error
    assert program is not None  # it is with dynamo=True
    return program.model_proto


def _with_biases(network: Network) -> Network:
    """Give convolutions without a bias one of zeros: the exporter makes wrong ones for those of volumes."""
    import torch
    from torch import nn

    for module in network.modules():
        if isinstance(module, nn.modules.conv._ConvNd) and module.bias is None:
            module.bias = nn.Parameter(torch.zeros(module.out_channels))
    return network


def window(network: Network, tall: int, wide: int) -> tuple[int, int, int]:
    """Return slices, height and width of a window of so many strides; windows of volumes are four deep."""
    stride = network.stride
    return (4 * stride if network.dimension == 3 else network.depth, tall * stride, wide * stride)


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
