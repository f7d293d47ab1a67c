"""All actions of the window, in the order of the menus; a new one is a record in one of these files."""

from __future__ import annotations

from functools import cache

from ais_app.views.actions import annotate, edit, export, file, help, particles, render, tomogram, train, view
from ais_app.views.actions.action import ActionTable

MENUS = {
    "&File": file.MENU,
    "&Edit": edit.MENU,
    "&View": view.MENU,
    "&Tomogram": tomogram.MENU,
    "&Annotate": annotate.MENU,
    "T&rain": train.MENU,
    "E&xport": export.MENU,
    "Re&nder": render.MENU,
    "&Particles": particles.MENU,
    "&Help": help.MENU,
}


@cache
def all_actions() -> ActionTable:
    """Return every action."""
    files = (file, edit, view, tomogram, annotate, train, export, render, particles, help)
    return ActionTable(action for module in files for action in module.ACTIONS)
