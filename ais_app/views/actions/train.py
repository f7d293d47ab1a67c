"""Actions of the Train tab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ais_app.views.actions.action import Action

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


def _browse(window: MainWindow) -> None:
    from ais_app.views.train.offers import show_zoo

    show_zoo(window, window.workbench)


ACTIONS: tuple[Action, ...] = (
    Action("train.browse", "&Browse models…", _browse, "mdi6.cloud-search-outline",
           tip="Find trained networks: shipped ones, your own, and those of zoos"),
)  # fmt: skip
MENU: tuple[str, ...] = ("train.browse",)
