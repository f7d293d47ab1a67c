"""Networks of Keras compute what its documentation says: every layer, all strides and paddings, both versions."""

from __future__ import annotations

from copy import deepcopy

import keras_reference
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_files import Layer, Network

from ais_app.core.keras.network import network_of
from ais_app.core.keras.reader import contents
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import Model, load_model, save_model

RNG = np.random.default_rng(5)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(0, 0.5, shape).astype(np.float32)


def conv(network: Network, channels: tuple[int, int], size: int = 3, source: str = "", **config) -> str:
    """Add a convolution with random weights."""
    settings = {"strides": [1, 1], "dilation_rate": [1, 1], "padding": "same", "use_bias": True, **config}
    weights = {"kernel": normal(size, size, channels[0] // config.get("groups", 1), channels[1])}
    if settings["use_bias"]:
        weights["bias"] = normal(channels[1])
    return network.add("Conv2D", source, weights, filters=channels[1], kernel_size=[size, size], **settings)


def read(network: Network, form: str = "keras_2", version: str | None = None) -> Model:
    return network_of(contents(network.hdf5(form, version)), "test.h5", ModelCard(""))


def outputs(model: Model, image: np.ndarray) -> np.ndarray:
    """Return the probability of an image (h, w, channels), as (h, w, 1); from doubles."""
    x = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float64))
    with torch.inference_mode():
        return deepcopy(model.network).double()(x).numpy()[0].transpose(1, 2, 0)


def assert_same(network: Network, shape: tuple[int, int] = (16, 24), form: str = "keras_2") -> Model:
    model = read(network, form)
    image = RNG.normal(size=(*shape, network.channels))
    expected = keras_reference.run(network, image)
    np.testing.assert_allclose(outputs(model, image), expected, rtol=0, atol=1e-6)
    return model


# layers that change sizes


def fitted(network: Network, shape: tuple[int, int], channels: int) -> None:
    """Pad or crop the result so far to the size of the input, and end in one channel and a sigmoid."""
    sizes = keras_reference.run(network, np.zeros((*shape, network.channels))).shape
    for sign, kind, name in ((1, "ZeroPadding2D", "padding"), (-1, "Cropping2D", "cropping")):
        missing = [max(sign * (want - have), 0) for want, have in zip(shape, sizes, strict=False)]
        if any(missing):
            network.add(kind, **{name: [[m // 2, m - m // 2] for m in missing]})
    conv(network, (channels, 1), 1, activation="sigmoid")


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3)).map(list)
kernels = st.tuples(st.integers(1, 5), st.integers(1, 5)).map(list)
shifts = st.tuples(*[st.integers(0, 2)] * 4).map(lambda n: [[n[0], n[1]], [n[2], n[3]]])
paddings = st.sampled_from(["same", "valid"])


@settings(max_examples=40, deadline=None)
@given(kernel=kernels, strides=pairs, gaps=pairs, padding=paddings, shift=shifts, version=st.sampled_from("23"))
def test_convolutions_of_any_stride_dilation_and_padding(kernel, strides, gaps, padding, shift, version):
    if max(strides) > 1:
        gaps = [1, 1]  # Keras allows one or the other
    network, shape = Network(channels=3), (6 * strides[0] + 6 * strides[0], 12 * strides[1])
    network.add("ZeroPadding2D", padding=shift)
    weights = {"kernel": normal(*kernel, 3, 4), "bias": normal(4)}
    network.add("Conv2D", weights=weights, filters=4, kernel_size=kernel, strides=strides, dilation_rate=gaps,
                padding=padding, use_bias=True)  # fmt: skip
    network.add("UpSampling2D", size=strides, interpolation="nearest")
    fitted(network, shape, 4)
    model = assert_same(network, shape, f"keras_{version}")
    assert model.architecture.stride == np.lcm(*strides)


@settings(max_examples=40, deadline=None)
@given(kernel=kernels, strides=pairs, gaps=pairs, padding=paddings, shift=shifts, extra=st.booleans())
def test_transposed_convolutions_are_cut_as_keras_does(kernel, strides, gaps, padding, shift, extra):
    gaps = [1, 1] if max(strides) > 1 else gaps
    reach = [(k - 1) * g + 1 for k, g in zip(kernel, gaps, strict=True)]
    wide = all(k >= s for k, s in zip(reach, strides, strict=True))
    # one pixel is the most that all these strides allow
    given_extra = [min(1, s - 1) for s in strides] if extra and wide else None
    network, shape = Network(channels=3), (8, 9)
    network.add("Cropping2D", cropping=shift)
    weights = {"kernel": normal(*kernel, 4, 3), "bias": normal(4)}
    network.add("Conv2DTranspose", weights=weights, filters=4, kernel_size=kernel, strides=strides, dilation_rate=gaps,
                padding=padding, output_padding=given_extra)  # fmt: skip
    network.add("MaxPooling2D", pool_size=strides, strides=strides, padding="valid")
    fitted(network, shape, 4)
    assert_same(network, shape)


@settings(max_examples=30, deadline=None)
@given(kind=st.sampled_from(["MaxPooling2D", "AveragePooling2D"]), size=kernels, strides=pairs, padding=paddings,
       shift=shifts)  # fmt: skip
def test_pooling_of_any_size_stride_and_padding(kind, size, strides, padding, shift):
    network, shape = Network(channels=3), (12 * strides[0], 6 * strides[1])
    network.add("ZeroPadding2D", padding=shift)
    network.add(kind, pool_size=size, strides=strides, padding=padding)
    network.add("UpSampling2D", size=strides, interpolation="bilinear")
    fitted(network, shape, 3)
    assert_same(network, shape)


@pytest.mark.parametrize("strides", [[1, 1], [2, 2]])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_depthwise_and_separable_convolutions(strides, padding):
    network, shape = Network(channels=3), (12, 16)
    options = {"kernel_size": [3, 4], "strides": strides, "padding": padding, "depth_multiplier": 2}
    network.add("DepthwiseConv2D", weights={"depthwise_kernel": normal(3, 4, 3, 2), "bias": normal(6)}, **options)
    network.add("UpSampling2D", size=strides)
    weights = {"depthwise_kernel": normal(3, 4, 6, 2), "pointwise_kernel": normal(1, 1, 12, 5), "bias": normal(5)}
    network.add("SeparableConv2D", weights=weights, filters=5, **options)
    network.add("UpSampling2D", size=strides)
    fitted(network, shape, 5)
    assert_same(network, shape)


def test_groups_and_a_convolution_without_bias():
    network = Network(channels=3)
    conv(network, (3, 4))
    conv(network, (4, 6), groups=2)
    conv(network, (6, 1), use_bias=False, activation="sigmoid")
    assert_same(network)


# layers that do not


@pytest.mark.parametrize("function", [name for name in keras_reference.FUNCTIONS if name != "exponential"])
@pytest.mark.parametrize("form", ["keras_2", "sequential"])
def test_every_usual_activation_inside_and_as_a_layer(function, form):
    network = Network()
    conv(network, (1, 4), activation=function)
    network.add("Activation", activation=function)
    conv(network, (4, 1), 1, activation="sigmoid")
    assert_same(network, form=form)


def test_hard_sigmoid_is_steeper_in_keras_2_than_in_keras_3():
    network = Network()
    conv(network, (1, 1), 1, activation="hard_sigmoid")
    image = RNG.normal(size=(8, 8, 1))
    raw = image * network.layers[0].weights["kernel"][0, 0, 0, 0] + network.layers[0].weights["bias"][0]
    for form, slope in (("keras_2", 1 / 5), ("keras_3", 1 / 6)):
        np.testing.assert_allclose(outputs(read(network, form), image), np.clip(slope * raw + 0.5, 0, 1), atol=2e-6)


@pytest.mark.parametrize("kind, config", [
    ("ReLU", {}), ("ReLU", {"max_value": 0.7, "negative_slope": 0.25, "threshold": 0.1}), ("ReLU", {"threshold": 0.3}),
    ("LeakyReLU", {"alpha": 0.1}), ("LeakyReLU", {"negative_slope": 0.2}), ("LeakyReLU", {}),
    ("Activation", {"activation": "exponential"}), ("ELU", {"alpha": 0.5}),
    ("Softmax", {"axis": -1}), ("PReLU", {"shared_axes": [1, 2]}),
    ("Dropout", {"rate": 0.5}), ("SpatialDropout2D", {"rate": 0.5}), ("GaussianNoise", {"stddev": 0.5}),
])  # fmt: skip
def test_layers_of_single_pixels(kind, config):
    network = Network()
    conv(network, (1, 4))
    network.add(kind, weights={"alpha": normal(1, 1, 4)} if kind == "PReLU" else None, **config)
    conv(network, (4, 1), 1, activation="sigmoid")
    assert_same(network)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_batch_normalisation_with_its_own_numbers(center, scale):
    network = Network()
    conv(network, (1, 4))
    weights = {"moving_mean": normal(4), "moving_variance": np.abs(normal(4))}
    weights |= {"gamma": normal(4)} if scale else {}
    weights |= {"beta": normal(4)} if center else {}
    network.add("BatchNormalization", weights=weights, axis=[3], epsilon=0.02, momentum=0.8, center=center, scale=scale)
    conv(network, (4, 1), 1, activation="sigmoid")
    model = assert_same(network)
    layer = next(m for m in model.network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert layer.momentum == pytest.approx(0.2), "torch counts what is taken, Keras what is kept"
    assert (layer.weight.requires_grad, layer.bias.requires_grad) == (scale, center)


@pytest.mark.parametrize("kind", ["Concatenate", "Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum"])
@pytest.mark.parametrize("form", ["keras_2", "keras_3"])
def test_branches_that_join(kind, form):
    network = Network()
    one = conv(network, (1, 3))
    two = conv(network, (1, 3), source="in")
    third = () if kind == "Subtract" else (one,)
    network.add(kind, (one, two, *third))
    conv(network, (9 if kind == "Concatenate" else 3, 1), 1, activation="sigmoid")
    assert_same(network, form=form)


def test_one_channel_weighs_many():
    """An attention gate: a plane of weights times all channels."""
    network = Network()
    one = conv(network, (1, 3))
    gate = conv(network, (3, 1), 1, source=one, activation="sigmoid")
    network.add("Multiply", (one, gate))
    conv(network, (3, 1), activation="sigmoid")
    assert_same(network)


def unet(kind: str = "AveragePooling2D", channels: int = 1) -> Network:
    network = Network(channels=channels)
    top = conv(network, (channels, 4), activation="relu")
    network.add(kind, pool_size=[2, 2], strides=[2, 2], padding="valid")
    middle = conv(network, (4, 6), activation="relu")
    network.add(kind, pool_size=[2, 2], strides=[2, 2], padding="same")
    conv(network, (6, 8), 3, dilation_rate=[2, 2], activation="relu")
    up = network.add("UpSampling2D", size=[2, 2], interpolation="nearest")
    network.add("Concatenate", (up, middle), axis=-1)
    weights = {"kernel": normal(3, 3, 5, 14), "bias": normal(5)}
    up = network.add("Conv2DTranspose", weights=weights, filters=5, kernel_size=[3, 3], strides=[2, 2],
                     dilation_rate=[1, 1], padding="same")  # fmt: skip
    network.add("Concatenate", (up, top))
    conv(network, (9, 1), 1, activation="sigmoid")
    return network


@pytest.mark.parametrize("form", ["keras_2", "keras_3"])
def test_a_unet_of_five_slices(form):
    model = assert_same(unet("MaxPooling2D", channels=5), form=form)
    assert (model.card.depth, model.architecture.stride) == (5, 4)


def reach_of(model: Model) -> int:
    """Return how many pixels away the input matters, as the gradient says."""
    body, stride = model.network.body.double(), model.architecture.stride
    for weight in body.parameters():
        weight.data.abs_()
    size = -(-(model.architecture.receptive_field + 4 * stride) // (2 * stride)) * 2 * stride
    farthest = 0
    for phase in range(stride):
        at = size // 2 + phase
        x = torch.full((1, model.card.depth, size, size), 0.1, dtype=torch.float64, requires_grad=True)
        body(x)[0, 0, at, at].backward()
        touched = x.grad.abs().sum((0, 1)).nonzero() - at
        farthest = max(farthest, int(touched.abs().max())) if len(touched) else farthest
    return farthest


def flat(sort: str) -> Network:
    network = Network()
    if sort == "dilated":
        conv(network, (1, 2), 5, dilation_rate=[3, 3])
    elif sort == "strided":
        conv(network, (1, 2), 4, strides=[3, 3])
        network.add("UpSampling2D", size=[3, 3], interpolation="bilinear")
    elif sort == "transposed":
        conv(network, (1, 2), 2, strides=[4, 4])
        weights = {"kernel": normal(7, 7, 2, 2)}
        network.add("Conv2DTranspose", weights=weights, filters=2, kernel_size=[7, 7], strides=[4, 4],
                    dilation_rate=[1, 1], padding="same", use_bias=False)  # fmt: skip
    elif sort == "holes":  # a kernel smaller than its stride leaves pixels that depend on nothing
        conv(network, (1, 2), 3, strides=[3, 3])
        weights = {"kernel": normal(2, 2, 2, 2)}
        network.add("Conv2DTranspose", weights=weights, filters=2, kernel_size=[2, 2], strides=[3, 3],
                    dilation_rate=[1, 1], padding="same", use_bias=False)  # fmt: skip
    conv(network, (2, 1), 1, activation="sigmoid")
    return network


@pytest.mark.parametrize("sort", ["unet", "dilated", "strided", "transposed", "holes"])
def test_the_receptive_field_is_what_the_gradient_reaches(sort):
    model = read(unet() if sort == "unet" else flat(sort))
    assert model.architecture.receptive_field == 2 * reach_of(model) + 1


def test_a_network_without_a_sigmoid_gives_its_values_cut_to_0_and_1():
    network = Network()
    conv(network, (1, 1), activation="tanh")
    model = read(network)
    image = 3 * RNG.normal(size=(16, 16, 1))
    expected = np.clip(keras_reference.run(network, image), 0, 1)
    np.testing.assert_allclose(outputs(model, image), expected, atol=3e-6)
    assert "no sigmoid but tanh" in model.card.training["output"]


def test_kept_and_read_again(tmp_path):
    """Also a layer that is used twice: its weights are kept once."""
    network = Network()
    conv(network, (1, 4))
    conv(network, (4, 4), activation="relu")
    form = network.keras_2()
    conv(network, (4, 1), 1, activation="sigmoid")
    form = network.keras_2()
    twice = form["config"]["layers"][2]
    twice["inbound_nodes"].append([[network.layers[1].name, 0, 0, {}]])
    form["config"]["layers"][3]["inbound_nodes"] = [[[network.layers[1].name, 1, 0, {}]]]
    network.keras_2 = lambda: form  # type: ignore[method-assign]
    model = read(network)
    again = Layer("again", "Conv2D", network.layers[1].config, (network.layers[1].name,), network.layers[1].weights)
    shown = Network(layers=[network.layers[0], network.layers[1], again, network.layers[2]])
    shown.layers[3].sources = ("again",)
    image = RNG.normal(size=(8, 8, 1))
    np.testing.assert_allclose(outputs(model, image), keras_reference.run(shown, image), atol=2e-6)
    kept = load_model(save_model(model, tmp_path / "m.aismodel"))
    assert kept.card == model.card and len(list(kept.network.parameters())) == 6
    np.testing.assert_array_equal(outputs(kept, image), outputs(model, image))
