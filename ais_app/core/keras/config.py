"""How the layers of a Keras model are connected, from the JSON that it keeps: Functional and Sequential, Keras 2 and 3.

A model inside a model is laid out flat. A layer that is used twice appears twice, and the second time names the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_LAYERS = 2000
MODELS = ("Functional", "Model", "Sequential")
_DEEPEST = 8  # models inside models


@dataclass(frozen=True)
class Call:
    """A layer at one place of the network.

    Parameters
    ----------
    name
        Of this place; that of the layer where it is used once.
    kind, config
        Keras's name of the type, and the settings.
    inputs
        Names of the calls whose results it takes.
    home
        Names that lead to its weights: of the outermost layer first.
    first
        Name of the first call of the same layer.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...]
    home: tuple[str, ...]
    first: str


@dataclass
class Layout:
    """All calls in the order of computation, from one input to one output.

    Parameters
    ----------
    calls
        The first is the input.
    output
        Name of the call whose result is that of the model.
    shape
        Of the input: batch, y, x, channels; ``None`` where it is free.
    models
        How many models were laid out.
    """

    calls: list[Call] = field(default_factory=list)
    output: str = ""
    shape: tuple[Any, ...] = ()
    models: int = 0


def layout(model: Any) -> Layout:
    """Return how a model is connected.

    Parameters
    ----------
    model
        ``{"class_name": "Functional", "config": {...}}`` as Keras writes it.

    Raises
    ------
    ValueError
        It is no such model, is too large, has several inputs or outputs, or goes round in a circle.
    """
    made = Layout()
    made.output = _expanded(model, made, (), None)
    return made


def _expanded(model: Any, made: Layout, home: tuple[str, ...], feed: str | None) -> str:
    """Add the layers of a model, fed by the result of a call; return the name of the call with its result."""
    kind = model.get("class_name") if isinstance(model, Mapping) else None
    config = model.get("config") if isinstance(model, Mapping) else None
    if kind not in MODELS or not isinstance(config, (Mapping, list)):
        raise ValueError(f"it is a {kind!r}, not a Functional or Sequential model")
    made.models += 1
    if len(home) > _DEEPEST or made.models > MOST_LAYERS:
        raise ValueError("it has too many models inside models")
    if kind == "Sequential" or isinstance(config, list):
        return _chain(config, made, home, feed)
    return _Functional(config, made, home, feed).expand()


def _chain(config: Any, made: Layout, home: tuple[str, ...], feed: str | None) -> str:
    layers = config if isinstance(config, list) else config.get("layers")
    if not isinstance(layers, list) or not layers:
        raise ValueError("a Sequential model in it has no layers")
    last = feed
    for layer in layers:
        _check(layer)
        if layer["class_name"] == "InputLayer":
            last = last or _add_input(made, layer["config"])
            continue
        if last is None:
            last = _add_input(made, _first_config(layer))
        last = _added(made, layer, (last,), home)
    assert last is not None
    return last


class _Functional:
    """A model whose layers name those that they follow."""

    def __init__(self, config: Mapping[str, Any], made: Layout, home: tuple[str, ...], feed: str | None) -> None:
        self._made, self._home, self._feed = made, home, feed
        layers = config.get("layers")
        if not isinstance(layers, list) or not 1 <= len(layers) <= MOST_LAYERS:
            raise ValueError("a model in it has no list of layers, or too many")
        for layer in layers:
            _check(layer)
        self._layers = {_name(layer): layer for layer in layers}
        self._inputs, self._outputs = (list(_references(config.get(key))) for key in ("input_layers", "output_layers"))
        if len(self._inputs) != 1 or len(self._outputs) != 1:
            raise ValueError(f"it has {len(self._inputs)} inputs and {len(self._outputs)} outputs, not one of each")
        self._results: dict[str, dict[int, str]] = {}

    def expand(self) -> str:
        """Add the layers in the order of computation; return the name of the call with the result."""
        waiting = [
            (name, number, list(_references(node)))
            for name, layer in self._layers.items()
            for number, node in enumerate(layer.get("inbound_nodes") or [[]])
        ]
        if len(waiting) > MOST_LAYERS:
            raise ValueError(f"it has more than {MOST_LAYERS:,} layers")
        while waiting:
            left = [item for item in waiting if not self._ready(*item)]
            if len(left) == len(waiting):
                raise ValueError(f"the layer {left[0][0]} follows layers that are not there, or itself")
            waiting = left
        result = self._result(*self._outputs[0])
        if result is None:
            raise ValueError(f"its output is {self._outputs[0][0]}, which is not there")
        return result

    def _ready(self, name: str, number: int, references: list[tuple[str, int]]) -> bool:
        """Add a call if all that it needs is there."""
        layer = self._layers[name]
        if layer["class_name"] == "InputLayer":
            if name != self._inputs[0][0]:
                raise ValueError(f"it has a second input {name}")
            self._results[name] = {0: self._feed or _add_input(self._made, layer["config"])}
            return True
        found = [self._result(*reference) for reference in references]
        if not found or None in found:
            return False
        inputs = tuple(source for source in found if source is not None)
        self._results.setdefault(name, {})[number] = _added(self._made, layer, inputs, self._home)
        return True

    def _result(self, name: str, number: int) -> str | None:
        """Return the call that a reference means; a model that is used once may count its uses from 1."""
        known = self._results.get(name, {})
        uses = len(self._layers.get(name, {}).get("inbound_nodes") or [0])
        return known.get(number if uses > 1 else 0)


def _added(made: Layout, layer: Mapping[str, Any], inputs: tuple[str, ...], home: tuple[str, ...]) -> str:
    """Add a call of a layer, or of all layers of a model."""
    name = _name(layer)
    if layer["class_name"] in MODELS:
        if len(inputs) != 1:
            raise ValueError(f"the model {name} in it has {len(inputs)} inputs, not one")
        return _expanded(layer, made, (*home, name), inputs[0])
    if len(made.calls) >= MOST_LAYERS or not isinstance(layer["config"], Mapping):
        raise ValueError(f"it has more than {MOST_LAYERS:,} layers, or {name} has no settings")
    path = (*home, name)
    full = "/".join(path)
    before = [call for call in made.calls if call.home == path]
    called = full if not before else f"{full}:{len(before)}"
    first = before[0].name if before else called
    made.calls.append(Call(called, layer["class_name"], layer["config"], inputs, path, first))
    return called


def _add_input(made: Layout, config: Mapping[str, Any]) -> str:
    shape = config.get("batch_input_shape") or config.get("batch_shape")
    if not isinstance(shape, (list, tuple)) or len(shape) != 4:
        raise ValueError(f"its input has the shape {shape}, not (batch, y, x, channels)")
    made.shape = tuple(shape)
    made.calls.insert(0, Call("input", "InputLayer", {}, (), (), "input"))
    return "input"


def _first_config(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of the first layer that is no model: there Sequential models keep the shape of the input."""
    while layer["class_name"] in MODELS:
        inside = layer["config"]
        layers = inside if isinstance(inside, list) else inside.get("layers")
        if not isinstance(layers, list) or not layers:
            break
        layer = layers[0]
        _check(layer)
    config = layer["config"]
    return config if isinstance(config, Mapping) else {}


def _references(value: Any) -> Iterator[tuple[str, int]]:
    """Yield the layers, and which use of each, that a piece of a model's JSON names."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            yield from _references(value["config"]["keras_history"])
        else:
            for item in value.values():
                yield from _references(item)
    elif isinstance(value, (list, tuple)):
        if _is_reference(value):
            if value[2] != 0:
                raise ValueError(f"it uses a second result of {value[0]}")
            yield value[0], value[1]
            value = value[3:]
        for item in value:
            yield from _references(item)


def _is_reference(value: Sequence[Any]) -> bool:
    return len(value) >= 3 and isinstance(value[0], str) and all(isinstance(item, int) for item in value[1:3])


def _name(layer: Mapping[str, Any]) -> str:
    config = layer["config"]
    return str(layer.get("name") or (config.get("name") if isinstance(config, Mapping) else None) or "layer")


def _check(layer: Any) -> None:
    sound = isinstance(layer, Mapping) and isinstance(layer.get("class_name"), str)
    if not sound or not isinstance(layer.get("config"), (Mapping, list)):
        raise ValueError("a layer in it has no type or no settings")
