"""Actions of the Train tab."""

from __future__ import annotations

from ais_app.views.actions.action import Action

ACTIONS: tuple[Action, ...] = ()
MENU: tuple[str, ...] = ()
