"""Menus and tool bar, made from the tables of actions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QMenu, QToolBar, QToolButton

from ais_app.views.actions.action import SEPARATOR
from ais_app.views.actions.table import MENUS

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow

TOOL_BAR = (
    "file.open", SEPARATOR, "edit.undo", "edit.redo", SEPARATOR, "tool.brush", "tool.eraser", "tool.flood",
    "tool.lasso", "tool.livewire", "tool.box", SEPARATOR, "view.auto_contrast", "view.invert", "view.planes",
    "view.labels", "view.predictions",
)  # fmt: skip


def fill_menus(window: MainWindow) -> None:
    """Fill the menu bar."""
    bar = window.menuBar()
    assert bar is not None  # a QMainWindow makes its menu bar when asked
    for title, names in MENUS.items():
        menu = bar.addMenu(title)
        assert menu is not None
        menu.setToolTipsVisible(True)
        fill_menu(menu, names, window)
        if title == "&File":
            _add_recent(menu, window)
    bar.setCornerWidget(_search_button(window))


def _search_button(window: MainWindow) -> QToolButton:
    """Return the button at the right end of the menus that finds any action."""
    button, action = QToolButton(), window.actions_by_id["help.palette"]

    def follow() -> None:
        button.setIcon(action.icon())
        button.setToolTip(action.toolTip())

    follow()
    action.changed.connect(follow)
    button.clicked.connect(lambda _: action.trigger())
    button.setText("Search actions")
    button.setProperty("role", "search")
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setIconSize(QSize(15, 15))
    button.setAccessibleName("Search all actions")
    return button


def fill_menu(menu: QMenu, names: tuple[str, ...], window: MainWindow) -> None:
    """Add actions to a menu by their names."""
    for name in names:
        if name == SEPARATOR:
            menu.addSeparator()
        else:
            menu.addAction(window.actions_by_id[name])


def fill_tool_bar(window: MainWindow) -> None:
    """Make the tool bar."""
    bar = QToolBar("Tools")
    bar.setObjectName("ToolBar")
    bar.setMovable(False)
    bar.setIconSize(QSize(20, 20))
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    for name in TOOL_BAR:
        if name == SEPARATOR:
            bar.addSeparator()
        else:
            bar.addAction(window.actions_by_id[name])
    window.addToolBar(bar)


def _add_recent(menu: QMenu, window: MainWindow) -> None:
    recent = QMenu("Open &recent", menu)

    def refresh() -> None:
        recent.clear()
        for path in window.workbench.settings.recent:
            action = recent.addAction(path)
            if action is not None:
                action.triggered.connect(lambda _=False, path=path: window.open_files([Path(path)]))
        if recent.isEmpty() and (nothing := recent.addAction("Nothing yet")) is not None:
            nothing.setEnabled(False)

    recent.aboutToShow.connect(refresh)
    menu.insertMenu(window.actions_by_id["file.new"], recent)
