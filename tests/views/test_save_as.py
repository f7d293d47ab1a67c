"""*Save as* in the middle of the work: what is in view stays, what is under way goes on and comes to the new place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog
from quick_training import LONG, QUICK, WAIT

import ais_app
from ais_app.batch.queue import Queue, queue_path
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.provenance import read_provenance
from ais_app.core.training.suggest_parameters import SuggestParams
from ais_app.state.commands import projects, suggestions
from ais_app.state.commands.training import TrainingRequest
from ais_app.state.project import Project
from ais_app.views.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def draft(window: MainWindow, phantom: Path, tomogram: Path) -> Project:
    """A draft with one tomogram in view and some membranes painted."""
    window.open_files([tomogram])
    project = window.workbench.project
    project.import_labels(project.tomograms[0], "membrane", phantom / "membrane.mrc", slices=[10, 16, 22])
    window.workbench.session.view.feature = project.feature("membrane").id
    assert project.is_draft
    return project


def save_as(window: MainWindow, path: Path, monkeypatch) -> Project:
    """Choose the entry of the menu, and give a name."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    window.actions_by_id.trigger("file.save_as")
    assert window.workbench.project.path == path
    return window.workbench.project


def test_what_is_in_view_stays(window, draft, tmp_path, qtbot, monkeypatch):
    session, pane = window.workbench.session, window.slices.panes["z"]
    session.view.z, session.view.tab = 7, "annotate"
    qtbot.waitUntil(lambda: pane.shown_index == 7, timeout=WAIT)
    before = pane.camera
    opened = []
    session.events.opened.connect(lambda: opened.append(1))
    project = save_as(window, tmp_path / "P.aisproj", monkeypatch)
    assert (session.view.z, session.view.tab, session.tomogram.name) == (7, "annotate", "TS_01")
    assert session.feature.name == "membrane" and pane.camera == before
    assert not opened and not draft.path.exists() and not project.is_draft
    qtbot.waitUntil(lambda: window.windowTitle() == "P – ais-app", timeout=WAIT)
    assert not window.side.draft.isVisibleTo(window.side)
    assert project.undo() == "Import membrane on TS_01"  # what was done before it was saved


def test_a_draft_is_saved_while_a_network_is_trained_on_it(window, draft, tmp_path, qtbot, monkeypatch):
    trainings = window.workbench.trainings
    run = trainings.start(TrainingRequest("membrane", LONG), pytest.fail)
    qtbot.waitUntil(lambda: len(trainings.active[0].history) >= 1, timeout=WAIT)
    project = save_as(window, tmp_path / "elsewhere" / "P.aisproj", monkeypatch)
    seen = len(trainings.active[0].history)
    qtbot.waitUntil(lambda: len(project.run(run).scores["history"]) > seen, timeout=WAIT)
    trainings.active[0].handle.stop()
    qtbot.waitUntil(lambda: not trainings.active, timeout=WAIT)
    found = project.run(run)
    assert (found.state, found.message) == ("stopped", "") and found.model.exists()
    assert [entry.name for entry in project.models] == ["membrane 1"]
    assert any(name.endswith(".aisproj") for name in read_provenance(found.model).inputs)  # it had gone by then
    # and it is resumed where it began
    epochs = len(found.scores["history"])
    trainings.resume(run.id, pytest.fail)
    qtbot.waitUntil(lambda: trainings.active and len(trainings.active[0].history) > epochs, timeout=WAIT)
    trainings.active[0].handle.stop()
    qtbot.waitUntil(lambda: not trainings.active, timeout=WAIT)
    history = project.run(run).scores["history"]
    assert [entry["epoch"] for entry in history] == list(range(1, len(history) + 1))


def test_a_draft_is_saved_before_the_libraries_of_a_training_have_come(window, draft, tmp_path, qtbot, monkeypatch):
    trainings = window.workbench.trainings
    run = trainings.start(TrainingRequest("membrane", QUICK), pytest.fail)
    project = save_as(window, tmp_path / "P.aisproj", monkeypatch)
    qtbot.waitUntil(lambda: not trainings.active, timeout=WAIT)
    assert project.run(run).state == "finished"


def test_a_training_comes_to_its_project_when_another_one_is_open(window, draft, project, tmp_path, qtbot, monkeypatch):
    trainings, session = window.workbench.trainings, window.workbench.session
    run = trainings.start(TrainingRequest("membrane", LONG), pytest.fail)
    qtbot.waitUntil(lambda: len(trainings.active[0].history) >= 1, timeout=WAIT)
    path = save_as(window, tmp_path / "P.aisproj", monkeypatch).path
    projects.open_project(session, project)
    assert not trainings.here and trainings.of_run(run.id) is None
    other = trainings.start(TrainingRequest("membrane", QUICK), pytest.fail)
    assert other.id == run.id and len(trainings.active) == 2
    qtbot.waitUntil(lambda: not trainings.here, timeout=WAIT)
    trainings.active[0].handle.stop()
    qtbot.waitUntil(lambda: not trainings.active, timeout=WAIT)
    assert [each.state for each in session.project.runs] == ["finished"]
    with Project.open(path) as left:
        assert left.run(run.id).state == "stopped" and left.run(run.id).model.exists()


def test_projects_in_one_folder_keep_their_networks_apart(window, draft, phantom, tmp_path, qtbot, monkeypatch):
    session, trainings = window.workbench.session, window.workbench.trainings
    models = []
    for name in ("P.aisproj", "Q.aisproj"):
        run = trainings.start(TrainingRequest("membrane", QUICK), pytest.fail)
        qtbot.waitUntil(lambda: not trainings.active, timeout=WAIT)
        models.append(session.project.run(run).model)
        save_as(window, tmp_path / name, monkeypatch)
        session.close()
        window.open_files([tmp_path / "TS_01.mrc"])  # another draft
        entry = session.project.tomograms[0]
        session.project.import_labels(entry, "membrane", phantom / "membrane.mrc", slices=[10, 16, 22])
    assert models[0] != models[1] and all(model.exists() for model in models)


@pytest.fixture
def network(window: MainWindow, draft: Project, tmp_path: Path) -> Path:
    """A network that has learnt nothing, shown in the draft."""
    model = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=10.0))
    path = ais_app.save_model(model, tmp_path / "membrane.aismodel")
    window.open_files([path])
    return path


@pytest.fixture
def exporting(window: MainWindow, draft: Project, network: Path, tmp_path: Path, qtbot) -> MainWindow:
    """Three tomograms of the draft are being exported; the first has begun."""
    for name in ("TS_02.mrc", "TS_03.mrc"):
        shutil.copy(tmp_path / "TS_01.mrc", tmp_path / name)
        draft.add_tomogram(tmp_path / name)
    window.workbench.session.view.tab = "export"
    panel = window.tabs[2].panel
    panel.prediction.set_value(ais_app.PredictionParams(engine="torch", precision="float32"))
    panel.preview.setChecked(False)
    QTest.mouseClick(panel.add, Qt.MouseButton.LeftButton)
    exports = window.workbench.exports
    qtbot.waitUntil(lambda: any(item.state == "running" for item in exports.items), timeout=WAIT)
    return window


def test_an_export_goes_on_where_the_project_is_saved(exporting, draft, tmp_path, qtbot, monkeypatch):
    exports, left = exporting.workbench.exports, queue_path(draft.path)
    assert left.exists()
    project = save_as(exporting, tmp_path / "elsewhere" / "P.aisproj", monkeypatch)
    assert exports.queue.path == queue_path(project.path) and len(exports.items) == 3
    qtbot.waitUntil(lambda: not exports.unfinished and not exports.running, timeout=2 * WAIT)
    assert {item.state for item in exports.items} == {"done"}
    assert not left.exists()
    for item in exports.items:
        assert all(output.exists() for output in item.outputs)


def test_a_queue_that_somebody_reads_stays_and_all_else_goes_along(exporting, draft, tmp_path, qtbot, monkeypatch):
    """Windows does not remove a file that is open."""
    left, unlink = queue_path(draft.path), Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == left:
            raise PermissionError(13, "is being used by another process", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    exports = exporting.workbench.exports
    save_as(exporting, tmp_path / "P.aisproj", monkeypatch)
    qtbot.waitUntil(lambda: not exports.unfinished and not exports.running, timeout=2 * WAIT)
    assert {item.state for item in exports.items} == {"done"} and left.exists()


def test_an_export_that_rests_goes_along_and_rests(exporting, draft, tmp_path, qtbot, monkeypatch):
    exports = exporting.workbench.exports
    exports.pause()
    save_as(exporting, tmp_path / "P.aisproj", monkeypatch)
    qtbot.waitUntil(lambda: not exports.running, timeout=WAIT)
    assert exports.queue.paused and not queue_path(draft.path).exists()
    assert {item.state for item in exports.items} <= {"waiting", "done"}
    exports.start()
    qtbot.waitUntil(lambda: not exports.unfinished and not exports.running, timeout=2 * WAIT)


def test_a_queue_in_the_way_is_said_and_nothing_is_lost(exporting, draft, tmp_path, qtbot, monkeypatch):
    exports, said = exporting.workbench.exports, []
    exports.problem.connect(said.append)
    with Queue.open(tmp_path / "P.aisqueue", create=True):
        pass
    save_as(exporting, tmp_path / "P.aisproj", monkeypatch)
    assert "P.aisqueue: exists already" in said[0]
    with Queue.open(queue_path(draft.path)) as left:
        assert len(left.items()) == 3


def test_an_export_that_is_stopped_stays_stopped(exporting, qtbot):
    exports = exporting.workbench.exports
    (handle,) = exporting.workbench.jobs.active
    handle.stop()
    qtbot.waitUntil(lambda: not handle.is_active, timeout=WAIT)
    qtbot.wait(200)
    assert not exports.running and exports.unfinished


def test_suggestions_come_to_a_project_that_is_saved_meanwhile(window, network, tmp_path, qtbot, monkeypatch):
    section = window.tabs[1].panel.suggestions
    window.workbench.session.view.tab = "train"
    section.form.set_value(SuggestParams(count=2, apart=1))
    section.start()
    save_as(window, tmp_path / "P.aisproj", monkeypatch)
    qtbot.waitUntil(lambda: not section.handle.is_active, timeout=WAIT)
    assert section.handle.state == "done", section.handle.details
    assert suggestions.queue(window.workbench.session)
