"""Threads of the Render tab: the newest request of each thing counts, and only that."""

from __future__ import annotations

import threading

import pytest

from ais_app.core.errors import FileProblem
from ais_app.core.jobs import JobCancelled
from ais_app.workers.rendering import NewestOf, Volumes, VolumeSource


@pytest.fixture
def worker(qtbot):
    made = NewestOf("test")
    yield made
    made.close()


def test_only_the_newest_of_each_thing_arrives(worker, qtbot):
    go, arrived = threading.Event(), []
    worker.made.connect(lambda name, value, final: arrived.append((name, value, final)))
    worker.request("first", lambda *_: go.wait(5))
    for number in range(5):
        worker.request("a", lambda *_, number=number: number)
    worker.request("b", lambda *_: "b")
    go.set()
    qtbot.waitUntil(lambda: not worker.busy, timeout=5000)
    assert arrived == [("first", True, True), ("a", 4, True), ("b", "b", True)]


def test_what_is_under_way_is_told_and_its_answer_dropped(worker, qtbot):
    begun, stopped, arrived = threading.Event(), threading.Event(), []
    worker.made.connect(lambda name, value, final: arrived.append((value, final)))

    def slow(cancelled, tell):
        tell("early")
        begun.set()
        while not cancelled():
            stopped.wait(0.005)
        stopped.set()
        raise JobCancelled

    worker.request("a", slow)
    assert begun.wait(5)
    qtbot.waitUntil(lambda: arrived == [("early", False)], timeout=5000)
    worker.request("a", lambda *_: "new")
    qtbot.waitUntil(lambda: not worker.busy, timeout=5000)
    assert stopped.is_set() and arrived == [("early", False), ("new", True)]


def test_errors_arrive_on_the_main_thread(worker, qtbot, tmp_path):
    failed = []
    worker.failed.connect(lambda name, error: failed.append((name, error, threading.current_thread())))
    source = VolumeSource(tmp_path / "none.mrc")
    worker.request("a", lambda *_: Volumes().get(source))
    qtbot.waitUntil(lambda: bool(failed), timeout=5000)
    name, error, thread = failed[0]
    assert name == "a" and isinstance(error, FileProblem) and thread is threading.main_thread()


def test_a_dropped_request_is_forgotten(worker, qtbot):
    go, arrived = threading.Event(), []
    worker.made.connect(lambda *told: arrived.append(told))
    worker.request("a", lambda *_: go.wait(5))
    worker.drop("a")
    go.set()
    worker.request("b", lambda *_: 1)
    qtbot.waitUntil(lambda: not worker.busy, timeout=5000)
    assert arrived == [("b", 1, True)]
