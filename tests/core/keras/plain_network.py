"""A network of three layers: its file, the network that is read from it, and a comparison with the reference."""

from __future__ import annotations

import keras_reference
import numpy as np
import torch
from keras_files import Network, hdf5

from ais_app.core.keras.network import network_of
from ais_app.core.keras.reader import contents
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import Model

RNG = np.random.default_rng(6)


def conv(network: Network, channels: tuple[int, int], source: str = "", **config) -> str:
    weights = {"kernel": RNG.normal(0, 0.5, (3, 3, *channels)).astype(np.float32), "bias": np.ones(channels[1], "f4")}
    fixed = {"strides": [1, 1], "dilation_rate": [1, 1], "padding": "same"}
    return network.add("Conv2D", source, weights, filters=channels[1], kernel_size=[3, 3], **fixed, **config)


def plain() -> Network:
    network = Network()
    conv(network, (1, 2), activation="relu")
    conv(network, (2, 3), activation="relu")
    conv(network, (3, 1), activation="sigmoid")
    return network


def weights_of(network: Network) -> dict[str, dict[str, np.ndarray]]:
    return {each.name: {f"{each.name}/{k}:0": v for k, v in each.weights.items()} for each in network.layers}


def read(model, weights, version="2.11.0") -> Model:
    return network_of(contents(hdf5(model, weights, version)), "test.h5", ModelCard(""))


def assert_same(model: Model, network: Network) -> None:
    image = RNG.normal(size=(8, 8, 1))
    with torch.inference_mode():
        found = model.network(torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32))).numpy()[0, 0]
    np.testing.assert_allclose(found, keras_reference.run(network, image)[..., 0], atol=1e-5)
