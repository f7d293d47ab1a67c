"""What the tests of the shell share: jobs that wait or fail, and what the window has said."""

from __future__ import annotations

import threading

from ais_app.core.errors import FileProblem
from ais_app.core.jobs import Progress


def waiting_job(gate: threading.Event, steps: int = 4):
    """A job that stands at 50 % until the gate opens."""
    yield Progress(steps / 2, steps, "half way", {"loss": 0.1})
    while not gate.wait(0.01):
        yield Progress(steps / 2, steps, "half way", {"loss": 0.1})
    return "result"


def failing_job():
    yield Progress(0, 2, "begin")
    raise FileProblem("/data/TS_09.mrc", "is truncated", "copy it again")


def texts(window) -> list[str]:
    return [note.notification.text for note in window.notifications.history]
