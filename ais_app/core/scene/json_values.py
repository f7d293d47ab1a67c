"""Frozen dataclasses to JSON and back, by their type hints: numbers, text, tuples, dataclasses in dataclasses."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

from ais_app.core.errors import ParameterProblem

T = TypeVar("T")


def json_value(value: Any) -> Any:
    """Return a value with tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: json_value(item) for key, item in value.items()}
    return [json_value(item) for item in value] if isinstance(value, (tuple, list)) else value


def from_json(kind: type[T], value: Any, where: str) -> T:
    """Make a value of a type from JSON.

    Parameters
    ----------
    kind
        A dataclass, a tuple of one length or of any, ``X | None``, text, a number or a truth value.
    value
        What JSON holds.
    where
        Its name in messages.

    Raises
    ------
    ParameterProblem
        It is of another type, has unknown fields, lacks some, or a value is out of bounds.
    """
    made: T = _made(kind, value, where)
    return made


def _made(kind: Any, value: Any, where: str) -> Any:
    options = typing.get_args(kind)
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return None if value is None else _made(next(o for o in options if o is not type(None)), value, where)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list) or (options[-1] is not ... and len(value) != len(options)):
            raise ParameterProblem(where, f"{value!r} is no list of the right length")
        kinds = [options[0]] * len(value) if options[-1] is ... else options
        return tuple(_made(k, item, where) for k, item in zip(kinds, value, strict=True))
    return _dataclass(kind, value, where) if dataclasses.is_dataclass(kind) else _plain(kind, value, where)


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ParameterProblem(where, f"{value!r} is no {kind.__name__}")
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise ParameterProblem(where, f"{unknown[0]!r} is not known", "update ais-app")
    for known in dataclasses.fields(kind):
        needed = known.default is dataclasses.MISSING and known.default_factory is dataclasses.MISSING
        if needed and known.name not in value:
            raise ParameterProblem(where, f"has no {known.name}")
    return kind(**{name: _made(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def _plain(kind: type, value: Any, where: str) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is float and number:
        return float(value)
    if not isinstance(value, kind) or (kind is int and not number):
        raise ParameterProblem(where, f"{value!r} is no {kind.__name__}")
    return value
