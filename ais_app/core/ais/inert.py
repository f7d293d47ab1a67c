"""What a pickle holds once nothing in it is allowed to act: names, stand-ins, and arrays rebuilt from plain bytes.

Each function raises `ValueError` for what is damaged; `ais_app.core.ais.safe_pickle` turns that into words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMERIC = re.compile(r"[<>|=]?[biufc](1|2|4|8|16)|\?")


@dataclass(frozen=True)
class Name:
    """A module and a name in it that the file mentions; nothing was imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class StandIn:
    """An object that was not made: what class it would have been of, and with what."""

    kind: Name
    arguments: tuple[Any, ...] = ()
    state: Any = None

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute from the state that was stored."""
        return self.state.get(name, default) if isinstance(self.state, dict) else default


@dataclass(eq=False)
class NumberType:
    """A numpy dtype in the making."""

    code: str
    order: str = "="

    def resolve(self) -> np.dtype[Any] | None:
        """Return the plain numeric type, or ``None`` for records and text, which are of no use here."""
        if not _NUMERIC.fullmatch(self.code):
            return None
        code = self.code.lstrip("<>|=")
        try:
            return np.dtype(self.order + code if self.order in ("<", ">") and code != "?" else code)
        except TypeError:  # a size that this type does not come in
            return None


@dataclass(eq=False)
class Array:
    """An array as it was stored; `values` is ``None`` where it is not plain numbers."""

    values: np.ndarray | None = None


@dataclass
class Allowed:
    """Which names a file may hold.

    Parameters
    ----------
    packages
        Top-level packages whose classes become stand-ins.
    classes
        Single classes or functions, ``"module.name"``, that become stand-ins.
    mentioned
        Names that may stand as arguments, but not be called.
    """

    packages: tuple[str, ...] = ()
    classes: frozenset[str] = frozenset()
    mentioned: frozenset[str] = frozenset()

    def inert(self, name: Name) -> bool:
        """Return whether an object of this class may be left as a stand-in."""
        return name.module.split(".")[0] in self.packages or str(name) in self.classes


def set_state(target: Any, state: Any) -> None:
    """Give an object that was not made its state, as the opcode BUILD does."""
    if isinstance(target, StandIn):
        target.state = state
    elif isinstance(target, Array):
        target.values = array_of_state(state)
    elif isinstance(target, NumberType):
        if not isinstance(state, tuple) or len(state) < 5 or not isinstance(state[1], str):
            raise ValueError("the type of an array")
        target.order = state[1]
        if any(part is not None for part in state[2:5]):
            target.code = "record"
    else:
        raise ValueError("a state without its object")


def array_of_state(state: Any) -> np.ndarray | None:
    """Make an array from what `ndarray.__reduce__` stores: version, shape, type, Fortran order, bytes."""
    if not isinstance(state, tuple) or len(state) != 5:
        raise ValueError("an array")
    _, shape, kind, fortran, raw = state
    return plain_array(raw, kind, shape, "F" if fortran else "C")


def plain_array(raw: Any, kind: Any, shape: Any, order: Any) -> np.ndarray | None:
    """Return bytes as an array of numbers (read-only), or ``None`` where its type is not plain numbers."""
    if not isinstance(kind, NumberType):
        raise ValueError("an array without a type")
    dtype = kind.resolve()
    if dtype is None:
        return None
    if isinstance(raw, str):  # Python 2 wrote bytes as text
        raw = raw.encode("latin-1")
    good = isinstance(shape, tuple) and len(shape) <= 8 and all(type(n) is int and n >= 0 for n in shape)
    if not good or not isinstance(raw, bytes) or math.prod(shape) * dtype.itemsize != len(raw):
        raise ValueError("an array and its shape do not agree")
    return np.frombuffer(raw, dtype=dtype).reshape(shape, order="F" if order == "F" else "C")


def _reconstruct(arguments: tuple[Any, ...]) -> Array:
    return Array()


def _create_array(arguments: tuple[Any, ...]) -> Array:
    """Follow dill's ``_create_array(function, arguments, state, attributes)``."""
    if len(arguments) < 3:
        raise ValueError("an array")
    return Array(array_of_state(arguments[2]))


def _from_buffer(arguments: tuple[Any, ...]) -> Array:
    """Follow numpy's ``_frombuffer(bytes, type, shape, order)`` of protocol 5."""
    if len(arguments) != 4:
        raise ValueError("an array")
    return Array(plain_array(*arguments))


def _scalar(arguments: tuple[Any, ...]) -> Any:
    if len(arguments) != 2 or not isinstance(arguments[0], NumberType):
        raise ValueError("a number")
    values = plain_array(arguments[1], arguments[0], (1,), "C")
    return None if values is None else values[0].item()


def _dtype(arguments: tuple[Any, ...]) -> NumberType:
    code = arguments[0] if arguments else None
    if isinstance(code, Name):  # numpy.record
        code = "record"
    if not isinstance(code, str):
        raise ValueError("the type of an array")
    if "O" in code:
        raise ValueError("an array of objects")
    return NumberType(code)


def _encode(arguments: tuple[Any, ...]) -> bytes:
    """Follow ``codecs.encode(text, "latin1")``: how the older protocols write bytes."""
    if len(arguments) != 2 or not isinstance(arguments[0], str) or arguments[1] not in ("latin1", "latin-1"):
        raise ValueError("bytes")
    return arguments[0].encode("latin-1")


def _reconstructor(arguments: tuple[Any, ...]) -> StandIn:
    """Follow copyreg's ``_reconstructor(class, base, state)``: how protocols 0 and 1 make objects."""
    if not arguments or not isinstance(arguments[0], Name):
        raise ValueError("an object without a class")
    return StandIn(arguments[0])


def _set(arguments: tuple[Any, ...]) -> set[Any]:
    items = arguments[0] if arguments else []
    if not isinstance(items, list):
        raise ValueError("a set")
    return {simple(item) for item in items}


def simple(key: Any) -> Any:
    """Return a key that is safe to hash: hashing a tuple of tuples of tuples ... would exhaust the C stack."""
    parts = key if isinstance(key, tuple) else (key,)
    if not all(part is None or isinstance(part, (str, bytes, int, float)) for part in parts):
        raise ValueError("a key that is neither text nor number")
    return key


CALLS: dict[str, Callable[[tuple[Any, ...]], Any]] = {
    **{f"{module}._reconstruct": _reconstruct for module in _MULTIARRAY},
    **{f"{module}.scalar": _scalar for module in _MULTIARRAY},
    "numpy.core.numeric._frombuffer": _from_buffer,
    "numpy._core.numeric._frombuffer": _from_buffer,
    "dill._dill._create_array": _create_array,
    "numpy.dtype": _dtype,
    "_codecs.encode": _encode,
    **{f"{module}._reconstructor": _reconstructor for module in ("copyreg", "copy_reg")},
    **{f"{module}.{kind}": _set for module in ("builtins", "__builtin__") for kind in ("set", "frozenset")},
}
_CLASSES = ("ndarray", "memmap", "record", "recarray", "rec.recarray", "core.records.recarray")
MENTIONED = frozenset({*(f"numpy.{name}" for name in _CLASSES), "builtins.object", "__builtin__.object"})
