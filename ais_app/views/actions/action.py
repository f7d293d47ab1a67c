"""An action: something a person can call by menu, tool bar, key, or name in the command palette."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow

SEPARATOR = "-"


@dataclass(frozen=True)
class Action:
    """One action.

    Parameters
    ----------
    id
        Name that key settings and tests use: ``"slice.next"``.
    text
        As menus show it; ``…`` at the end when it asks something.
    run
        What it does, given the window.
    icon
        Name in Material Design Icons, such as ``"mdi6.brush"``; may be empty.
    key
        Default key; several are separated by ``"; "``.
    tip
        One sentence for the tooltip and the palette; the key is added to it.
    checked
        For actions that are on or off: tells which.
    enabled
        Tells whether it can be done now; always when ``None``.
    repeats
        Holding the key does it again and again.
    """

    id: str
    text: str
    run: Callable[[MainWindow], object]
    icon: str = ""
    key: str = ""
    tip: str = ""
    checked: Callable[[MainWindow], bool] | None = None
    enabled: Callable[[MainWindow], bool] | None = None
    repeats: bool = False


class ActionTable:
    """All actions by id.

    Parameters
    ----------
    actions
        In the order in which the palette lists them; ids must differ.
    """

    def __init__(self, actions: Iterable[Action]) -> None:
        self._actions: dict[str, Action] = {}
        for action in actions:
            if action.id in self._actions:
                raise ValueError(f"two actions are called {action.id}")
            self._actions[action.id] = action

    def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: D105
        return iter(self._actions.values())

    def __len__(self) -> int:
        return len(self._actions)

    def __getitem__(self, id: str) -> Action:
        if id not in self._actions:
            near = difflib.get_close_matches(id, self._actions, n=1)
            raise KeyError(f"no action {id!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return self._actions[id]
