"""Layers that compute what those of Keras do, channels first.

A node of a graph says in Keras's words what a layer does (``{"type": "Conv2D", "filters": 64, ...}``). `KINDS` says for
each type what it does along one axis (`along`) and how its module is made (`build`). Numbers are checked here: a graph
may come out of a file of a stranger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ais_app.models import _keras_axis as axis
from ais_app.models._keras_activations import activation
from ais_app.models._keras_axis import Extent, Step
from ais_app.models._keras_modules import (
    PAIRS,
    AveragePooling,
    MaxPooling,
    Merge,
    Padding,
    ProbabilityToLogit,
    Upsampling,
    convolution,
    transposed,
)  # fmt: skip
from torch import nn

Node: TypeAlias = Mapping[str, Any]
Steps: TypeAlias = Sequence[Step]  # along y and x
LARGEST = {"filters": 2**16, "window": 255, "stride": 64, "padding": 4096}


@dataclass(frozen=True)
class Kind:
    """A type of layer.

    Parameters
    ----------
    along
        ``along(node, axis, extents) -> Step``, axis 0 for y and 1 for x.
    build
        ``build(node, channels, steps) -> (module, channels)``, with the channels of the inputs and those of the result.
    inputs
        How many layers it takes its input from; ``None``: two or more.
    """

    along: Callable[[Node, int, Sequence[Extent]], Step]
    build: Callable[[Node, Sequence[int], Steps], tuple[nn.Module, int]]
    inputs: int | None = 1


def number(node: Node, name: str, high: float, low: float = 0) -> float:
    """Return a number of a node.

    Raises
    ------
    ValueError
        It is missing, no number, or out of bounds.
    """
    value = node.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{name} of {node['name']} is {value!r}, not a number from {low:g} to {high:g}")
    return value


def pair(node: Node, name: str, high: int, low: int = 1) -> tuple[int, int]:
    """Return two whole numbers of a node, for y and x; raises as `number`."""
    value = node.get(name)
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError(f"{name} of {node['name']} is {value!r}, not a pair of numbers")
    y, x = (number({"name": node["name"], name: item}, name, high, low) for item in value)
    if y != int(y) or x != int(x):
        raise ValueError(f"{name} of {node['name']} is {value!r}, not whole numbers")
    return int(y), int(x)


def _flag(node: Node, name: str) -> bool:
    if not isinstance(node.get(name), bool):
        raise ValueError(f"{name} of {node['name']} is {node.get(name)!r}, not true or false")
    return bool(node[name])


def _same(node: Node) -> bool:
    if node.get("padding") not in ("same", "valid"):
        raise ValueError(f"padding of {node['name']} is {node.get('padding')!r}, not 'same' or 'valid'")
    return bool(node["padding"] == "same")


def _strides(node: Node) -> tuple[int, int]:
    return pair(node, "strides", LARGEST["stride"])


def _reach(node: Node) -> tuple[int, int]:
    """Return from the first to the last pixel of a kernel, the gaps of a dilation included."""
    sizes, gaps = (pair(node, name, LARGEST["window"]) for name in ("kernel_size", "dilation_rate"))
    y, x = ((size - 1) * gap + 1 for size, gap in zip(sizes, gaps, strict=True))
    return y, x


def _along_convolution(node: Node, which: int, extents: Sequence[Extent]) -> Step:
    return axis.window(extents[0], _reach(node)[which], _strides(node)[which], _same(node))


def _along_transposed(node: Node, which: int, extents: Sequence[Extent]) -> Step:
    extra = None if node.get("output_padding") is None else pair(node, "output_padding", LARGEST["stride"], 0)[which]
    step = axis.spread(extents[0], _reach(node)[which], _strides(node)[which], _same(node), extra)
    if step.after >= max(_strides(node)[which], pair(node, "dilation_rate", LARGEST["window"])[which]):
        raise ValueError(f"output_padding of {node['name']} is not smaller than its strides")
    return step


def _along_pooling(node: Node, which: int, extents: Sequence[Extent]) -> Step:
    return axis.window(
        extents[0], pair(node, "pool_size", LARGEST["window"])[which], _strides(node)[which], _same(node)
    )


def _along_upsampling(node: Node, which: int, extents: Sequence[Extent]) -> Step:
    linear = _interpolation(node) == "bilinear"
    return axis.repeat(extents[0], pair(node, "size", LARGEST["stride"])[which], linear)


def _along_padding(node: Node, which: int, extents: Sequence[Extent]) -> Step:
    sign = -1 if node["type"] == "Cropping2D" else 1
    before, after = pair(node, ("rows", "columns")[which], LARGEST["padding"], 0)
    return axis.shift(extents[0], sign * before, sign * after)


def _along_pixels(node: Node, which: int, extents: Sequence[Extent]) -> Step:
    if len(set(extents)) > 1:
        raise ValueError(f"the inputs of {node['name']} ({node['type']}) are not of one size")
    return axis.pointwise(extents[0])


def _pads(steps: Steps) -> tuple[int, int, int, int]:
    """Return left, right, top, bottom."""
    y, x = steps
    return x.before, x.after, y.before, y.after


def _options(node: Node) -> dict[str, Any]:
    gaps = pair(node, "dilation_rate", LARGEST["window"])
    return {"bias": _flag(node, "use_bias"), "stride": _strides(node), "dilation": gaps}


def _convolution(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    groups = int(number(node, "groups", LARGEST["filters"], 1))
    depthwise = node["type"] == "DepthwiseConv2D"
    if depthwise:
        groups, filters = channels[0], channels[0] * int(number(node, "depth_multiplier", LARGEST["filters"], 1))
    else:
        filters = int(number(node, "filters", LARGEST["filters"], 1))
    if channels[0] % groups or filters % groups:
        raise ValueError(f"{node['name']} has {groups} groups for {channels[0]} and {filters} channels")
    window = pair(node, "kernel_size", LARGEST["window"])
    made = convolution((channels[0], filters), window, steps, groups=groups, **_options(node))
    return made, filters


def _transposed(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    filters = int(number(node, "filters", LARGEST["filters"], 1))
    window = pair(node, "kernel_size", LARGEST["window"])
    made = transposed((channels[0], filters), window, steps, **_options(node))
    return made, filters


def _pooling(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    kind = MaxPooling if node["type"] == "MaxPooling2D" else AveragePooling
    return kind(pair(node, "pool_size", LARGEST["window"]), _strides(node), _pads(steps)), channels[0]


def _interpolation(node: Node) -> str:
    if node.get("interpolation") not in ("nearest", "bilinear"):
        raise ValueError(f"interpolation of {node['name']} is {node.get('interpolation')!r}, not nearest or bilinear")
    return str(node["interpolation"])


def _upsampling(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    times = tuple(float(step) for step in pair(node, "size", LARGEST["stride"]))
    return Upsampling(scale_factor=times, mode=_interpolation(node)), channels[0]


def _padding(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    return Padding(_pads(steps)), channels[0]


def _merge(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    if node["type"] == "Concatenate":
        return Merge("Concatenate"), sum(channels)
    if len(set(channels) - {1}) > 1:
        raise ValueError(f"the inputs of {node['name']} ({node['type']}) have {list(channels)} channels")
    return Merge(node["type"]), max(channels)


def _normalisation(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    # what Keras keeps of the old mean is what torch takes away from it
    momentum = 1 - number(node, "momentum", 1)
    made = nn.BatchNorm2d(channels[0], eps=number(node, "epsilon", 1), momentum=momentum)
    made.weight.requires_grad_(_flag(node, "scale"))
    made.bias.requires_grad_(_flag(node, "center"))
    return made, channels[0]


def _dropout(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    kind = nn.Dropout2d if node["type"] == "SpatialDropout2D" else nn.Dropout
    return kind(number(node, "rate", 1)), channels[0]


def _function(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    return activation(node), channels[0]


def _slopes(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    return nn.PReLU(channels[0]), channels[0]


def _logit(node: Node, channels: Sequence[int], steps: Steps) -> tuple[nn.Module, int]:
    return ProbabilityToLogit(), channels[0]


_MERGE = Kind(_along_pixels, _merge, inputs=None)
KINDS = {
    "Conv2D": Kind(_along_convolution, _convolution),
    "DepthwiseConv2D": Kind(_along_convolution, _convolution),
    "Conv2DTranspose": Kind(_along_transposed, _transposed),
    "MaxPooling2D": Kind(_along_pooling, _pooling),
    "AveragePooling2D": Kind(_along_pooling, _pooling),
    "UpSampling2D": Kind(_along_upsampling, _upsampling),
    "ZeroPadding2D": Kind(_along_padding, _padding),
    "Cropping2D": Kind(_along_padding, _padding),
    **dict.fromkeys(("Concatenate", *PAIRS), _MERGE),
    "BatchNormalization": Kind(_along_pixels, _normalisation),
    "Dropout": Kind(_along_pixels, _dropout),
    "SpatialDropout2D": Kind(_along_pixels, _dropout),
    "Activation": Kind(_along_pixels, _function),
    "PReLU": Kind(_along_pixels, _slopes),
    "ProbabilityToLogit": Kind(_along_pixels, _logit),
}
