"""What goes wrong outside the program: the window says what, loses nothing and goes on."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import torch
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtTest import QTest

import ais_app
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.state.commands import tomograms
from ais_app.state.project import Project

LEFT = Qt.MouseButton.LeftButton


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def said(opened):
    notes = []
    opened.workbench.notified.connect(notes.append)
    return notes


def drop(window, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    window.dropEvent(
        QDropEvent(QPointF(600, 400), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    )


BAD_FILES = {
    "empty.mrc": b"",
    "short.mrc": bytes(500),
    "noise.mrc": np.random.default_rng(0).bytes(4000),
    "words.tif": b"this is no picture",
    "words.aismodel": b"this is no network",
    "words.aisproj": b"this is no project",
    "words.docx": b"nobody knows this",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_read_is_named_and_changes_nothing(opened, said, tmp_path, qtbot, name):
    before, known = opened.workbench.project.path, len(opened.workbench.project.tomograms)
    (tmp_path / name).write_bytes(BAD_FILES[name])
    drop(opened, tmp_path / name)
    qtbot.waitUntil(lambda: any(name in note.text for note in said), timeout=10_000)
    assert opened.workbench.project.path == before and len(opened.workbench.project.tomograms) == known


def test_a_project_of_a_newer_version_is_refused_and_the_open_one_stays(opened, said, tmp_path):
    with Project.create(tmp_path / "newer.aisproj") as project:
        path = project.path
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = opened.workbench.project.path
    drop(opened, path)
    assert [note.kind for note in said] == ["error"]
    assert "newer ais-app" in said[0].text and "update" in said[0].text
    assert opened.workbench.project.path == before


def test_a_tomogram_cut_short_while_it_is_open_is_said_and_comes_back(opened, tmp_path, qtbot):
    pane, path = opened.slices.panes["z"], tmp_path / "TS_01.mrc"
    whole = path.read_bytes()
    os.truncate(path, len(whole) // 3)
    tomograms.go_to(opened.workbench.session, z=30)
    qtbot.waitUntil(pane.message.isVisible, timeout=10_000)
    assert "TS_01.mrc" in pane.message.text
    path.write_bytes(whole)
    opened.slices.retry()
    qtbot.waitUntil(lambda: pane.shown_index == 30 and not pane.message.isVisible(), timeout=10_000)


def test_a_deleted_tomogram_is_said_and_labels_stay(opened, said, tmp_path, qtbot):
    session = opened.workbench.session
    labels = session.project.labels(session.view.tomogram, "membrane").read()
    (tmp_path / "TS_01.mrc").unlink()
    session.forget_volume(session.view.tomogram)
    pane = opened.slices.panes["z"]
    opened.slices.retry()
    qtbot.waitUntil(pane.message.isVisible, timeout=10_000)
    assert "TS_01.mrc" in pane.message.text
    assert np.array_equal(session.project.labels(session.view.tomogram, "membrane").read(), labels) and labels.any()


def test_a_drive_that_is_gone_is_said_and_comes_back(opened, tmp_path, qtbot, monkeypatch):
    session, pane = opened.workbench.session, opened.slices.panes["z"]
    volume = session.volume(session.view.tomogram)

    class Gone:
        shape, dtype = volume.data.shape, volume.data.dtype

        def __getitem__(self, _):
            raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(type(session), "volume", lambda *_: type(volume)(Gone(), volume.voxel_size_zyx))
        tomograms.go_to(session, z=28)
        qtbot.waitUntil(pane.message.isVisible, timeout=10_000)
        assert "Input/output error" in pane.message.text
    opened.slices.retry()
    qtbot.waitUntil(lambda: pane.shown_index == 28 and not pane.message.isVisible(), timeout=10_000)


def test_a_network_of_another_voxel_size_is_used_and_its_card_says_so(opened, tmp_path, qtbot):
    torch.manual_seed(3)
    model = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=20.0))
    opened.workbench.session.view.tab = "train"
    drop(opened, ais_app.save_model(model, tmp_path / "membrane.aismodel"))
    preview, entry = opened.workbench.preview, opened.workbench.session.tomogram
    qtbot.waitUntil(lambda: preview.answer is not None and not preview.busy, timeout=60_000)
    assert preview.answer.planes["membrane"].shape == entry.shape[1:]
    card = opened.tabs[1].panel.models.card(opened.workbench.project.models[0].id)
    assert card.about.text().endswith("20 Å, TS_01 is rescaled for it")


def test_a_full_disk_stops_an_export_in_words_and_it_can_go_on(opened, tmp_path, qtbot):
    torch.manual_seed(3)
    model = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=10.0))
    network = ais_app.save_model(model, tmp_path / "membrane.aismodel")
    opened.open_files([network])
    opened.workbench.session.view.tab = "export"
    panel, exports = opened.tabs[2].panel, opened.workbench.exports
    panel.prediction.set_value(ais_app.PredictionParams(engine="torch", precision="float32"))
    panel.preview.setChecked(False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, before[1]))  # a file of 344 KB does not fit any more
    try:
        QTest.mouseClick(panel.add, LEFT)
        qtbot.waitUntil(lambda: exports.items and not exports.unfinished and not exports.running, timeout=60_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (item,) = exports.items
    assert item.state == "failed"
    assert "TS_01__membrane" in item.reason or "File too large" in item.reason, item.reason
    assert not list((tmp_path / "segmented").glob("*.mrc*")), "nothing looks finished, nothing is left behind"
    exports.retry([item.id])
    exports.start()
    qtbot.waitUntil(lambda: [item.state for item in exports.items] == ["done"], timeout=60_000)
    assert (tmp_path / "segmented" / "TS_01__membrane.mrc").exists()


def test_a_project_on_a_full_disk_keeps_the_labels_it_has(opened, said, tmp_path, stroke, monkeypatch):
    session = opened.workbench.session
    before = session.project.labels(session.view.tomogram, "membrane").read()
    size = session.project.path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    session.project.change_feature("membrane", brush_radius=300.0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    pane, z = opened.slices.panes["z"], session.view.z
    try:
        for x in range(10, 100, 8):
            stroke(pane, [(z, y, x) for y in range(5, 90, 7)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    shutil.copy(session.project.path, tmp_path / "copy.aisproj")
    if not said:
        pytest.fail("the strokes fitted: the test needs a smaller limit")
    assert all(note.kind == "error" for note in said) and "full" in said[0].text
    kept = session.project.labels(session.view.tomogram, "membrane").read()
    assert ((kept != 0) >= (before != 0)).all()
    with Project.open(tmp_path / "copy.aisproj") as again:
        assert np.array_equal(again.labels("TS_01", "membrane").read(), kept)
