"""A process that paints until it is killed; run by test_killed.py.

    python painter.py                          waits for lines "PROJECT|REPORT|FIRST" and forks a painter for each
    python painter.py PROJECT REPORT FIRST     paints

A painter writes to REPORT: its process id first, then the number of each stroke once it is finished.
"""

from __future__ import annotations

import os
import random
import signal
import sys

from ais_app.core.annotation import brush
from ais_app.core.annotation.boxes import Box
from ais_app.core.annotation.labels import Edit, Labels
from ais_app.state.project import Project


def stroke(labels: Labels, number: int) -> Edit:
    """Stroke `number`: the same in the painter and in the test."""
    rng = random.Random(number)
    z = rng.randrange(20)
    points = [(z, rng.uniform(0, 69), rng.uniform(0, 89)) for _ in range(3)]
    return brush.disk(labels, points, 4.0, label=(1, 2, 0)[number % 3])


def is_box(number: int) -> bool:
    return number % 10 == 9


def box(number: int) -> Box:
    return Box((number % 20, 1, number / 1000))


def paint(path: str, report: str, first: str) -> None:
    # one write each, so that a kill never leaves half a line
    out = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(out, f"{os.getpid()}\n".encode())
    with Project.open(path) as project:
        labels = project.labels("T1", "membrane")
        number = int(first)
        while True:
            if is_box(number):
                project.add_boxes("T1", "membrane", [box(number)])
            else:
                labels.apply(stroke(labels, number))
            os.write(out, f"{number}\n".encode())
            number += 1


def serve() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once, not zombies
    for line in sys.stdin:
        if os.fork() == 0:
            paint(*line.rstrip("\n").split("|"))


if __name__ == "__main__":
    paint(*sys.argv[1:]) if len(sys.argv) > 1 else serve()
