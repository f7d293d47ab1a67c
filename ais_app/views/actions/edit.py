"""Actions about what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ais_app.state.commands import edit
from ais_app.views.actions.action import Action

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


def _can_undo(window: MainWindow) -> bool:
    session = window.workbench.session
    return session.has_project and session.project.undo_title is not None


def _can_redo(window: MainWindow) -> bool:
    session = window.workbench.session
    return session.has_project and session.project.redo_title is not None


ACTIONS = (
    Action(
        "edit.undo", "&Undo", lambda window: edit.undo(window.workbench.session), "mdi6.undo", "Ctrl+Z",
        "Take back the last step", enabled=_can_undo, repeats=True,
    ),
    Action(
        "edit.redo", "&Redo", lambda window: edit.redo(window.workbench.session), "mdi6.redo", "Ctrl+Shift+Z; Ctrl+Y",
        "Do again what was taken back", enabled=_can_redo, repeats=True,
    ),
)  # fmt: skip
MENU = ("edit.undo", "edit.redo")
