"""Actions that help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ais_app.views.actions.action import Action

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


def _palette(window: MainWindow) -> None:
    from ais_app.views.shell.palette import CommandPalette

    CommandPalette(window).open()


def _about(window: MainWindow) -> None:
    from ais_app.views.dialogs.about import AboutDialog

    AboutDialog(window).open()


ACTIONS = (
    Action("help.palette", "&Search all actions…", _palette, "mdi6.magnify", "F1", "Find any action by its name"),
    Action("help.about", "&About ais-app", _about, tip="Versions of this program and of what it rests on"),
)
MENU = ("help.palette", "help.about")
