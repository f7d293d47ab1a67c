"""What a person did, as lines that can be copied into a script.

    @command("Add feature {name}")
    def add(session, name): ...

Every call of such a function is noted in `Session.log` as the Python line that repeats it, and as a line for the
command line where there is one.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from psygnal import Signal

MOST_LINES = 1000

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class CommandLine:
    """One thing that was done.

    Parameters
    ----------
    title
        In words.
    python
        The call that does it again, with ``commands`` imported from ``ais_app.state``.
    shell
        The same for the command line; empty where there is none.
    """

    title: str
    python: str
    shell: str = ""


@dataclass
class CommandLog:
    """The newest commands of a session, oldest first."""

    lines: list[CommandLine] = field(default_factory=list)

    added = Signal(object)  # CommandLine

    def note(self, line: CommandLine) -> None:
        """Add a line and announce it."""
        self.lines.append(line)
        del self.lines[:-MOST_LINES]
        self.added.emit(line)


def command(title: str, shell: str = "") -> Callable[[F], F]:
    """Make a function ``f(session, ...)`` a command: its calls are noted when they succeed.

    Parameters
    ----------
    title
        In words; ``{name}`` stands for an argument.
    shell
        What to type instead, with ``{name}`` for arguments and ``{project}`` for the project's file.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def noted(session: Any, *args: Any, **kwargs: Any) -> Any:
            result = function(session, *args, **kwargs)
            bound = signature.bind(session, *args, **kwargs)
            bound.apply_defaults()
            words = {name: _shown(value) for name, value in bound.arguments.items()}
            words["project"] = str(session.project.path) if session.has_project else ""
            session.log.note(
                CommandLine(title.format_map(words), _python(function, args, kwargs), shell.format_map(words))
            )
            return result

        return noted  # type: ignore[return-value]

    return decorate


def _python(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    given = [_literal(value) for value in args] + [f"{name}={_literal(value)}" for name, value in kwargs.items()]
    module = function.__module__.rsplit(".", 1)[-1]
    return f"commands.{module}.{function.__name__}({', '.join(['session', *given])})"


def _literal(value: Any) -> str:
    if isinstance(value, Path):
        return repr(str(value))
    if isinstance(value, (list, tuple)):
        inside = ", ".join(_literal(entry) for entry in value)
        return f"[{inside}]"
    return repr(value)


def _shown(value: Any) -> str:
    name = getattr(value, "name", None)
    if isinstance(name, str) and not isinstance(value, Path):
        return name
    if isinstance(value, (list, tuple)):
        return " ".join(_shown(entry) for entry in value)
    return str(value)
