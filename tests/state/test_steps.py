"""What is written to a project in steps: one step of undo, never seen half, gone without a trace if it fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from ais_app.core.errors import ParameterProblem
from ais_app.state.project import Project

SHAPE = (20, 70, 90)


@pytest.fixture
def volume() -> np.ndarray:
    return (np.random.default_rng(0).random(SHAPE) > 0.5).astype(np.uint8)


class Heard:
    """What is said at the end of the work."""

    def __init__(self) -> None:
        self.done, self.problems = 0, []

    def finished(self) -> None:
        self.done += 1


def begun(project: Project, work: Iterator[None]) -> Heard:
    heard = Heard()
    project.steps.begin(work, heard.finished, heard.problems.append)
    assert project.steps.go_on(0.0) and not heard.done  # one step of several
    return heard


def test_they_are_one_step_of_undo(project: Project, volume: np.ndarray) -> None:
    heard = begun(project, project.importing_labels("T1", "membrane", volume))
    while project.steps.go_on(0.001):
        pass
    assert (heard.done, heard.problems) == (1, [])
    assert np.array_equal(project.labels("T1", "membrane").read(), volume)
    assert project.undo() == "Import membrane on T1"
    assert not project.labels("T1", "membrane").read().any()


def test_who_reads_meanwhile_sees_all_of_it(project: Project, volume: np.ndarray) -> None:
    heard = begun(project, project.importing_labels("T1", "membrane", volume))
    assert np.array_equal(project.labels("T1", "membrane").read(), volume)
    assert heard.done == 1 and not project.steps.go_on(1.0)


@pytest.mark.parametrize("meanwhile", ["undo", "change", "other work", "copy", "close"])
def test_what_comes_meanwhile_comes_after_it(project: Project, volume: np.ndarray, meanwhile: str, tmp_path) -> None:
    heard = begun(project, project.importing_labels("T1", "membrane", volume))
    path = project.path
    if meanwhile == "undo":
        assert project.undo() == "Import membrane on T1"
        volume = np.zeros_like(volume)
    elif meanwhile == "change":
        project.add_feature("ribosome")
        assert [entry.title for entry in project.history[:2]] == ["Add feature ribosome", "Import membrane on T1"]
    elif meanwhile == "other work":
        begun(project, project.importing_labels("T1", "membrane", 1 - volume))
        assert heard.done == 1
        volume = 1 - volume
    elif meanwhile == "copy":
        path = project.save_copy(tmp_path / "copy.aisproj")
    project.close()
    assert heard.done == 1
    with Project.open(path) as again:
        assert np.array_equal(again.labels("T1", "membrane").read(), volume)


def test_another_thread_waits_for_the_end(project: Project, volume: np.ndarray) -> None:
    begun(project, project.importing_labels("T1", "membrane", volume))
    seen = []
    thread = threading.Thread(target=lambda: seen.append(project.labels("T1", "membrane").read()))
    thread.start()
    thread.join(0.05)
    assert not seen
    while project.steps.go_on(0.01):
        pass
    thread.join(10)
    assert np.array_equal(seen[0], volume)


def test_what_fails_leaves_no_trace_and_is_said_to_who_began_it(project: Project, volume: np.ndarray) -> None:
    volume[-1, -1, -1] = 7
    before = len(project.history)
    heard = begun(project, project.importing_labels("T1", "membrane", volume))
    project.add_feature("ribosome")  # its way is cleared, and it does not fail
    assert heard.done == 0 and [type(error) for error in heard.problems] == [ParameterProblem]
    assert not project.labels("T1", "membrane").read().any()
    assert len(project.history) == before + 1
