"""Command-line options made from a Params dataclass."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ais_app.core.params import Params


def with_params(params: type[Params], argument: str = "params") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command one option per field of `params`.

    The decorated function takes the parameter set as keyword `argument`; on the command line each field stands
    as an option with its help, unit, default and bounds.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        own = inspect.signature(function, eval_str=True)
        fields = {field.name: field for field in dataclasses.fields(params)}
        hints = typing.get_type_hints(params)
        options = [_option(field, hints[name]) for name, field in fields.items()]
        kept = [p for p in own.parameters.values() if p.name != argument]

        def command(**values: Any) -> Any:
            chosen = {name: values.pop(name) for name in fields}
            chosen = {name: _value(fields[name], hints[name], value) for name, value in chosen.items()}
            return function(**values, **{argument: params(**chosen)})

        command.__name__ = function.__name__
        command.__doc__ = function.__doc__
        command.__annotations__ = {p.name: p.annotation for p in [*kept, *options]}
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in [*kept, *options]]
        command.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        return command

    return decorate


def _value(field: dataclasses.Field[Any], hint: Any, given: Any) -> Any:
    """Turn what the parser gives back into the field's value."""
    if _is_fixed_tuple(hint) and isinstance(given, str):
        return _split(field, typing.get_args(hint), given)
    if isinstance(field.default, tuple) and not given:
        return field.default  # a repeated option that was not given is None or an empty list
    return tuple(given) if isinstance(given, list) else given


def _split(field: dataclasses.Field[Any], kinds: tuple[type, ...], text: str) -> tuple[Any, ...]:
    words = text.split(",")
    try:
        if len(words) != len(kinds):
            raise ValueError
        return tuple(kind(word) for kind, word in zip(kinds, words, strict=True))
    except ValueError:
        names = ", ".join(kind.__name__ for kind in kinds)
        raise typer.BadParameter(f"{text!r} is not {names} with commas between", param_hint=_flag(field)) from None


def _flag(field: dataclasses.Field[Any]) -> str:
    return "--" + (field.metadata["option"] or field.name.replace("_", "-"))


def _option(field: dataclasses.Field[Any], hint: Any) -> inspect.Parameter:
    limits, flag = field.metadata, _flag(field)
    unit = f" [{limits['unit']}]" if limits["unit"] else ""
    names = [f"{flag}/--no-{flag[2:]}"] if hint is bool else [flag]
    numeric = not _is_fixed_tuple(hint)
    option = typer.Option(
        *names,
        help=f"{limits['help']}{unit}",
        min=limits["low"] if numeric else None,
        max=limits["high"] if numeric else None,
    )
    default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
    if isinstance(default, tuple):
        default = ",".join(map(str, default)) if _is_fixed_tuple(hint) else default or None
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=list(default) if isinstance(default, tuple) else default,
        annotation=Annotated[_command_line_type(hint, limits["choices"]), option],
    )


def _is_fixed_tuple(hint: Any) -> bool:
    """Say whether it is ``tuple[int, int, int]``: one option with commas, such as ``--shape 64,256,256``."""
    return typing.get_origin(hint) is tuple and Ellipsis not in typing.get_args(hint)


def _command_line_type(hint: Any, choices: tuple[Any, ...] = ()) -> Any:
    """Return the type the parser knows: ``tuple[float, ...]`` is a repeated option, choices are listed in the help."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        return typing.Optional[_command_line_type(kinds[0], choices)]  # noqa: UP045 - built from values
    if choices and hint is str:
        return typing.Literal[choices]
    if origin is typing.Literal or _is_fixed_tuple(hint):
        return hint if origin is typing.Literal else str
    if origin is tuple:
        return list[typing.get_args(hint)[0]]  # type: ignore[misc]
    return hint
