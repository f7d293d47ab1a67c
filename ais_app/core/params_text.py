"""Parameters from text, as ``name=value`` on a command line or in a settings file."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from typing import Any

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params

_TRUE, _FALSE, _NONE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}, {"", "none"}


def split_pair(pair: str) -> tuple[str, str]:
    """Return name and text of ``name=value``; dashes in the name count as underscores.

    Raises
    ------
    ParameterProblem
        There is no ``=``.
    """
    name, sign, text = pair.partition("=")
    if not sign or not name.strip():
        raise ParameterProblem(pair, "is not name=value", "write for example centre=half")
    return name.strip().replace("-", "_"), text.strip()


def values_from_text(
    params: type[Params], pairs: Sequence[tuple[str, str]], remedy: str = "see `ais-app coordinates --formats`"
) -> dict[str, Any]:
    """Return values of the types that the fields of `params` have; names it does not know are left as text.

    `remedy` says in errors where the fields are listed.

    Raises
    ------
    ParameterProblem
        A text does not fit its field.
    """
    hints = typing.get_type_hints(params)
    return {name: _value(name, text, hints[name], remedy) if name in hints else text for name, text in pairs}


def _value(name: str, text: str, hint: Any, remedy: str) -> Any:
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if type(None) in kinds and text.lower() in _NONE:
        return None
    kind = next(kind for kind in kinds if kind is not type(None))
    try:
        if typing.get_origin(kind) is tuple:
            return _several(text, typing.get_args(kind))
        return _truth(text) if kind is bool else kind(text)
    except ValueError as error:
        wanted = getattr(kind, "__name__", str(kind)) if typing.get_origin(kind) is None else "numbers with commas"
        raise ParameterProblem(name, f"{text!r} is no {wanted}", remedy) from error


def _several(text: str, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    words = text.replace("x", ",").split(",")
    if Ellipsis in kinds:
        return tuple(kinds[0](word) for word in words)
    if len(words) != len(kinds):
        raise ValueError(f"{len(words)} values for {len(kinds)}")
    return tuple(kind(word) for kind, word in zip(kinds, words, strict=True))


def _truth(text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise ValueError(text)
