"""Commands about the history: undo and redo."""

from __future__ import annotations

from ais_app.state.log import command
from ais_app.state.session import Session


@command("Undo")
def undo(session: Session) -> str | None:
    """Take back the last step; return its title, or ``None`` when there is nothing to undo."""
    return session.project.undo()


@command("Redo")
def redo(session: Session) -> str | None:
    """Do the step again that was taken back last; return its title, or ``None``."""
    return session.project.redo()
