"""A network whose layers are listed in its parameters: what Ais and other programs trained with Keras.

The graph is plain values that JSON can hold, so a model package needs no program of its own::

    {"layers": [{"name": "in", "type": "InputLayer", "from": []},
                {"name": "conv", "type": "Conv2D", "from": ["in"], "filters": 64, ...}, ...],
     "output": "conv"}

Layers stand in the order of computation; ``"same_as"`` names an earlier layer whose weights are used again. The words
are Keras's; `_keras_layers` says what each means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import lcm
from typing import Any

import torch
from ais_app.models import Architecture
from ais_app.models._keras_axis import Extent, Step
from ais_app.models._keras_layers import KINDS, Kind, Node
from ais_app.models.layers import initialise
from torch import nn

MOST_LAYERS = 2000
MOST_NUMBERS = 2**29  # in all weights together: 2 GiB
MOST_CHANNELS = 2**16
MOST_STRIDE = 1024
MOST_ENLARGED = 64  # times the input, along an axis, of any intermediate result
MOST_PADDED = 2**16  # pixels
INPUT = "InputLayer"
_FAR = 2**30  # a pixel far from every end


class KerasGraph(nn.Module):
    """Layers that read the results of earlier ones.

    Parameters
    ----------
    graph
        See the module's text.
    depth
        Channels of the input.
    """

    def __init__(self, graph: Mapping[str, Any], depth: int) -> None:
        super().__init__()
        nodes = checked(graph)
        steps = [_steps(nodes, which) for which in (0, 1)]
        places = {node["name"]: place for place, node in enumerate(nodes)}
        self.layers = nn.ModuleList()
        channels: list[int] = []
        for place, node in enumerate(nodes):
            known = [channels[places[name]] for name in node["from"]]
            made, count = _layer(node, known, [of[place] for of in steps], depth)
            self.layers.append(nn.Identity() if "same_as" in node else made)
            channels.append(count)
            if count > MOST_CHANNELS:
                raise ValueError(f"the layer {node['name']} has {count:,} channels, more than {MOST_CHANNELS:,}")
        # a layer that is used again is kept once: its weights are one set
        self.used = [places[node.get("same_as", node["name"])] for node in nodes]
        for place, first in enumerate(self.used):
            if any(_ends(of[place]) != _ends(of[first]) for of in steps):
                raise ValueError(f"{nodes[place]['name']} would need another padding than {nodes[first]['name']}")
        if channels[places[graph["output"]]] != 1:
            raise ValueError(f"it gives {channels[places[graph['output']]]} channels, not one")
        self.inputs = [[places[name] for name in node["from"]] for node in nodes]
        self.output = places[graph["output"]]
        last = {source: place for place, sources in enumerate(self.inputs) for source in sources}
        self.done_after = [[s for s in set(sources) if last[s] == p] for p, sources in enumerate(self.inputs)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(n, depth, h, w)`` to logits ``(n, 1, h, w)``."""
        results: dict[int, torch.Tensor] = {}
        for place, (used, sources) in enumerate(zip(self.used, self.inputs, strict=True)):
            results[place] = self.layers[used](*(results[source] for source in sources)) if sources else x
            for source in self.done_after[place]:
                if source != self.output:
                    del results[source]
        return results[self.output]


def _layer(node: Node, channels: Sequence[int], steps: Sequence[Step], depth: int) -> tuple[nn.Module, int]:
    return (nn.Identity(), depth) if node["type"] == INPUT else KINDS[node["type"]].build(node, channels, steps)


def _ends(step: Step) -> tuple[int, int]:
    return step.before, step.after


def build(depth: int = 1, graph: Mapping[str, Any] | None = None) -> KerasGraph:
    """Return the network for slabs of `depth` slices.

    Raises
    ------
    ValueError
        The graph is not sound, or has more than `MOST_NUMBERS` weights.
    """
    graph = DEFAULT if graph is None else graph
    with torch.device("meta"):  # counts without asking for the memory
        numbers = sum(weight.numel() for weight in KerasGraph(graph, depth).parameters())
    if numbers > MOST_NUMBERS:
        raise ValueError(f"it has {numbers:,} weights, more than {MOST_NUMBERS:,}")
    network = KerasGraph(graph, depth)
    initialise(network)
    return network


def geometry(graph: Mapping[str, Any] | None = None) -> tuple[int, int]:
    """Return the stride and the receptive field of a graph, in pixels.

    Raises
    ------
    ValueError
        The graph is not sound, or does not give one value for each pixel.
    """
    text = json.dumps(DEFAULT if graph is None else graph, sort_keys=True)
    return _geometry(text)


@lru_cache(maxsize=64)
def _geometry(text: str) -> tuple[int, int]:
    graph = json.loads(text)
    nodes = checked(graph)
    both = [_steps(nodes, which) for which in (0, 1)]
    places = {node["name"]: place for place, node in enumerate(nodes)}
    output = places[graph["output"]]
    stride = 1
    for steps in both:
        if steps[output].extent != Extent():
            extent = steps[output].extent
            raise ValueError(f"for n pixels it gives {extent.ratio} n {extent.offset:+d}, not one for each")
        for extent in (step.extent for step in steps):
            if extent.ratio > MOST_ENLARGED or abs(extent.offset) > MOST_PADDED:
                raise ValueError(
                    f"for n pixels it computes {extent.ratio} n {extent.offset:+d}: it would fill the memory"
                )
        stride = lcm(stride, *(step.extent.ratio.denominator for step in steps))
        if stride > MOST_STRIDE:
            raise ValueError(f"sizes would have to be multiples of {stride}")
    sources = [[places[name] for name in node["from"]] for node in nodes]
    return stride, 2 * max(_reach(steps, sources, output, stride) for steps in both) + 1


def _reach(steps: Sequence[Step], sources: Sequence[Sequence[int]], output: int, stride: int) -> int:
    """Return how many pixels away the input can matter along one axis, for the worst pixel within a stride."""
    farthest = 0
    for at in range(_FAR // stride * stride, _FAR // stride * stride + stride):
        needed: dict[int, tuple[int, int]] = {output: (at, at)}
        for place in range(output, -1, -1):
            interval = needed.pop(place, None)
            if interval is None:
                continue
            if not sources[place]:
                farthest = max(farthest, at - interval[0], interval[1] - at)
            found = steps[place].source(*interval)
            if found is None:
                continue
            for source in sources[place]:
                low, high = needed.get(source, found)
                needed[source] = min(low, found[0]), max(high, found[1])
    return farthest


def _steps(nodes: Sequence[Node], which: int) -> list[Step]:
    """Return what each layer does along one axis: 0 for y, 1 for x."""
    steps: dict[str, Step] = {}
    for node in nodes:
        if node["type"] == INPUT:
            steps[node["name"]] = Step(Extent(), lambda first, last: (first, last))
        else:
            extents = [steps[name].extent for name in node["from"]]
            steps[node["name"]] = KINDS[node["type"]].along(node, which, extents)
    return list(steps.values())


def checked(graph: Any) -> list[Node]:
    """Return the layers of a graph after a look at how they are connected.

    Raises
    ------
    ValueError
        The graph is not of the form that the module's text shows.
    """
    nodes = graph.get("layers") if isinstance(graph, Mapping) else None
    if not isinstance(nodes, (list, tuple)) or not all(isinstance(node, Mapping) for node in nodes):
        raise ValueError("the graph is not a list of layers")
    if not 2 <= len(nodes) <= MOST_LAYERS:
        raise ValueError(f"it has {len(nodes)} layers, not 2 to {MOST_LAYERS:,}")
    known: dict[str, Node] = {}
    for node in nodes:
        name, kind, sources = (node.get(key) for key in ("name", "type", "from"))
        if not isinstance(name, str) or name in known or not isinstance(sources, (list, tuple)):
            raise ValueError(f"a layer is named {name!r}")
        if not isinstance(kind, str) or not (kind in KINDS or kind == INPUT):
            raise ValueError(f"the layer {name} is a {kind!r}, which is not known")
        if any(source not in known for source in sources):
            raise ValueError(f"the layer {name} reads {list(sources)}, which do not come before it")
        if not _fits(len(sources), KINDS.get(kind)):
            raise ValueError(f"the layer {name} ({kind}) has {len(sources)} inputs")
        if "same_as" in node and known.get(str(node["same_as"]), {}).get("type") != kind:
            raise ValueError(f"the layer {name} is the same as {node['same_as']!r}, which is not a {kind} before it")
        known[name] = node
    if [node["type"] for node in nodes].count(INPUT) != 1 or graph.get("output") not in known:
        raise ValueError("it needs one input and one output")
    return list(nodes)


def _fits(count: int, kind: Kind | None) -> bool:
    if kind is None:
        return count == 0
    return count >= 2 if kind.inputs is None else count == kind.inputs


def _conv(name: str, source: str, filters: int, size: int = 3) -> dict[str, Any]:
    sizes = {"kernel_size": [size, size], "strides": [1, 1], "dilation_rate": [1, 1], "padding": "same"}
    return {
        "name": name,
        "type": "Conv2D",
        "from": [source],
        "filters": filters,
        "groups": 1,
        "use_bias": True,
        **sizes,
    }


# a small network, so that the architecture is whole without a file
DEFAULT: dict[str, Any] = {
    "layers": [
        {"name": "input", "type": INPUT, "from": []},
        _conv("conv_1", "input", 16),
        {"name": "relu_1", "type": "Activation", "from": ["conv_1"], "function": "relu"},
        {"name": "pool", "type": "MaxPooling2D", "from": ["relu_1"], "pool_size": [2, 2], "strides": [2, 2],
         "padding": "valid"},
        _conv("conv_2", "pool", 32),
        {"name": "relu_2", "type": "Activation", "from": ["conv_2"], "function": "relu"},
        {"name": "up", "type": "UpSampling2D", "from": ["relu_2"], "size": [2, 2], "interpolation": "nearest"},
        {"name": "joined", "type": "Concatenate", "from": ["up", "relu_1"]},
        _conv("conv_3", "joined", 16),
        {"name": "relu_3", "type": "Activation", "from": ["conv_3"], "function": "relu"},
        _conv("conv_4", "relu_3", 1, size=1),
    ],
    "output": "conv_4",
}  # fmt: skip

ARCHITECTURE = Architecture(
    name="keras_graph",
    title="Imported from Keras",
    dimension=2,
    stride=2,
    receptive_field=11,
    build=build,
    parameters={"graph": DEFAULT},
    source="the file it was imported from; layers as in the Keras documentation",
    geometry=geometry,
    imported=True,
)
