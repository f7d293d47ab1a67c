"""What goes into the report of a fault, as text."""

from __future__ import annotations

import collections
import logging
import time

from ais_app.state.log import CommandLog
from ais_app.views.dialogs.about import version_lines

MOST_LINES = 400
COMMANDS = 50


class LogTail(logging.Handler):
    """Keeps the newest lines of the log in memory, for a report."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: collections.deque[str] = collections.deque(maxlen=MOST_LINES)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(self.format(record))


def report(details: str, log: CommandLog, lines: collections.abc.Iterable[str]) -> str:
    """Return the text of a report.

    Parameters
    ----------
    details
        The traceback.
    log
        The commands of the session.
    lines
        The end of the log.
    """
    commands = [line.python for line in log.lines[-COMMANDS:]]
    parts = (
        ("ais-app: report of a fault", time.strftime("%Y-%m-%d %H:%M:%S %z")),
        ("Note", "Commands and log hold names and paths of your files; take out what should not leave your hands."),
        ("Versions", version_lines()),
        ("What happened", details.rstrip()),
        (f"Last {COMMANDS} commands", "\n".join(commands) or "none"),
        ("End of the log", "\n".join(lines) or "nothing"),
    )
    return "\n\n".join(f"{title}\n{'-' * len(title)}\n{text}" for title, text in parts) + "\n"
