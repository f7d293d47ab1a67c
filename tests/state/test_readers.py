"""Jobs read a project while the window writes it: from threads and from other processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from ais_app.core.annotation import brush
from ais_app.core.annotation.boxes import Box
from ais_app.state.project import Project

SECONDS = 1.0
LIMIT = 5.0  # that nobody may wait for another
LATEST = 60.0  # until every thread has read a few times, on a machine with much else to do

_READ = """
import json, sys, time
from ais_app.state.project import Project
seen, worst = [], 0.0
end = time.monotonic() + float(sys.argv[2])
print("ready", flush=True)
while time.monotonic() < end:
    start = time.monotonic()
    with Project.open(sys.argv[1], read_only=True) as project:
        for _ in range(3):
            seen.append((len(project.boxes("T1", "membrane")), int(project.labels("T1", "membrane").read().sum())))
    worst = max(worst, time.monotonic() - start)
print(json.dumps({"seen": seen, "worst": worst}))
"""


def read(path: Path, seen: list[tuple[int, int]], waits: list[float], stop: threading.Event) -> None:
    while not stop.is_set():
        start = time.monotonic()
        with Project.open(path, read_only=True) as project:
            seen.append((len(project.boxes("T1", "membrane")), int(project.labels("T1", "membrane").read().sum())))
        waits.append(time.monotonic() - start)


def test_jobs_read_while_the_window_writes(project: Project) -> None:
    """Two threads and a process open and read as fast as they can; each sees whole steps, and newer ones later."""
    stop = threading.Event()
    views: list[list[tuple[int, int]]] = [[], []]
    waits: list[float] = []
    threads = [threading.Thread(target=read, args=(project.path, seen, waits, stop)) for seen in views]
    command = [sys.executable, "-c", _READ, str(project.path), str(SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        for thread in threads:
            thread.start()
        labels = project.labels("T1", "membrane")
        end = time.monotonic() + SECONDS
        count = 0
        while (now := time.monotonic()) < end or (now < end + LATEST and min(map(len, views)) < 3):
            start = time.monotonic()
            with project.group("Stroke and boxes"):
                project.add_boxes("T1", "membrane", [Box((5, 30, 20)), Box((6, 30, 20))])
                labels.apply(brush.disk(labels, [(count % 20, 20 + count % 30, 10 + count % 50)], 3))
            waits.append(time.monotonic() - start)
            count += 2
            if count % 20 == 0:
                project.set_display("z", count)
        stop.set()
        for thread in threads:
            thread.join()
        far = json.loads(other.stdout.read())
    assert other.returncode == 0
    assert max(*waits, far["worst"]) < LIMIT
    for seen in (*views, [tuple(pair) for pair in far["seen"]]):
        assert len(seen) > 2
        assert seen == sorted(seen)  # never an older state after a newer one
        assert all(boxes % 2 == 0 for boxes, _ in seen)  # never half a step
    with Project.open(project.path, read_only=True) as reader:
        assert len(reader.boxes("T1", "membrane")) == count


def test_what_is_written_is_read_at_once(project: Project) -> None:
    with Project.open(project.path, read_only=True) as reader:
        labels, mine = reader.labels("T1", "membrane"), project.labels("T1", "membrane")
        for number in range(10):
            mine.apply(brush.disk(mine, [(5, 30, 10 + 5 * number)], 4))
            assert labels.read().tobytes() == mine.read().tobytes()
            assert labels.annotated_slices() == [5]
        while project.undo() != "Add feature membrane":
            assert labels.read_plane("z", 5).tobytes() == mine.read_plane("z", 5).tobytes()
        assert not labels.read().any()


def test_a_job_that_only_opened_does_not_stop_the_writer(project: Project) -> None:
    readers = [Project.open(project.path, read_only=True) for _ in range(5)]
    for reader in readers:
        assert reader.tomograms
    start = time.monotonic()
    project.labels("T1", "membrane").mark("z", 3)
    assert time.monotonic() - start < LIMIT
    for reader in readers:
        assert reader.labels("T1", "membrane").annotated_slices() == [3]
        reader.close()
    project.labels("T1", "membrane").mark("z", 4)
