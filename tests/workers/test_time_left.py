"""How much time is left: estimated from what the job itself has done."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from ais_app.core.jobs import Progress, in_words, retold, run
from ais_app.workers.job_runner import JobHandle, JobRunner

WAIT = 60_000  # ms


@pytest.fixture
def after(qtbot):
    """Run steps with pauses between them, in seconds; returns the job once the last was said."""
    runner, go_on = JobRunner(), threading.Event()

    def work(steps: list[tuple[float, Progress]]) -> Iterator[Progress]:
        for pause, step in steps:
            time.sleep(pause)
            yield step
        go_on.wait(WAIT / 1000)

    def start(*steps: tuple[float, Progress]) -> JobHandle:
        handle = runner.start("work", lambda: work(list(steps)))
        qtbot.waitUntil(lambda: handle.progress == steps[-1][1], timeout=WAIT)
        return handle

    yield start
    go_on.set()
    runner.shutdown()


def test_what_was_done_before_the_job_began_took_none_of_its_time(after) -> None:
    job = after((0, Progress(900, 1000)), (1.5, Progress(920, 1000)))
    assert job.seconds_left is not None and job.seconds_left > 5  # 80 steps, of which twenty take a second and a half


def test_steps_whose_share_is_not_known_do_not_count(after) -> None:
    job = after((0, Progress(100, 100, "before")), (1.5, Progress(0, 100)), (1.2, Progress(50, 100)))
    assert job.seconds_left == pytest.approx(1.2, abs=1.0)
    assert after((0, Progress(9, 10)), (1.5, Progress(0, 0, "drawing a map"))).seconds_left is None


def test_a_job_that_has_just_been_able_to_say_how_far_it_is_says_nothing_yet(after) -> None:
    assert after((1.5, Progress(999, 1000))).seconds_left is None


def test_a_step_of_a_larger_job_says_its_own_share_in_words() -> None:
    def cutting() -> Iterator[Progress]:
        yield Progress(0, 0, "looking")
        for done in (3, 40, 120):
            yield Progress(done, 120, "cutting")
        return "cubes"

    said: list[Progress] = []
    assert run(retold(cutting(), in_words), said.append) == "cubes"
    assert [step.message for step in said] == ["looking", "cutting: 0 %", "cutting: 30 %", "cutting: 100 %"]
    assert {(step.done, step.total) for step in said} == {(0, 0)}
