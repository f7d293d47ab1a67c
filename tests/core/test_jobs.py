"""Jobs: progress, results, stopping."""

from __future__ import annotations

import pytest

from ais_app.core.jobs import Job, JobCancelled, Progress, run


def counting(steps: int) -> Job[int]:
    for step in range(steps):
        yield Progress(step, steps)
    return steps


def keeping(steps: int) -> Job[str]:
    done = 0
    try:
        for step in range(steps):
            yield Progress(step, steps)
            done += 1
    except JobCancelled:
        return f"stopped after {done}"
    return "all"


def test_a_job_returns_its_result_and_reports_every_step():
    seen: list[Progress] = []
    assert run(counting(3), seen.append) == 3
    assert [progress.done for progress in seen] == [0, 1, 2]


def test_a_stopped_job_raises():
    with pytest.raises(JobCancelled):
        run(counting(3), stop=lambda: True)


def test_a_stopped_job_may_keep_what_it_has():
    polls = iter([False, False, True])
    assert run(keeping(10), stop=lambda: next(polls)) == "stopped after 2"


def test_an_empty_job_returns_at_once():
    assert run(counting(0)) == 0
