"""An error that nobody foresaw: say what happened, save a report, go on."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import TYPE_CHECKING

from ais_app.core.errors import AisAppError

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


def show_crash(
    window: MainWindow, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Show an error: one that a person can put right as a message, any other with its traceback."""
    details = "".join(traceback.format_exception(kind, error, trace))
    text = str(error) if isinstance(error, AisAppError) else f"Something went wrong: {error!r}"
    window.workbench.notify(text, "error", details)
