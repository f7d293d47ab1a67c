"""Trainings in a project: noted, updated, found again, and interrupted when their process ends."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ais_app.core.errors import FileProblem, ParameterProblem, ProjectProblem
from ais_app.state.project import Project

_TRAIN = """
import sys
from ais_app.state.project import Project
with Project.open(sys.argv[1]) as project:
    project.add_run("killed", checkpoint=sys.argv[2])
    project.add_run("done", state="finished")
"""


def test_a_run_from_start_to_end(project: Project, tmp_path: Path) -> None:
    told: list[int] = []
    project.events.runs.connect(lambda: told.append(1))
    before = project.history
    run = project.add_run("first", feature=1, parameters={"epochs": 50, "lr": 1e-3}, checkpoint=tmp_path / "first.ckpt")
    assert (run.state, run.scores, run.model, run.parent) == ("training", {}, None, None)
    assert run.checkpoint == tmp_path / "first.ckpt"  # not there yet
    history = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": float("nan")}]
    project.update_run(run, scores={"history": history, "dice": 0.8})
    (tmp_path / "m.aismodel").write_bytes(b"a network")
    done = project.update_run(
        run.id, state="finished", model=tmp_path / "m.aismodel", checkpoint=None, message="best: 1"
    )
    assert done.scores == {"history": [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": None}], "dice": 0.8}
    assert (done.model, done.checkpoint, done.message) == (tmp_path / "m.aismodel", None, "best: 1")
    assert len(done.model_fingerprint) == 32
    assert done.parameters == {"epochs": 50, "lr": 1e-3}
    second = project.add_run("second", parent=run.id)
    assert project.runs == [done, second]
    assert project.history == before
    assert project.undo() == "Add feature membrane"
    assert project.runs == [done, second]
    project.remove_run(run)
    assert [(r.name, r.parent) for r in project.runs] == [("second", None)]
    assert (tmp_path / "m.aismodel").exists()
    assert len(told) == 5


def test_runs_of_a_process_that_ended_were_interrupted(project: Project, tmp_path: Path) -> None:
    project.close()
    command = [sys.executable, "-c", _TRAIN, str(project.path), str(tmp_path / "killed.ckpt")]
    subprocess.run(command, check=True)
    with Project.open(project.path, read_only=True) as reader:  # it cannot know who is writing
        assert [run.state for run in reader.runs] == ["training", "finished"]
    with Project.open(project.path) as again:
        assert [run.state for run in again.runs] == ["interrupted", "finished"]
        again.update_run(1, message="still")
        assert again.run(1).state == "interrupted"
        assert again.update_run(1, state="training").state == "training"  # resumed
        mine = again.add_run("mine")
    with Project.open(project.path) as again:  # closed and opened by the process that trains
        assert [run.state for run in again.runs] == ["training", "finished", "training"]
        assert again.run(mine).name == "mine"


def test_files_of_runs_move_along(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    project.close()
    shutil.move(project.path, folder / "P.aisproj")
    for name in ("m.aismodel", "r.ckpt"):
        (folder / name).write_bytes(name.encode())
    with Project.open(folder / "P.aisproj") as again:
        again.add_run("r", state="finished", model=folder / "m.aismodel", checkpoint=folder / "r.ckpt")
    shutil.move(folder, tmp_path / "elsewhere")
    with Project.open(tmp_path / "elsewhere" / "P.aisproj") as again:
        (run,) = again.runs
        assert (run.model, run.checkpoint) == (tmp_path / "elsewhere/m.aismodel", tmp_path / "elsewhere/r.ckpt")


def test_what_cannot_be_changes_nothing(project: Project, tmp_path: Path) -> None:
    run = project.add_run("r")
    for fields, text in (
        ({"state": "sleeping"}, "cannot be 'sleeping'; choose training, finished"),
        ({"colour": "red"}, "has no colour; there are: name, state"),
        ({"name": " "}, "has no name"),
        ({"scores": {1, 2}}, "scores of a run: cannot be kept as JSON"),
    ):
        with pytest.raises(ParameterProblem, match=text):
            project.update_run(run, message="changed", **fields)
    with pytest.raises(FileProblem, match="no such file"):
        project.update_run(run, message="changed", model=tmp_path / "none.aismodel")
    assert project.runs == [run]
    with pytest.raises(ProjectProblem, match="run 7: is not in the project; there are: 1"):
        project.update_run(7, message="x")


def test_a_network_that_is_written_anew_keeps_its_entry(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "m.aismodel"
    file.write_bytes(b"one")
    first = project.add_model(file)
    file.write_bytes(b"another")
    again = project.add_model(file)
    assert (again.id, again.path) == (first.id, first.path) and again.fingerprint != first.fingerprint
    assert project.models == [again]
    project.undo()
    assert project.models == [first]
