"""What Keras's layers compute, written down from their documentation: numpy, channels last, one image, plain loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras_files import Layer, Network


def pads(size: int, window: int, stride: int, padding: str) -> tuple[int, int]:
    """Return the length of the result and the padding in front, as the documentation of tf.nn says."""
    if padding == "valid":
        return (size - window) // stride + 1, 0
    count = math.ceil(size / stride)
    return count, max((count - 1) * stride + window - size, 0) // 2


def windows(x: np.ndarray, window: tuple[int, int], strides: Any, gaps: Any, padding: str, fill: float) -> np.ndarray:
    """Return the pixels under each window: (h', w', window y, window x, channels)."""
    (rows, top), (columns, left) = (
        pads(x.shape[a], (window[a] - 1) * gaps[a] + 1, strides[a], padding) for a in (0, 1)
    )
    result = np.full((rows, columns, *window, x.shape[2]), fill)
    for i, j, u, v in np.ndindex(rows, columns, *window):
        y, z = i * strides[0] + u * gaps[0] - top, j * strides[1] + v * gaps[1] - left
        if 0 <= y < x.shape[0] and 0 <= z < x.shape[1]:
            result[i, j, u, v] = x[y, z]
    return result


def convolution(x: np.ndarray, config: Any, weights: Any) -> np.ndarray:
    kernel, groups = weights["kernel"], config.get("groups", 1)
    seen = windows(x, kernel.shape[:2], config["strides"], config["dilation_rate"], config["padding"], 0.0)
    into, out = kernel.shape[2], kernel.shape[3] // groups
    parts = [
        np.einsum("ijuvc,uvcf->ijf", seen[..., g * into : (g + 1) * into], kernel[..., g * out : (g + 1) * out])
        for g in range(groups)
    ]
    return np.concatenate(parts, axis=-1) + weights.get("bias", 0)


def depthwise(x: np.ndarray, config: Any, kernel: np.ndarray) -> np.ndarray:
    gaps = config.get("dilation_rate", (1, 1))
    seen = windows(x, kernel.shape[:2], config["strides"], gaps, config["padding"], 0.0)
    result = np.einsum("ijuvc,uvcm->ijcm", seen, kernel)
    return result.reshape(*result.shape[:2], -1)


def transposed(x: np.ndarray, config: Any, weights: Any) -> np.ndarray:
    """Every pixel is spread over the pixels that a convolution of the result would have computed it from."""
    kernel, strides, gaps = weights["kernel"], config["strides"], config["dilation_rate"]
    extra = config.get("output_padding") or (None, None)
    sizes, before = [], []
    for a in (0, 1):
        m, k, s = x.shape[a], (kernel.shape[a] - 1) * gaps[a] + 1, strides[a]
        same = config["padding"] == "same"
        if extra[a] is None:
            size = m * s if same else m * s + max(k - s, 0)
        else:
            size = (m - 1) * s + k - (2 * (k // 2) if same else 0) + extra[a]
        sizes.append(size)
        before.append(max((m - 1) * s + k - size, 0) // 2 if same else 0)
    result = np.zeros((*sizes, kernel.shape[2]))
    for i, j, u, v in np.ndindex(*x.shape[:2], *kernel.shape[:2]):
        y, z = i * strides[0] + u * gaps[0] - before[0], j * strides[1] + v * gaps[1] - before[1]
        if 0 <= y < sizes[0] and 0 <= z < sizes[1]:
            result[y, z] += kernel[u, v] @ x[i, j]
    return result + weights.get("bias", 0)


def upsampled(x: np.ndarray, config: Any) -> np.ndarray:
    for a, times in enumerate(config["size"]):
        at = (np.arange(x.shape[a] * times) + 0.5) / times - 0.5
        if config.get("interpolation") != "bilinear":
            x = np.take(x, np.arange(x.shape[a] * times) // times, axis=a)
            continue
        low = np.floor(at).astype(int)
        share = (at - low).reshape([-1 if axis == a else 1 for axis in range(3)])
        ends = (np.clip(low + step, 0, x.shape[a] - 1) for step in (0, 1))
        first, second = (np.take(x, index, axis=a) for index in ends)
        x = (1 - share) * first + share * second
    return x


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf)(x)


FUNCTIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "sigmoid": sigmoid,
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "tanh": np.tanh,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "selu": lambda x: 1.05070098 * np.where(x > 0, x, 1.67326324 * (np.exp(x) - 1)),
    "gelu": lambda x: x * 0.5 * (1 + erf(x / math.sqrt(2))),
    "swish": lambda x: x * sigmoid(x),
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "exponential": np.exp,
    "log_sigmoid": lambda x: -np.log1p(np.exp(-x)),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
}


def activated(x: np.ndarray, config: Any) -> np.ndarray:
    return FUNCTIONS[config.get("activation") or "linear"](x)


def rectified(x: np.ndarray, config: Any) -> np.ndarray:
    threshold = config.get("threshold", 0.0)
    result = np.where(x < threshold, config.get("negative_slope", 0.0) * (x - threshold), x)
    return (
        result if config.get("max_value") is None else np.where(x >= config["max_value"], config["max_value"], result)
    )


def padded(x: np.ndarray, config: Any) -> np.ndarray:
    return np.pad(x, [*map(tuple, config["padding"]), (0, 0)])


def cropped(x: np.ndarray, config: Any) -> np.ndarray:
    (top, bottom), (left, right) = config["cropping"]
    return x[top : x.shape[0] - bottom, left : x.shape[1] - right]


def normalised(x: np.ndarray, config: Any, weights: Any) -> np.ndarray:
    scaled = (x - weights["moving_mean"]) / np.sqrt(weights["moving_variance"] + config["epsilon"])
    return scaled * weights.get("gamma", 1) + weights.get("beta", 0)


def pooled(x: np.ndarray, layer: Layer) -> np.ndarray:
    config = layer.config
    highest = layer.kind == "MaxPooling2D"
    seen = windows(x, tuple(config["pool_size"]), config["strides"], (1, 1), config["padding"], np.nan)
    return (np.nanmax if highest else np.nanmean)(seen, axis=(2, 3))


def separable(x: np.ndarray, layer: Layer) -> np.ndarray:
    deep = depthwise(x, layer.config, layer.weights["depthwise_kernel"])
    return deep @ layer.weights["pointwise_kernel"][0, 0] + layer.weights.get("bias", 0)


def merged(kind: str, inputs: list[np.ndarray]) -> np.ndarray:
    if kind == "Concatenate":
        return np.concatenate(inputs, axis=-1)
    if kind == "Subtract":
        return inputs[0] - inputs[1]
    stack = np.stack(np.broadcast_arrays(*inputs))
    reduce = {"Add": np.sum, "Multiply": np.prod, "Average": np.mean, "Maximum": np.max, "Minimum": np.min}
    return reduce[kind](stack, axis=0)


ONE = {
    "Conv2D": lambda x, layer: activated(convolution(x, layer.config, layer.weights), layer.config),
    "Conv2DTranspose": lambda x, layer: activated(transposed(x, layer.config, layer.weights), layer.config),
    "DepthwiseConv2D": lambda x, layer: (
        depthwise(x, layer.config, layer.weights["depthwise_kernel"]) + layer.weights.get("bias", 0)
    ),
    "SeparableConv2D": separable,
    "MaxPooling2D": pooled,
    "AveragePooling2D": pooled,
    "UpSampling2D": lambda x, layer: upsampled(x, layer.config),
    "BatchNormalization": lambda x, layer: normalised(x, layer.config, layer.weights),
    "ZeroPadding2D": lambda x, layer: padded(x, layer.config),
    "Cropping2D": lambda x, layer: cropped(x, layer.config),
    "Dropout": lambda x, layer: x,
    "SpatialDropout2D": lambda x, layer: x,
    "GaussianNoise": lambda x, layer: x,
    "Activation": lambda x, layer: activated(x, layer.config),
    "ReLU": lambda x, layer: rectified(x, layer.config),
    "LeakyReLU": lambda x, layer: np.where(
        x > 0, x, layer.config.get("alpha", layer.config.get("negative_slope", 0.3)) * x
    ),
    "ELU": lambda x, layer: np.where(x > 0, x, layer.config["alpha"] * (np.exp(x) - 1)),
    "Softmax": lambda x, layer: FUNCTIONS["softmax"](x),
    "PReLU": lambda x, layer: np.where(x > 0, x, layer.weights["alpha"] * x),
}


def run(network: Network, x: np.ndarray) -> np.ndarray:
    """Return what the network gives for one image (h, w, channels), float64."""
    results = {"in": x.astype(np.float64)}
    for layer in network.layers:
        inputs = [results[source] for source in layer.sources]
        results[layer.name] = ONE[layer.kind](inputs[0], layer) if len(inputs) == 1 else merged(layer.kind, inputs)
    return results[network.layers[-1].name]
