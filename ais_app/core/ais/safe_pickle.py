"""Read what is in a pickle without letting it do anything.

Python's own unpickler imports and calls whatever a file names. This one is an interpreter of the pickle opcodes that
knows containers, numbers, strings and plain numeric arrays. It imports nothing and calls nothing: a name in the file
stays a `Name`, an object of a class that is allowed to be mentioned becomes a `StandIn` (its class name, arguments
and state), and anything else raises. Memory is bounded by the size of the file.

The opcodes are those of the Python documentation (module pickletools), protocols 0 to 5.
"""

from __future__ import annotations

import pickletools
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ais_app.core.ais.bounded import BoundedFile
from ais_app.core.ais.inert import CALLS, MENTIONED, Allowed, Name, StandIn, set_state, simple
from ais_app.core.errors import FileProblem

MOST_BYTES = 4 * 2**30
MOST_OPCODES = 5_000_000

_MARK = object()


def load(path: str | Path, allowed: Allowed) -> Any:
    """Return what is in a pickle file.

    Parameters
    ----------
    path
        The file.
    allowed
        Classes that may be mentioned beside numpy's arrays.

    Returns
    -------
    object
        Containers, numbers, strings, `Array` and `StandIn`.

    Raises
    ------
    FileProblem
        The file is missing, no pickle, damaged, too large, or names anything that is not allowed.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise FileProblem(path, f"is too large ({size:,} bytes)", f"at most {MOST_BYTES:,} are read")
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of odd escapes in text: the file is what it is
            return _Machine(path, allowed).run(BoundedFile(stream))
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error), "check the name, and that you may read it") from error


@dataclass
class _Machine:
    """The stack machine of the pickle format."""

    path: Path
    allowed: Allowed
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self, stream: BoundedFile) -> Any:
        try:
            for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):  # type: ignore[arg-type]
                if count > MOST_OPCODES:
                    raise self.problem(f"has more than {MOST_OPCODES:,} parts")
                if opcode.name == "STOP":
                    return self.pop()
                action = _ACTIONS.get(opcode.name)
                if action is None:
                    raise self.problem(f"holds what no session needs ({opcode.name})")
                action(self, argument)
        except (ValueError, OverflowError, struct.error) as error:
            raise self.problem(f"is no pickle or damaged ({error})") from error
        raise self.problem("is cut off")

    def problem(self, text: str) -> FileProblem:
        return FileProblem(self.path, text, "nothing in it was run")

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise self.problem("is damaged (its stack is empty)")
        return self.stack.pop()

    def top(self, kind: type) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise self.problem(f"is damaged (a {kind.__name__} is missing)")
        return self.stack[-1]

    def pop_mark(self) -> list[Any]:
        for position in range(len(self.stack) - 1, -1, -1):
            if self.stack[position] is _MARK:
                items = self.stack[position + 1 :]
                del self.stack[position:]
                return items
        raise self.problem("is damaged (a mark is missing)")

    def remember(self, index: int) -> None:
        self.memo[index] = self.top(object)

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise self.problem("is damaged (it refers to what is not there)")
        self.stack.append(self.memo[index])

    def name(self, module: Any, name: Any) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise self.problem("is damaged (a name is missing)")
        found = Name(module, name)
        known = str(found) in CALLS or str(found) in MENTIONED or str(found) in self.allowed.mentioned
        if not name.isidentifier() or not (known or self.allowed.inert(found)):
            raise self.problem(f"names {found}, which has no place in such a file")
        self.stack.append(found)

    def call(self, callee: Any, arguments: Any) -> None:
        if not isinstance(callee, Name) or not isinstance(arguments, tuple):
            raise self.problem("calls what is no class")
        if str(callee) in CALLS:
            self.stack.append(CALLS[str(callee)](arguments))
        elif self.allowed.inert(callee):
            self.stack.append(StandIn(callee, arguments))
        else:
            raise self.problem(f"calls {callee}, which has no place in such a file")

    def build(self) -> None:
        state = self.pop()
        set_state(self.top(object), state)

    def fill(self, target: dict[Any, Any], items: list[Any]) -> None:
        if len(items) % 2:
            raise ValueError("a key without its value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[simple(key)] = value


def _push(machine: _Machine, value: Any) -> None:
    machine.stack.append(value)


def _fresh(kind: Callable[[], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(kind())


def _constant(value: Any) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(value)


def _marked(make: Callable[[_Machine, list[Any]], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(make(machine, machine.pop_mark()))


def _tuple(length: int) -> Callable[[_Machine, Any], None]:
    def make(machine: _Machine, _: Any) -> None:
        items = [machine.pop() for _ in range(length)]
        machine.stack.append(tuple(reversed(items)))

    return make


def _make_dict(machine: _Machine, items: list[Any]) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    machine.fill(made, items)
    return made


def _append(machine: _Machine, _: Any) -> None:
    item = machine.pop()
    machine.top(list).append(item)


def _appends(machine: _Machine, _: Any) -> None:
    items = machine.pop_mark()
    machine.top(list).extend(items)


def _set_item(machine: _Machine, _: Any) -> None:
    value, key = machine.pop(), machine.pop()
    machine.fill(machine.top(dict), [key, value])


def _set_items(machine: _Machine, _: Any) -> None:
    items = machine.pop_mark()
    machine.fill(machine.top(dict), items)


def _add_items(machine: _Machine, _: Any) -> None:
    items = machine.pop_mark()
    machine.top(set).update(map(simple, items))


def _global(machine: _Machine, both: str) -> None:
    machine.name(*both.split(" ", 1)) if " " in both else machine.name(None, None)


def _stack_global(machine: _Machine, _: Any) -> None:
    name, module = machine.pop(), machine.pop()
    machine.name(module, name)


def _reduce(machine: _Machine, _: Any) -> None:
    arguments, callee = machine.pop(), machine.pop()
    machine.call(callee, arguments)


def _new_with_keywords(machine: _Machine, _: Any) -> None:
    machine.pop()  # keywords: a stand-in has no use for them
    _reduce(machine, _)


def _duplicate(machine: _Machine, _: Any) -> None:
    machine.stack.append(machine.top(object))


def _memoize(machine: _Machine, _: Any) -> None:
    machine.remember(len(machine.memo))


def _pop_mark(machine: _Machine, _: Any) -> None:
    machine.pop_mark()


def _nothing(machine: _Machine, _: Any) -> None:
    return


_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), _nothing),
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"), _push),
    **dict.fromkeys(("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), _push),
    **dict.fromkeys(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), _push),
    "BYTEARRAY8": lambda machine, value: machine.stack.append(bytes(value)),
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    "MARK": _constant(_MARK),
    "POP": lambda machine, _: machine.stack.pop() if machine.stack else machine.pop(),
    "POP_MARK": _pop_mark,
    "DUP": _duplicate,
    "EMPTY_LIST": _fresh(list),
    "EMPTY_DICT": _fresh(dict),
    "EMPTY_SET": _fresh(set),
    "EMPTY_TUPLE": _constant(()),
    "LIST": _marked(lambda _, items: items),
    "TUPLE": _marked(lambda _, items: tuple(items)),
    "FROZENSET": _marked(lambda machine, items: frozenset(map(simple, items))),
    "DICT": _marked(_make_dict),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "ADDITEMS": _add_items,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _new_with_keywords,
    "BUILD": lambda machine, _: machine.build(),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.recall),
    "MEMOIZE": _memoize,
}  # fmt: skip
