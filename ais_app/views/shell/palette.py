"""The command palette: every action by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QDialog

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


class CommandPalette(QDialog):
    """Search all actions."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
