"""HDF5 files as Keras writes them, of versions 2 and 3, for networks that are listed layer by layer."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

ROLES = {"BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance")}


@dataclass
class Layer:
    """One layer: its Keras type, settings, the layers it follows, and its weights by Keras's names."""

    name: str
    kind: str
    config: dict[str, Any]
    sources: tuple[str, ...]
    weights: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class Network:
    """A network in the making; `add` returns the name of the layer that it adds."""

    channels: int = 1
    size: int | None = 64
    layers: list[Layer] = field(default_factory=list)

    def add(self, kind: str, sources: str | tuple[str, ...] = "", weights: Any = None, **config: Any) -> str:
        name = f"{kind.lower()}_{len(self.layers)}"
        last = self.layers[-1].name if self.layers else "in"
        sources = sources or last
        self.layers.append(
            Layer(name, kind, config, (sources,) if isinstance(sources, str) else sources, dict(weights or {}))
        )
        return name

    def keras_2(self) -> dict[str, Any]:
        shape = [None, self.size, self.size, self.channels]
        entry = {"class_name": "InputLayer", "config": {"batch_input_shape": shape, "name": "in"}}
        layers = [{**entry, "name": "in", "inbound_nodes": []}]
        for layer in self.layers:
            nodes = [[[source, 0, 0, {}] for source in layer.sources]]
            config = {"name": layer.name, "trainable": True, "dtype": "float32", **layer.config}
            layers.append({"class_name": layer.kind, "config": config, "name": layer.name, "inbound_nodes": nodes})
        ends = {"input_layers": [["in", 0, 0]], "output_layers": [[self.layers[-1].name, 0, 0]]}
        return {"class_name": "Functional", "config": {"name": "model", "layers": layers, **ends}}

    def keras_3(self) -> dict[str, Any]:
        def tensor(source: str) -> dict[str, Any]:
            config = {"shape": [None, 8, 8, 1], "dtype": "float32", "keras_history": [source, 0, 0]}
            return {"class_name": "__keras_tensor__", "config": config}

        shape = [None, self.size, self.size, self.channels]
        head = {"module": "keras.layers", "registered_name": None}
        entry = {**head, "class_name": "InputLayer", "config": {"batch_shape": shape, "name": "in"}, "name": "in"}
        layers: list[dict[str, Any]] = [{**entry, "inbound_nodes": []}]
        for layer in self.layers:
            tensors = [tensor(source) for source in layer.sources]
            arguments = [tensors] if len(tensors) > 1 else tensors
            node = {"args": arguments, "kwargs": {"mask": None}}
            policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}
            config = {"name": layer.name, "trainable": True, "dtype": policy, **layer.config}
            layers.append({**head, "class_name": layer.kind, "config": config, "name": layer.name,
                           "build_config": {"input_shape": [None, 8, 8, 1]}, "inbound_nodes": [node]})  # fmt: skip
        ends = {"input_layers": [["in", 0, 0]], "output_layers": [[self.layers[-1].name, 0, 0]]}
        config = {"name": "functional", "trainable": True, "layers": layers, **ends}
        return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config}

    def sequential(self) -> dict[str, Any]:
        """As Keras 2 writes it without an input layer: the first layer says the shape."""
        shape = {"batch_input_shape": [None, self.size, self.size, self.channels]}
        layers = [
            {"class_name": layer.kind, "config": {"name": layer.name, **({} if n else shape), **layer.config}}
            for n, layer in enumerate(self.layers)
        ]
        return {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}

    def hdf5(self, form: str = "keras_2", version: str | None = None) -> io.BytesIO:
        """Return the file."""
        model = getattr(self, form)()
        new = form == "keras_3"
        weights = {
            layer.name: {f"{layer.name}/{role}" + ("" if new else ":0"): value for role, value in layer.weights.items()}
            for layer in self.layers
        }
        return hdf5(model, weights, version or ("3.5.0" if new else "2.11.0"))


def hdf5(model: Any, weights: dict[str, dict[str, np.ndarray]], version: str = "2.11.0") -> io.BytesIO:
    """Return a file of a model's JSON and the weights of each layer by their full names."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["keras_version"] = version
        file.attrs["backend"] = "tensorflow"
        if model is not None:
            file.attrs["model_config"] = json.dumps(model).encode()
        top = file.create_group("model_weights")
        top.attrs["layer_names"] = [name.encode() for name in weights]
        for name, values in weights.items():
            group = top.create_group(name)
            group.attrs["weight_names"] = [key.encode() for key in values]
            for key, value in values.items():
                group.create_dataset(key, data=value)
    stream.seek(0)
    return stream
