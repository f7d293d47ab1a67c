"""The Export tab: from the ticks to the files, the queue that survives, the report."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import torch
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog

import ais_app
from ais_app.batch.queue import Queue, queue_path
from ais_app.batch.records import Task
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.pickers.blobs import BlobParams
from ais_app.state.project import Project

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """A network that has learnt nothing: what it predicts is nonsense, and always the same."""
    torch.manual_seed(3)
    model = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=10.0))
    return ais_app.save_model(model, tmp_path_factory.mktemp("network") / "membrane.aismodel")


@pytest.fixture
def panel(opened, network, tmp_path):
    """The panel with three tomograms in the project and the network in use; symmetries and engine as they come."""
    for name in ("TS_02.mrc", "TS_03.mrc"):
        shutil.copy(tmp_path / "TS_01.mrc", tmp_path / name)
        opened.workbench.project.add_tomogram(tmp_path / name)
    opened.open_files([network])
    opened.workbench.session.view.tab = "export"
    tab = opened.tabs[2]
    values = ais_app.PredictionParams(engine="torch", precision="float32")
    tab.panel.prediction.set_value(values)
    return tab.panel


def finished(qtbot, window, timeout=90_000):
    exports = window.workbench.exports
    qtbot.waitUntil(lambda: exports.items and not exports.unfinished and not exports.running, timeout=timeout)


def test_picking_begins_with_the_size_of_the_feature_until_a_person_says_otherwise(panel, opened):
    opened.workbench.project.change_feature("membrane", brush_radius=100.0)
    outputs, form = panel.outputs, panel.outputs.forms["picks"]
    assert form.value().min_volume == BlobParams().min_volume
    outputs.box("membrane", "picks").click()
    begun = form.value()
    assert begun.min_volume == pytest.approx(4 / 3 * np.pi * 50**3, rel=0.05) and begun.min_spacing == 100.0
    assert "as wide as the brush of membrane" in outputs.picking_begins.text()
    assert outputs.wishes()["picks"]["membrane"]["params"] == begun
    own = replace(begun, min_volume=7.0)
    form.set_value(own)
    form.changed.emit(own)
    outputs.box("membrane", "picks").click()
    outputs.box("membrane", "picks").click()
    assert form.value() == own and not outputs.picking_begins.isVisible()


def test_ticked_outputs_are_made(panel, opened, network, tmp_path, qtbot, monkeypatch):
    panel.tomograms.item(2).setCheckState(Qt.CheckState.Unchecked)
    panel.outputs.box("membrane", "masks").click()
    panel.outputs.box("membrane", "meshes").click()
    QTest.mouseClick(panel.add, Qt.MouseButton.LeftButton)
    table = opened.tabs[2].drawer
    finished(qtbot, opened)
    out = tmp_path / "segmented"
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file() and path.suffix != ".json"}
    assert {f"TS_0{n}__membrane.mrc" for n in (1, 2)} <= names and not any("TS_03" in name for name in names)
    assert {f"masks/TS_0{n}__membrane_mask.mrc" for n in (1, 2)} <= names, names
    assert table.model.rowCount() == 2 and table.model.columnCount() == 1 + 4
    assert {item.state for item in opened.workbench.exports.items} == {"done"}
    # the same as the command line makes
    params = ais_app.PredictionParams(engine="torch", precision="float32")
    ais_app.segment([tmp_path / "TS_01.mrc"], [network], tmp_path / "other", params)
    ours, theirs = (ais_app.open_tomogram(d / "TS_01__membrane.mrc").read() for d in (out, tmp_path / "other"))
    np.testing.assert_array_equal(ours, theirs)
    page = tmp_path / "report.html"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(page), ""))
    panel.report.click()
    qtbot.waitUntil(page.exists, timeout=30_000)
    assert "TS_01" in page.read_text(encoding="utf-8")


def test_only_the_region(panel, opened, tmp_path, qtbot):
    view = opened.workbench.session.view
    assert not panel.region.isEnabled()
    view.crop, view.z_range = (8, 40, 16, 64), (4, 12)
    panel.region.click()
    panel.nothing.click()
    panel.tomograms.item(0).setCheckState(Qt.CheckState.Checked)
    panel.preview.setChecked(False)
    panel.add.click()
    finished(qtbot, opened)
    found = ais_app.open_probabilities(tmp_path / "segmented" / "TS_01__membrane.mrc").read()
    inside = np.zeros(found.shape, bool)
    inside[4:12, 8:40, 16:64] = True
    assert found[inside].any() and not found[~inside].any()


def test_what_fails_says_why_and_can_be_done_again(panel, opened, tmp_path, qtbot):
    gone = tmp_path / "TS_02.mrc"
    kept = gone.read_bytes()
    panel.preview.setChecked(False)
    paths = opened.workbench.project
    assert paths.find("TS_02") == gone
    opened.workbench.exports.add([])  # makes the queue without starting anything
    opened.workbench.exports.pause()
    panel.add.click()
    opened.workbench.exports.pause()
    gone.write_bytes(kept[:2000])
    opened.workbench.exports.start()
    finished(qtbot, opened)
    states = {item.subject: item for item in opened.workbench.exports.items}
    assert states["TS_02"].state == "failed" and "TS_02.mrc" in states["TS_02"].reason
    assert {states["TS_01"].state, states["TS_03"].state} == {"done"}
    gone.write_bytes(kept)
    table = opened.tabs[2].drawer
    table.table.selectRow(1)
    assert table.retry.isEnabled()
    QTest.mouseClick(table.retry, Qt.MouseButton.LeftButton)
    finished(qtbot, opened)
    assert {item.state for item in opened.workbench.exports.items} == {"done"}


def test_no_network_no_export(opened):
    opened.workbench.session.view.tab = "export"
    panel = opened.tabs[2].panel
    assert not panel.add.isEnabled() and "None is switched on" in panel.models.text()


def test_a_folder_that_cannot_be_written_fails_in_words(panel, opened, tmp_path, qtbot):
    (tmp_path / "blocked").write_text("a file, not a folder")
    panel.folder.setText(str(tmp_path / "blocked"))
    panel.preview.setChecked(False)
    panel.add.click()
    finished(qtbot, opened)
    assert {item.state for item in opened.workbench.exports.items} == {"failed"}
    assert all("blocked" in item.reason for item in opened.workbench.exports.items)


def test_killed_while_exporting_it_goes_on(panel, opened, tmp_path, qtbot):
    """kill -9 in the middle of an export; the window finds the queue again and finishes it."""
    panel.preview.setChecked(False)
    opened.workbench.exports.add([])
    panel.add.click()
    opened.workbench.exports.pause()
    qtbot.waitUntil(lambda: not opened.workbench.exports.running or opened.workbench.exports.queue.paused, timeout=5000)
    project = Path(opened.workbench.project.path)
    opened.shut_down()
    program = f"""
        import os, signal
        from ais_app.batch.queue import Queue
        from ais_app.batch.work import work_job
        queue = Queue.open({str(queue_path(project))!r})
        queue.resume()
        for step in work_job(queue):
            if step.values.get("fraction", 0) > 0.3:
                os.kill(os.getpid(), signal.SIGKILL)
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    child = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=environment, timeout=60)
    assert child.returncode == -signal.SIGKILL
    from ais_app.views.main_window import MainWindow
    from ais_app.views.workbench import Workbench

    again = MainWindow(Workbench(tmp_path / "settings", tmp_path / "drafts", ais_app.PredictionParams(engine="torch")))
    try:
        again.open_files([project])
        qtbot.waitUntil(lambda: len(again.workbench.exports.items) == 3, timeout=10_000)
        assert again.workbench.exports.unfinished
        again.workbench.exports.start()
        finished(qtbot, again)
        assert {item.state for item in again.workbench.exports.items} <= {"done", "skipped"}
        assert len(list((tmp_path / "segmented").glob("TS_*__membrane.mrc"))) == 3
        assert not list((tmp_path / "segmented").glob(".*part*"))
    finally:
        again.shut_down()
        again.deleteLater()
    with Queue.open(queue_path(project)) as queue:
        assert queue.is_finished


def test_two_projects_in_one_folder_do_not_replace_each_others_results(panel, opened, network, tmp_path, qtbot):
    """Each has its own TS_01, from another folder; both export into the folder beside them, as it is proposed."""
    panel.preview.setChecked(False)
    panel.nothing.click()
    panel.tomograms.item(0).setCheckState(Qt.CheckState.Checked)
    panel.add.click()
    finished(qtbot, opened)
    (made,) = (tmp_path / "segmented").glob("*.mrc")
    before = made.read_bytes()
    (tmp_path / "other").mkdir()
    with mrcfile.open(shutil.copy(tmp_path / "TS_01.mrc", tmp_path / "other"), "r+") as file:
        file.data[:] = file.data[::-1]
    with Project.create(tmp_path / "Q.aisproj") as other:
        other.add_tomogram(tmp_path / "other" / "TS_01.mrc")
        other.add_feature("membrane")
        other.add_model(network)
    opened.open_files([tmp_path / "Q.aisproj"])
    assert Path(panel.folder.text()) == tmp_path / "segmented"
    said = []
    opened.workbench.notified.connect(lambda note: said.append((note.kind, note.text)))
    panel.add.click()
    assert not opened.workbench.exports.items and made.read_bytes() == before
    (note,) = said
    assert note[0] == "error" and "TS_01__membrane.mrc" in note[1] and "export into another folder" in note[1]
    assert str(tmp_path / "TS_01.mrc") in note[1]
    panel.folder.setText(str(tmp_path / "of Q"))
    panel.add.click()
    finished(qtbot, opened)
    assert {item.state for item in opened.workbench.exports.items} == {"done"}


def test_an_export_begins_when_that_of_the_project_before_has_ended(panel, opened, network, tmp_path, qtbot) -> None:
    """The step that runs when another project is opened takes its time."""
    with Project.create(tmp_path / "next" / "Q.aisproj") as other:
        other.add_tomogram(tmp_path / "TS_02.mrc")
        other.add_feature("membrane")
        other.add_model(network)
    panel.preview.setChecked(False)
    exports = opened.workbench.exports
    panel.add.click()
    qtbot.waitUntil(lambda: any(item.state == "running" for item in exports.items), timeout=30_000)
    (before,) = opened.workbench.jobs.active
    before.pause()  # it holds on between two steps
    qtbot.waitUntil(lambda: before.state == "paused", timeout=30_000)
    opened.open_files([tmp_path / "next" / "Q.aisproj"])
    panel.add.click()
    assert before.is_active and [item.state for item in exports.items] == ["waiting"]
    finished(qtbot, opened)
    assert not before.is_active and [item.state for item in exports.items] == ["done"]


def test_an_export_that_nobody_started_does_not_begin_by_a_save_as(panel, opened, network, tmp_path, qtbot) -> None:
    with (
        Project.create(tmp_path / "next" / "Q.aisproj") as other,
        Queue.open(queue_path(other.path), create=True) as queue,
    ):
        queue.add(Task("segment", {}, title="Q"))
    panel.preview.setChecked(False)
    exports = opened.workbench.exports
    panel.add.click()
    qtbot.waitUntil(lambda: any(item.state == "running" for item in exports.items), timeout=30_000)
    (before,) = opened.workbench.jobs.active
    before.pause()  # it holds on between two steps, and is still stopping when the next project is saved elsewhere
    qtbot.waitUntil(lambda: before.state == "paused", timeout=30_000)
    opened.open_files([tmp_path / "next" / "Q.aisproj"])
    opened.workbench.session.save_as(tmp_path / "next" / "R.aisproj")
    qtbot.waitUntil(lambda: not before.is_active, timeout=30_000)
    qtbot.wait(200)
    assert not exports.running and [item.state for item in exports.items] == ["waiting"]


def test_no_export_begins_as_the_program_ends(panel, opened, qtbot) -> None:
    panel.preview.setChecked(False)
    exports, jobs = opened.workbench.exports, opened.workbench.jobs
    panel.add.click()
    qtbot.waitUntil(lambda: any(item.state == "running" for item in exports.items), timeout=30_000)
    (before,) = jobs.active
    before.stop()
    exports.start()  # once that has ended
    opened.workbench.close()
    assert not jobs.active and not exports.running


def test_an_export_that_is_stopping_goes_on_when_that_is_asked(panel, opened, qtbot) -> None:
    panel.preview.setChecked(False)
    exports = opened.workbench.exports
    panel.add.click()
    qtbot.waitUntil(lambda: any(item.state == "running" for item in exports.items), timeout=30_000)
    (before,) = opened.workbench.jobs.active
    before.stop()
    exports.start()
    assert before.is_active
    finished(qtbot, opened)
    assert {item.state for item in exports.items} == {"done"}
