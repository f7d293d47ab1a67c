"""How Keras models are connected: forms of both versions, models inside models, and what cannot be carried over."""

from __future__ import annotations

import json

import h5py
import pytest
from keras_files import Network
from plain_network import assert_same, conv, plain, read, weights_of

from ais_app.core.errors import ModelProblem
from ais_app.core.keras.network import network_of
from ais_app.core.keras.reader import contents
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model


@pytest.mark.parametrize("form", ["keras_2", "keras_3", "sequential"])
def test_forms(form):
    network = plain()
    assert_same(network_of(contents(network.hdf5(form)), "test.h5", ModelCard("")), network)


def test_order_of_the_list_does_not_matter():
    network = plain()
    model = network.keras_2()
    model["config"]["layers"].reverse()
    assert_same(read(model, weights_of(network)), network)


def test_ends_that_are_not_in_a_list():
    """Keras 3 writes one input and one output without the outer list."""
    network = plain()
    model = network.keras_3()
    for key in ("input_layers", "output_layers"):
        model["config"][key] = model["config"][key][0]
    assert_same(read(model, weights_of(network), "3.9.0"), network)


def test_the_oldest_sequential_form_is_a_list():
    network = plain()
    model = network.sequential()
    assert_same(read({**model, "config": model["config"]["layers"]}, weights_of(network)), network)


def test_sequential_with_an_input_layer():
    network = plain()
    model = network.sequential()
    del model["config"]["layers"][0]["config"]["batch_input_shape"]
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, None, None, 1], "name": "x"}}
    model["config"]["layers"].insert(0, first)
    assert_same(read(model, weights_of(network)), network)


@pytest.mark.parametrize("inner", ["keras_2", "sequential"])
@pytest.mark.parametrize("counted_from", [0, 1])
def test_a_model_inside_a_model(inner, counted_from):
    """Its weights lie in the group of the outer layer, under the names of the inner ones."""
    inside = Network(channels=2, layers=plain().layers[1:2])
    inside.layers[0].sources = ("in",)
    network = plain()
    inside.layers[0].weights = network.layers[1].weights
    block = {**getattr(inside, inner)(), "name": "block", "inbound_nodes": [[["conv2d_0", 0, 0, {}]]]}
    model = network.keras_2()
    model["config"]["layers"][2] = block
    model["config"]["layers"][3]["inbound_nodes"] = [[["block", counted_from, 0, {}]]]
    weights = weights_of(network)
    weights["block"] = weights.pop("conv2d_1")
    assert_same(read(model, weights), network)


def test_long_lists_of_weights_are_cut_into_pieces():
    network = plain()
    stream = network.hdf5()
    with h5py.File(stream, "r+") as file:
        group = file["model_weights/conv2d_1"]
        for number, name in enumerate(group.attrs["weight_names"]):
            group.attrs[f"weight_names{number}"] = [name]
        del group.attrs["weight_names"]
    stream.seek(0)
    assert_same(network_of(contents(stream), "test.h5", ModelCard("")), network)


def test_names_with_slashes_lie_in_groups_of_groups():
    network = plain()
    for layer in network.layers:
        layer.name = f"encoder/{layer.name}"
    for before, layer in zip(network.layers[:-1], network.layers[1:], strict=True):
        layer.sources = (before.name,)
    assert_same(read(network.keras_2(), weights_of(network)), network)


def test_activations_that_are_objects():
    network = plain()
    model = network.keras_2()
    model["config"]["layers"][1]["config"]["activation"] = {"class_name": "ReLU", "config": {"max_value": None}}
    function = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}
    model["config"]["layers"][2]["config"]["activation"] = function
    assert_same(read(model, weights_of(network)), network)


# what cannot be carried over


@pytest.mark.parametrize(("change", "words"), [
    ({"class_name": "Conv3D"}, r"layer conv2d_1 \(Conv3D\) is not known; known are .*Conv2D"),
    ({"class_name": "Lambda"}, r"layer conv2d_1 \(Lambda\) holds program code, which is not run"),
    ({"class_name": "GlobalAveragePooling2D"}, "is not known"),
    ({"config": {"data_format": "channels_first"}}, "channels first"),
    ({"config": {"activation": "sparsemax"}}, r"conv2d_1 .*activation 'sparsemax'"),
    ({"config": {"activation": {"class_name": "Mine", "config": {}}}}, "activation 'Mine'"),
    ({"config": {"filters": 10**9}}, "filters of conv2d_1 is 1000000000"),
    ({"config": {"filters": "many"}}, "filters of conv2d_1 is 'many'"),
    ({"config": {"kernel_size": [3, 10**6]}}, "kernel_size of conv2d_1"),
    ({"config": {"kernel_size": 5}}, r"conv2d_1 has weights of shape \(3, 2, 3, 3\) where \(3, 2, 5, 5\) fit"),
    ({"config": {"strides": [0, 1]}}, "strides of conv2d_1"),
    ({"config": {"padding": "causal"}}, "padding of conv2d_1 is 'causal'"),
    ({"config": {"strides": [2, 2]}}, "for n pixels it gives 1/2 n"),
    ({"config": {"padding": "valid"}}, "for n pixels it gives 1 n -2"),
    ({"inbound_nodes": [[["conv2d_2", 0, 0, {}]]]}, "follows layers that are not there, or itself"),
    ({"inbound_nodes": [[["nothing", 0, 0, {}]]]}, "conv2d_1 follows layers that are not there"),
    ({"inbound_nodes": [[["conv2d_0", 0, 1, {}]]]}, "second result of conv2d_0"),
    ({"inbound_nodes": [[["conv2d_0", 0, 0, {}], ["in", 0, 0, {}]]]}, "has 2 inputs"),
    ({"config": None}, "no type or no settings"),
])  # fmt: skip
def test_what_cannot_be_carried_over_is_named(change, words):
    network = plain()
    model = network.keras_2()
    layer = model["config"]["layers"][2]
    for key, value in change.items():
        layer[key] = {**layer[key], **value} if isinstance(value, dict) else value
    with pytest.raises(ModelProblem, match=words) as raised:
        read(model, weights_of(network))
    assert raised.value.subject == "test.h5"


@pytest.mark.parametrize(("kind", "config", "words"), [
    ("UpSampling2D", {"size": [2, 2], "interpolation": "bicubic"}, "interpolates bicubic"),
    ("BatchNormalization", {"axis": [1]}, "axis 1, not along the channels"),
    ("Concatenate", {"axis": 1}, "axis 1, not along the channels"),
    ("PReLU", {"shared_axes": None}, "a slope for each pixel"),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "groups": 3}, "3 groups"),
    ("ZeroPadding2D", {"padding": [[10**9, 0], [0, 0]]}, "rows of zeropadding2d_1"),
])  # fmt: skip
def test_settings_without_a_counterpart(kind, config, words):
    network = Network()
    conv(network, (1, 3))
    network.add(kind, **config)
    conv(network, (3, 1), activation="sigmoid")
    with pytest.raises(ModelProblem, match=words):
        read(network.keras_2(), weights_of(network))


def test_branches_of_other_sizes_do_not_join():
    network = Network()
    one = conv(network, (1, 2))
    two = network.add("MaxPooling2D", pool_size=[2, 2])
    network.add("Add", (one, two))
    conv(network, (2, 1))
    with pytest.raises(ModelProblem, match=r"inputs of add_2 \(Add\) are not of one size"):
        read(network.keras_2(), weights_of(network))


@pytest.mark.parametrize(("change", "words"), [
    ({"input_layers": [["in", 0, 0], ["in", 0, 0]]}, "2 inputs and 1 outputs"),
    ({"output_layers": []}, "1 inputs and 0 outputs"),
    ({"output_layers": [["gone", 0, 0]]}, "output is gone"),
    ({"output_layers": [["conv2d_0", 0, 0]]}, "gives 2 channels, not one"),
    ({"layers": []}, "no list of layers"),
    ({"layers": 5}, "no list of layers"),
])  # fmt: skip
def test_models_that_are_not_one_image_in_one_out(change, words):
    network = plain()
    model = network.keras_2()
    model["config"].update(change)
    with pytest.raises(ModelProblem, match=words):
        read(model, weights_of(network))


@pytest.mark.parametrize("shape, words", [
    ([None, 64, 64, 17, 1], "shape"), ([None, 64, 64, 2], "2 channels, not an odd number"),
    ([None, 64, 64, None], "None channels"), (None, "shape None"),
    ([None, 64, 64, 3], r"\(2, 1, 3, 3\) where \(2, 3, 3, 3\)"),
])  # fmt: skip
def test_inputs_that_are_no_slices(shape, words):
    network = plain()
    model = network.keras_2()
    model["config"]["layers"][0]["config"]["batch_input_shape"] = shape
    with pytest.raises(ModelProblem, match=words):
        read(model, weights_of(network))


def test_models_inside_models_without_end():
    network = plain()
    model = network.keras_2()
    inside = model
    for _ in range(12):
        layer = {**json.loads(json.dumps(network.sequential())), "name": "block"}
        layer["inbound_nodes"] = [[["conv2d_0", 0, 0, {}]]]
        inside["config"]["layers"][2:3] = [layer]
        inside = layer
    with pytest.raises(ModelProblem, match=r"models inside models|its output|cannot be read"):
        read(model, weights_of(network))
    # a short text that would be three million layers
    entry = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 8, 8, 1]}, "name": "in"}
    block = {"class_name": "Functional", "config": {"layers": [entry], "input_layers": [["in", 0, 0]],
                                                    "output_layers": [["in", 0, 0]]}}  # fmt: skip
    for _ in range(4):
        nodes = [[["in", 0, 0, {}]], *([["b", n, 0, {}]] for n in range(39))]
        config = {"layers": [entry, {**block, "name": "b", "inbound_nodes": nodes}], "input_layers": [["in", 0, 0]],
                  "output_layers": [["b", 39, 0]]}  # fmt: skip
        block = {"class_name": "Functional", "config": config}
    with pytest.raises(ModelProblem, match="models inside models"):
        read(block, {})


@pytest.mark.parametrize("graph", [
    None, 5, {}, {"layers": []}, {"layers": [1, 2], "output": "x"}, {"layers": [{"name": "a"}] * 2, "output": "a"},
    {"layers": [{"name": "a", "type": "InputLayer", "from": []}] * 2, "output": "a"},
    {"layers": [{"name": "a", "type": "InputLayer", "from": []}, {"name": "b", "type": "Conv2D", "from": ["a"]}],
     "output": "b"},
    {"layers": [{"name": "a", "type": "InputLayer", "from": []}, {"name": "b", "type": "Eval", "from": ["a"]}],
     "output": "b"},
    {"layers": [{"name": "a", "type": "InputLayer", "from": []}, {"name": "b", "type": "Dropout", "from": ["c"],
                                                                  "rate": 0.5}], "output": "b"},
])  # fmt: skip
def test_graphs_of_packages_from_elsewhere_are_checked(graph):
    if graph is None:
        assert new_model(ModelCard("keras_graph")).architecture.stride == 2
        return
    with pytest.raises(ModelProblem, match=r"keras_graph: cannot be built"):
        new_model(ModelCard("keras_graph", {"graph": graph}))


def test_a_graph_that_would_fill_the_memory_is_refused():
    wide = {"type": "Conv2D", "filters": 65536, "groups": 1, "use_bias": False, "padding": "same",
            "kernel_size": [3, 3], "strides": [1, 1], "dilation_rate": [1, 1]}  # fmt: skip
    layers = [{"name": "in", "type": "InputLayer", "from": []}, {**wide, "name": "a", "from": ["in"]},
              {**wide, "name": "b", "from": ["a"]}, {**wide, "name": "c", "from": ["b"], "filters": 1}]  # fmt: skip
    with pytest.raises(ModelProblem, match="more than 536,870,912"):
        new_model(ModelCard("keras_graph", {"graph": {"layers": layers, "output": "c"}}))


def test_results_that_would_fill_the_memory_are_refused():
    network = Network()
    conv(network, (1, 1))
    for _ in range(3):
        network.add("UpSampling2D", size=[8, 8], interpolation="nearest")
    for _ in range(3):
        network.add("MaxPooling2D", pool_size=[8, 8])
    conv(network, (1, 1))
    with pytest.raises(ModelProblem, match=r"for n pixels it computes 512 n \+0"):
        read(network.keras_2(), weights_of(network))
    network = Network()
    last = conv(network, (1, 1))
    for _ in range(17):
        last = network.add("Concatenate", (last, last))
    conv(network, (2**17, 1))
    network.layers[-1].weights = {}
    with pytest.raises(ModelProblem, match="131,072 channels, more than 65,536"):
        read(network.keras_2(), weights_of(network))
