"""A network that Keras saved as HDF5, as a model of this program."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ais_app.core.errors import AisAppError, ModelProblem
from ais_app.core.keras.config import Call, Layout, layout
from ais_app.core.keras.layers import Part, Weight, parts_of
from ais_app.core.keras.reader import DAMAGE, Contents, read_contents
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import Model, new_model

if TYPE_CHECKING:
    import torch

ARCHITECTURE = "keras_graph"
SIGMOID = "a sigmoid"  # how networks end, unless they say something else


@dataclass
class _Graph:
    """Nodes for `ais_app.models.keras_graph`, and where the weights of each come from."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, tuple[Call, Mapping[str, Weight]]] = field(default_factory=dict)

    def add(self, name: str, part: Part, sources: Sequence[str], call: Call, first: str) -> str:
        """Add a node and return its name."""
        node = {"name": name, **part.node, "from": list(sources)}
        if part.weights and first != name:
            node["same_as"] = first
        elif part.weights:
            self.weights[name] = call, part.weights
        self.nodes.append(node)
        return name


def read_keras(stream: BinaryIO, path: str | Path, card: ModelCard) -> Model:
    """Read a network.

    Parameters
    ----------
    stream
        HDF5 as ``model.save("model.h5")`` of Keras writes it.
    path
        What errors call it.
    card
        Everything but architecture, parameters and depth, which are those of the network. ``training`` gets Keras's
        version, and how the output is turned into a probability.

    Raises
    ------
    ModelProblem
        It is damaged, or has a layer that cannot be carried over, which is named.
    """
    try:
        found = read_contents(stream)
    except DAMAGE as error:
        raise _damaged(path, error) from error
    return network_of(found, path, card)


def network_of(found: Contents, path: str | Path, card: ModelCard) -> Model:
    """Make a network of what a file holds; see `read_keras`."""
    try:
        return _network(found, path, card)
    except AisAppError:
        raise
    except DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: str | Path, error: Exception) -> ModelProblem:
    reason = " ".join(str(error).split())[:300]
    return ModelProblem(path, f"cannot be read as a network of Keras: {reason}", "copy it again")


def _network(file: Contents, path: str | Path, card: ModelCard) -> Model:
    if not file.model:
        raise ModelProblem(path, "does not say how its network is built: weights alone are not enough")
    major = file.version.split(".")[0]
    found = layout(json.loads(file.model))
    graph, output = _graph(found, path, int(major) if major.isdigit() else 2)
    nodes, output, note = _probability(graph.nodes, output)
    depth = found.shape[3]
    if not isinstance(depth, int) or depth < 1 or depth % 2 == 0:
        raise ModelProblem(path, f"takes {depth} channels, not an odd number of slices")
    training = {**card.training, "keras_version": file.version, "output": note}
    parameters = {"graph": {"layers": nodes, "output": output}}
    try:
        model = new_model(
            replace(card, architecture=ARCHITECTURE, parameters=parameters, depth=depth, training=training)
        )
    except ModelProblem as error:
        raise ModelProblem(path, error.problem, "it cannot be carried over") from error
    _load(model, graph, file, path)
    return model


def _graph(found: Layout, path: str | Path, major: int) -> tuple[_Graph, str]:
    """Translate all layers; return the graph and the name of the output."""
    graph = _Graph([{"name": "input", "type": "InputLayer", "from": []}])
    results = {"input": "input"}
    for call in found.calls[1:]:
        try:
            parts = parts_of(call.kind, call.config, major)
        except ValueError as error:
            raise ModelProblem(path, f"its layer {call.name} ({call.kind}) {error}") from error
        sources = [results[name] for name in call.inputs]
        for number, part in enumerate(parts):
            ending = "" if number == 0 else f"/{number}"
            sources = [graph.add(call.name + ending, part, sources, call, call.first + ending)]
        results[call.name] = sources[0]
    return graph, results[found.output]


def _probability(nodes: list[dict[str, Any]], output: str) -> tuple[list[dict[str, Any]], str, str]:
    """Let the graph end in logits: drop its sigmoid, or undo the one that comes after it."""
    last = next(node for node in nodes if node["name"] == output)
    if last["type"] == "Activation" and last["function"] == "sigmoid":
        output, note = last["from"][0], SIGMOID
    else:
        end = {"name": "probability", "type": "ProbabilityToLogit", "from": [output]}
        nodes, output = [*nodes, end], "probability"
        kind = last.get("function", last["type"])
        note = f"no sigmoid but {kind}: its values, cut to 0 … 1, are taken for probabilities"
    needed = {output}
    for node in reversed(nodes):
        if node["name"] in needed:
            needed.update(node["from"])
    return [node for node in nodes if node["name"] in needed], output, note


def _load(model: Model, graph: _Graph, file: Contents, path: str | Path) -> None:
    """Fill in the weights."""
    import torch

    state = model.network.body.state_dict()
    for place, node in enumerate(model.card.parameters["graph"]["layers"]):
        call, weights = graph.weights.get(node["name"], (None, {}))
        for name, weight in weights.items():
            assert call is not None  # where there are weights
            state[f"layers.{place}.{name}"] = _filled(state[f"layers.{place}.{name}"], call, weight, file, path)
    for name, value in state.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ModelProblem(path, f"its weights {name} are not finite", "it cannot predict anything")
    model.network.body.load_state_dict(state)
    model.network.eval()


def _filled(wanted: torch.Tensor, call: Call, weight: Weight, file: Contents, path: str | Path) -> torch.Tensor:
    import torch

    try:
        values = weight.arrange(file.weight(call.home, weight.roles))
    except ValueError as error:
        raise ModelProblem(path, f"its layer {call.name}: {error}", "copy it again") from error
    if values.shape != tuple(wanted.shape):
        problem = f"has weights of shape {values.shape} where {tuple(wanted.shape)} fit"
        raise ModelProblem(path, f"its layer {call.name} {problem}", "copy it again")
    return torch.from_numpy(np.array(values, order="C"))  # what a process handed over is read-only
