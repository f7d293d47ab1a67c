"""From the settings of a Keras layer to nodes of a graph of `ais_app.models.keras_graph`, and to its weights.

The settings are those of the Keras documentation, of versions 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

Config: TypeAlias = Mapping[str, Any]
Node: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Weight:
    """Where a weight of a node comes from.

    Parameters
    ----------
    roles
        What Keras calls it; the first that the file has.
    arrange
        Puts the axes as torch has them.
    """

    roles: tuple[str, ...]
    arrange: Callable[[np.ndarray], np.ndarray] = np.asarray


@dataclass(frozen=True)
class Part:
    """One node, without its name and inputs, and its weights by torch's names."""

    node: Node
    weights: Mapping[str, Weight] = field(default_factory=dict)


_KERNEL = Weight(("kernel",), lambda kernel: kernel.transpose(3, 2, 0, 1))
_BIAS = Weight(("bias",))
_ALIASES = {
    "Convolution2D": "Conv2D", "Convolution2DTranspose": "Conv2DTranspose", "Deconvolution2D": "Conv2DTranspose",
    "MaxPool2D": "MaxPooling2D", "AvgPool2D": "AveragePooling2D", "SeparableConvolution2D": "SeparableConv2D",
    "BatchNormalizationV1": "BatchNormalization", "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
}  # fmt: skip
# they do nothing to a prediction; noise while training is not carried over
_WITHOUT_EFFECT = ("ActivityRegularization", "GaussianNoise", "GaussianDropout")
_FUNCTIONS = {
    "swish": "silu", "hard_swish": "hard_silu",
    **{name: name for name in ("relu", "relu6", "sigmoid", "tanh", "softplus", "softsign", "selu", "gelu", "silu",
                               "mish", "exponential", "log_sigmoid", "hard_silu", "hard_tanh", "softmax")},
}  # fmt: skip


def parts_of(kind: str, config: Config, version: int) -> list[Part]:
    """Return what a layer becomes, in a row; nothing for one without effect on a prediction.

    Parameters
    ----------
    kind
        Keras's name of the type, such as ``"Conv2D"``.
    config
        Its settings.
    version
        First number of Keras's version.

    Raises
    ------
    ValueError
        The type is not known, or a setting of it has no counterpart.
    """
    kind = _ALIASES.get(kind, kind)
    if kind in _WITHOUT_EFFECT:
        return []
    if kind not in _LAYERS:
        why = "holds program code, which is not run" if kind == "Lambda" else "is not known"
        raise ValueError(f"{why}; known are {', '.join(sorted(_LAYERS))}")
    if config.get("data_format") == "channels_first":
        raise ValueError("has its channels first, which is not known")
    return _LAYERS[kind](kind, config, version)


def _convolution(kind: str, config: Config, version: int) -> list[Part]:
    node = {**_kernel(kind, config), "filters": config.get("filters"), "groups": config.get("groups", 1)}
    return [Part(node, _biased(config, _KERNEL)), *_activated(config, version)]


def _transposed(kind: str, config: Config, version: int) -> list[Part]:
    if config.get("groups", 1) != 1:
        raise ValueError(f"has {config['groups']} groups, which is not known of this type")
    node = {**_kernel(kind, config), "filters": config.get("filters")}
    if config.get("output_padding") is not None:
        node["output_padding"] = _pair(config["output_padding"])
    return [Part(node, _biased(config, _KERNEL)), *_activated(config, version)]


def _depthwise_part(config: Config, biased: bool) -> Part:
    node = {**_kernel("DepthwiseConv2D", config), "groups": 1, "depth_multiplier": config.get("depth_multiplier", 1)}

    def arrange(kernel: np.ndarray) -> np.ndarray:
        height, width, channels, times = kernel.shape
        return kernel.transpose(2, 3, 0, 1).reshape(channels * times, 1, height, width)

    kernel = Weight(("depthwise_kernel", "kernel"), arrange)
    if not biased:
        return Part({**node, "use_bias": False}, {"weight": kernel})
    return Part(node, _biased(config, kernel))


def _depthwise(kind: str, config: Config, version: int) -> list[Part]:
    return [_depthwise_part(config, biased=True), *_activated(config, version)]


def _separable(kind: str, config: Config, version: int) -> list[Part]:
    ones = {"kernel_size": [1, 1], "strides": [1, 1], "dilation_rate": [1, 1], "padding": "valid"}
    node = {"type": "Conv2D", **ones, "filters": config.get("filters"), "groups": 1}
    node["use_bias"] = bool(config.get("use_bias", True))
    kernel = Weight(("pointwise_kernel",), _KERNEL.arrange)
    return [_depthwise_part(config, biased=False), Part(node, _biased(config, kernel)), *_activated(config, version)]


def _pooling(kind: str, config: Config, version: int) -> list[Part]:
    size = _pair(config.get("pool_size", 2))
    strides = size if config.get("strides") is None else _pair(config["strides"])
    return [Part({"type": kind, "pool_size": size, "strides": strides, "padding": config.get("padding", "valid")})]


def _upsampling(kind: str, config: Config, version: int) -> list[Part]:
    interpolation = config.get("interpolation", "nearest")
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"interpolates {interpolation}, which is not known; nearest and bilinear are")
    return [Part({"type": kind, "size": _pair(config.get("size", 2)), "interpolation": interpolation})]


def _padding(kind: str, config: Config, version: int) -> list[Part]:
    value = config.get("padding" if kind == "ZeroPadding2D" else "cropping")
    rows, columns = (value, value) if isinstance(value, int) else value or (1, 1)
    return [Part({"type": kind, "rows": _pair(rows), "columns": _pair(columns)})]


def _merge(kind: str, config: Config, version: int) -> list[Part]:
    if kind == "Concatenate":
        _check_channels(config.get("axis", -1))
    return [Part({"type": kind})]


def _normalisation(kind: str, config: Config, version: int) -> list[Part]:
    _check_channels(config.get("axis", -1))
    scale, center = (bool(config.get(name, True)) for name in ("scale", "center"))
    node = {"type": kind, "scale": scale, "center": center}
    node |= {"epsilon": _number(config, "epsilon", 1e-3), "momentum": _number(config, "momentum", 0.99)}
    weights = {"running_mean": Weight(("moving_mean",)), "running_var": Weight(("moving_variance",))}
    weights |= {"weight": Weight(("gamma",))} if scale else {}
    return [Part(node, weights | ({"bias": Weight(("beta",))} if center else {}))]


def _dropout(kind: str, config: Config, version: int) -> list[Part]:
    return [Part({"type": kind, "rate": _number(config, "rate", 0.5)})]


def _activation(kind: str, config: Config, version: int) -> list[Part]:
    return _activated(config, version)


def _rectifier(kind: str, config: Config, version: int) -> list[Part]:
    largest = config.get("max_value")
    node = {"type": "Activation", "function": "relu", "slope": _number(config, "negative_slope", 0.0)}
    node |= {"largest": None if largest is None else _number(config, "max_value", 0.0)}
    return [Part(node | {"threshold": _number(config, "threshold", 0.0)})]


def _leaky(kind: str, config: Config, version: int) -> list[Part]:
    name = "negative_slope" if "negative_slope" in config else "alpha"
    return [Part({"type": "Activation", "function": "leaky_relu", "slope": _number(config, name, 0.3)})]


def _elu(kind: str, config: Config, version: int) -> list[Part]:
    return [Part({"type": "Activation", "function": "elu", "slope": _number(config, "alpha", 1.0)})]


def _softmax(kind: str, config: Config, version: int) -> list[Part]:
    _check_channels(config.get("axis", -1))
    return [Part({"type": "Activation", "function": "softmax"})]


def _slopes(kind: str, config: Config, version: int) -> list[Part]:
    if sorted(config.get("shared_axes") or ()) != [1, 2]:
        raise ValueError("has a slope for each pixel, which fits one size only")
    return [Part({"type": kind}, {"weight": Weight(("alpha",), np.ravel)})]


def _activated(config: Config, version: int) -> list[Part]:
    """Return the activation that is set for a layer; nothing where it is linear."""
    value = config.get("activation")
    if isinstance(value, Mapping):
        name, inside = value.get("class_name"), value.get("config")
        if name in _LAYERS and isinstance(inside, Mapping):
            return _LAYERS[name](name, inside, version)
        value = inside if isinstance(inside, str) else name
    if value in (None, "linear"):
        return []
    slopes = {"leaky_relu": 0.2, "elu": 1.0, "hard_sigmoid": 1 / 5 if version < 3 else 1 / 6}
    if value in slopes:
        return [Part({"type": "Activation", "function": value, "slope": slopes[value]})]
    if value not in _FUNCTIONS:
        raise ValueError(f"has the activation {value!r}, which is not known")
    return [Part({"type": "Activation", "function": _FUNCTIONS[value]})]


def _kernel(kind: str, config: Config) -> Node:
    sizes = {name: _pair(config.get(name, 1)) for name in ("kernel_size", "strides", "dilation_rate")}
    padding, biased = config.get("padding", "valid"), bool(config.get("use_bias", True))
    return {"type": kind, **sizes, "padding": padding, "use_bias": biased}


def _biased(config: Config, kernel: Weight) -> dict[str, Weight]:
    return {"weight": kernel, "bias": _BIAS} if config.get("use_bias", True) else {"weight": kernel}


def _pair(value: Any) -> Any:
    """Return a setting for y and x: Keras lets one number stand for both."""
    return [value, value] if isinstance(value, int) else value


def _number(config: Config, name: str, default: float) -> Any:
    value = config.get(name)
    if isinstance(value, Mapping):  # old versions wrote arrays of one number
        value = value.get("value")
    return default if value is None else value


def _check_channels(axis: Any) -> None:
    axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
    if axis not in (-1, 3):
        raise ValueError(f"works along axis {axis}, not along the channels")


_LAYERS: dict[str, Callable[[str, Config, int], list[Part]]] = {
    "Conv2D": _convolution,
    "Conv2DTranspose": _transposed,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "MaxPooling2D": _pooling,
    "AveragePooling2D": _pooling,
    "UpSampling2D": _upsampling,
    "ZeroPadding2D": _padding,
    "Cropping2D": _padding,
    **dict.fromkeys(("Concatenate", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _merge),
    "BatchNormalization": _normalisation,
    "Dropout": _dropout,
    "SpatialDropout2D": _dropout,
    "Activation": _activation,
    "ReLU": _rectifier,
    "LeakyReLU": _leaky,
    "ELU": _elu,
    "Softmax": _softmax,
    "PReLU": _slopes,
}
