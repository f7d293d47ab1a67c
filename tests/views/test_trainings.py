"""Trainings beside other work: their networks and their ends are never lost, nor is what a person can do again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from quick_training import LONG, QUICK, WAIT

from ais_app.core.errors import DataWarning, ProjectProblem
from ais_app.core.training.parameters import TrainParams
from ais_app.state.commands import projects
from ais_app.state.commands.training import TrainingRequest
from ais_app.state.project import Project
from ais_app.views.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def other(opened: MainWindow, project: Path, phantom: Path) -> Path:
    """Another project in the same folder, with the same feature."""
    path = project.with_name("other.aisproj")
    with Project.create(path) as made:
        entry = made.add_tomogram(shutil.copy(phantom / "tomogram.mrc", project.with_name("TS_02.mrc")))
        made.import_labels(entry, "membrane", phantom / "membrane.mrc", slices=[10, 16, 22])
    return path


def start(window: MainWindow, params: TrainParams):
    return window.workbench.trainings.start(TrainingRequest("membrane", params), pytest.fail)


def until_an_epoch(window: MainWindow, qtbot) -> None:
    qtbot.waitUntil(lambda: len(window.workbench.trainings.active[0].history) >= 1, timeout=WAIT)


def until_the_end(window: MainWindow, qtbot) -> None:
    trainings = window.workbench.trainings
    for training in trainings.active:
        training.handle.stop()
    qtbot.waitUntil(lambda: not trainings.active, timeout=WAIT)


def test_two_that_begin_in_one_folder_make_two_networks(opened, project, other, qtbot):
    session = opened.workbench.session
    first = start(opened, QUICK)
    projects.open_project(session, other)
    second = start(opened, QUICK)  # nothing of the first is there yet
    qtbot.waitUntil(lambda: not opened.workbench.trainings.active, timeout=WAIT)
    theirs = session.project.run(second).model
    with Project.open(project) as left:
        mine = left.run(first.id).model
    assert mine != theirs and mine.exists() and theirs.exists()
    assert not list(project.parent.glob("models/*.begun"))


def test_a_training_that_fails_before_its_first_epoch_keeps_no_name(opened, project, qtbot):
    trainings, said = opened.workbench.trainings, []
    opened.workbench.project.tomograms[0].path.unlink()
    run = trainings.start(TrainingRequest("membrane", LONG), said.append)
    assert list(project.parent.glob("models/*.begun"))
    qtbot.waitUntil(lambda: not trainings.active, timeout=WAIT)
    assert said and opened.workbench.project.run(run).state == "failed"
    assert not list(project.parent.glob("models/*.begun"))


def test_a_project_that_may_not_be_changed_keeps_no_name(opened, project, other):
    session = opened.workbench.session
    with Project.open(other), pytest.warns(DataWarning, match="open elsewhere"):
        projects.open_project(session, other)
    with pytest.raises(ProjectProblem):
        start(opened, QUICK)
    assert not list(project.parent.glob("models/*"))


def test_what_can_be_done_again_survives_the_end_of_a_training(opened, phantom, qtbot):
    project, said = opened.workbench.project, []
    opened.workbench.notified.connect(lambda note: said.append(note.text))
    for number in (4, 5):
        project.import_labels(project.tomograms[0], "membrane", phantom / "membrane.mrc", slices=[number])
    before = project.undo()  # taken back before it began: that is given up, as by any other step
    run = start(opened, QUICK)
    title = project.undo()
    assert project.redo_title == title == before
    qtbot.waitUntil(lambda: not opened.workbench.trainings.active, timeout=WAIT)
    assert project.redo_title == title and project.run(run).state == "finished"
    assert not project.models and "membrane 1.aismodel is trained" in said[-1]
    opened.workbench.session.view.tab = "train"
    project.redo()
    qtbot.waitUntil(lambda: [model.name for model in project.models] == ["membrane 1"], timeout=WAIT)
    assert project.undo_title == "Add network membrane 1" and project.redo_title is None


def test_an_end_that_cannot_be_noted_is_noted_when_the_project_is_opened_again(opened, project, other, qtbot):
    session, said = opened.workbench.session, []
    opened.workbench.notified.connect(lambda note: said.append(note.text))
    run = start(opened, LONG)
    until_an_epoch(opened, qtbot)
    projects.open_project(session, other)
    with Project.open(project):  # somebody else has it open
        with pytest.warns(DataWarning, match="open elsewhere"):
            until_the_end(opened, qtbot)
        assert "noted when the project is opened again" in said[-1]
    projects.open_project(session, project)
    found = session.project.run(run)
    assert found.state == "stopped" and found.model.exists()


def test_a_project_is_known_by_another_spelling_of_its_path(opened, project, other, tmp_path, qtbot):
    session = opened.workbench.session
    run = start(opened, LONG)
    until_an_epoch(opened, qtbot)
    session.close()
    link = tmp_path / "link.aisproj"
    link.symlink_to(project)
    projects.open_project(session, link)
    assert opened.workbench.trainings.of_run(run.id) is not None
    until_the_end(opened, qtbot)
    assert session.project.run(run).state == "stopped"
