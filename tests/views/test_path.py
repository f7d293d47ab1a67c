"""A person's whole path, with mouse and keys: from a dropped tomogram to picks for RELION and surfaces for ChimeraX."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog
from watchdog import STALL, Watchdog
from window_view import at

import ais_app
from ais_app.core.prediction.interactions import Rule
from ais_app.core.scoring import dice
from ais_app.core.training.parameters import TrainParams
from ais_app.state.commands import interactions, tomograms
from ais_app.views.main_window import MainWindow
from ais_app.views.workbench import Workbench

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
SLICES = (10, 16, 22)
QUICK = TrainParams(architecture="unet_s", epochs=5, draws=6, boxes=24, box_size=32, batch=8, validation="none")


@contextmanager
def answering(doing: str) -> Iterator[None]:
    """The window answers while this is done.

    Taken is what the program itself computes on its main thread: what else the machine does, and drawing without a
    graphics card, would make it a measure of the machine. It may take twice what is promised, for two threads that
    share a core slow each other that much.
    """
    with Watchdog() as dog:
        yield
    assert dog.worst.own < 2 * STALL, f"{doing}: {dog.worst.own:.3f} s at\n{dog.worst.where}"


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(QPointF(600, 400), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    window.dropEvent(event)


def press(window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    pane = window.slices.panes["z"]
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    pane.native.setFocus()
    QTest.keyClick(pane.native, key, modifiers)


def go(window: MainWindow, z: int, qtbot) -> None:
    tomograms.go_to(window.workbench.session, z=z)
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index == z, timeout=10_000)


def paint(window: MainWindow, truth: np.ndarray, stroke, qtbot) -> None:
    """Paint what the truth says, slice by slice: a short horizontal stroke for each run of voxels."""
    pane = window.slices.panes["z"]
    for z in SLICES:
        go(window, z, qtbot)
        for y in range(1, truth.shape[1], 2):
            row = np.flatnonzero(truth[z, y])
            for run in np.split(row, np.flatnonzero(np.diff(row) > 1) + 1) if len(row) else []:
                stroke(pane, [(z, y, float(run[0])), (z, y, float(run[-1]))])


def train(window: MainWindow, feature: str, qtbot) -> None:
    panel = window.tabs[1].panel
    panel.setup.feature.setCurrentText(feature)
    panel.setup.form.set_value(QUICK)
    QTest.mouseClick(panel.setup.start, LEFT)
    assert window.focusWidget() is window.slices.panes["z"].native  # the arrows go through slices while it learns
    project = window.workbench.project
    with answering(f"training {feature}"):
        qtbot.waitUntil(lambda: project.runs[-1].state != "training", timeout=240_000)
    assert project.runs[-1].state == "finished", project.runs[-1].message
    qtbot.waitUntil(lambda: not window.workbench.preview.busy, timeout=120_000)


@pytest.mark.timeout(600)
def test_from_a_dropped_tomogram_to_results(window, phantom, tomogram, stroke, qtbot, tmp_path, monkeypatch):
    said = []
    window.workbench.notified.connect(lambda note: said.append(note) if note.kind == "error" else None)
    truth = {name: ais_app.open_tomogram(phantom / f"{name}.mrc").read() > 0 for name in ("membrane", "ribosome")}
    dropped_and_seen(window, tomogram, qtbot)
    annotated(window, truth, stroke, qtbot)
    trained_and_corrected(window, truth, qtbot)
    interaction_acts(window, qtbot)
    export_begun(window, tomogram, qtbot, monkeypatch)
    window.shut_down()
    engine = ais_app.PredictionParams(engine="torch")
    again = MainWindow(Workbench(tmp_path / "settings", tmp_path / "drafts", engine))
    try:
        finish(again, tmp_path / "lamella.aisproj", tmp_path, qtbot, monkeypatch)
    finally:
        again.shut_down()
        again.close()
        again.deleteLater()
    assert not said, [note.text for note in said]


def dropped_and_seen(window: MainWindow, tomogram: Path, qtbot) -> None:
    """Drop it: a project of its own, the slice on screen, contrast right at once."""
    session = window.workbench.session
    drop(window, tomogram)
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index is not None, timeout=10_000)
    assert session.project.is_draft and window.windowTitle().startswith("TS_01")
    low, high = window.slices.limits
    grey = session.volume(session.view.tomogram).read()
    assert (grey < low).mean() < 0.02 and (grey > high).mean() < 0.02 and high > low


def annotated(window: MainWindow, truth: dict[str, np.ndarray], stroke, qtbot) -> None:
    """Add two features by name, paint three slices of each, place a box and take it back."""
    session, features = window.workbench.session, window.tabs[0].panel.features
    for name in ("Membrane", "Ribosome"):
        features.name.setFocus()
        QTest.keyClicks(features.name, name)
        QTest.keyClick(features.name, Qt.Key.Key_Return)
    assert [feature.name for feature in session.project.features] == ["Membrane", "Ribosome"]
    for name in ("Membrane", "Ribosome"):
        session.view.feature = session.project.feature(name).id
        session.project.change_feature(name, brush_radius=15.0)
        mask = truth[name.lower()]
        paint(window, mask, stroke, qtbot)
        labels = session.project.labels(session.view.tomogram, name).read()[list(SLICES)] == 1
        assert dice(labels, mask[list(SLICES)]) > 0.75
    y, x = (int(value) for value in np.argwhere(truth["ribosome"][SLICES[-1]])[0])
    pane = window.slices.panes["z"]
    QTest.mouseClick(pane.native, LEFT, SHIFT, at(pane, SLICES[-1], y, x))
    assert len(session.project.boxes(session.view.tomogram, "Ribosome")) == 1
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not session.project.boxes(session.view.tomogram, "Ribosome")


def trained_and_corrected(window: MainWindow, truth: dict[str, np.ndarray], qtbot) -> None:
    """Train both; the prediction is on the slice, becomes labels, and goes again."""
    bench, session = window.workbench, window.workbench.session
    session.view.tab = "train"
    for name in ("Membrane", "Ribosome"):
        train(window, name, qtbot)
    go(window, 13, qtbot)
    qtbot.waitUntil(lambda: not bench.preview.busy and bench.preview.answer is not None, timeout=120_000)
    qtbot.waitUntil(lambda: bench.preview.answer.z == 13, timeout=120_000)
    assert dice(bench.preview.answer.planes["Membrane"] > 0.5, truth["membrane"][13]) > 0.5
    session.view.tab = "annotate"
    session.view.feature = session.project.feature("Membrane").id
    window.actions_by_id.trigger("annotate.take_slice")
    labels = session.project.labels(session.view.tomogram, "Membrane")
    qtbot.waitUntil(lambda: 13 in labels.annotated_slices(), timeout=10_000)
    np.testing.assert_array_equal(
        labels.read_plane("z", 13) == 1, bench.preview.answer.planes["Membrane"] >= 0.5
    )  # fmt: skip
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert 13 not in labels.annotated_slices()


def interaction_acts(window: MainWindow, qtbot) -> None:
    """Add an interaction; it acts as its slider moves."""
    bench, session = window.workbench, window.workbench.session
    session.view.tab = "train"
    panel = window.tabs[1].panel
    QTest.mouseClick(panel.interactions.add, LEFT)
    panel.interactions.cards[0].radius.slider.setValue(1.0)
    with answering("predicting"):
        qtbot.waitUntil(lambda: not bench.preview.busy, timeout=120_000)
    (rule,) = interactions.graph(session).steps
    assert isinstance(rule, Rule)
    planes = bench.preview.answer.planes
    assert not planes[rule.child][planes[rule.parent] > rule.threshold].any()


def export_begun(window: MainWindow, tomogram: Path, qtbot, monkeypatch) -> None:
    """Give the project a place, and begin to export two tomograms."""
    bench, lamella = window.workbench, tomogram.parent / "lamella.aisproj"
    second = shutil.copy(tomogram, tomogram.parent / "TS_02.mrc")
    drop(window, Path(second))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(lamella), ""))
    window.actions_by_id.trigger("file.save_as")
    assert lamella.exists() and bench.session.title == "lamella"
    bench.session.view.tab = "export"
    panel = window.tabs[2].panel
    panel.prediction.set_value(ais_app.PredictionParams(engine="torch"))
    panel.outputs.box("Ribosome", "picks").click()
    panel.preview.setChecked(False)
    QTest.mouseClick(panel.add, LEFT)
    qtbot.waitUntil(lambda: any(item.state == "running" for item in bench.exports.items), timeout=30_000)


def finish(window: MainWindow, lamella: Path, tmp_path: Path, qtbot, monkeypatch) -> None:
    """Go on in a new window: the export ends, surfaces and picks appear, files are saved."""
    window.resize(1280, 800)
    with qtbot.waitExposed(window):
        window.show()
    window.open_files([lamella])
    exports = window.workbench.exports
    assert len(exports.items) == 4
    exports.start()
    with answering("exporting"):
        qtbot.waitUntil(lambda: not exports.unfinished and not exports.running, timeout=240_000)
    assert {item.state for item in exports.items} <= {"done", "skipped"}, [item.reason for item in exports.items]
    window.workbench.session.view.tab = "render"
    panel = window.tabs[3].panel
    with answering("making surfaces"):
        qtbot.waitUntil(lambda: panel.surfaces.names == ["Membrane", "Ribosome"], timeout=30_000)
        qtbot.waitUntil(lambda: not panel.space.busy, timeout=120_000)
    panel.output.save_surfaces(tmp_path / "surfaces.glb")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "scene.cxc"), ""))
    window.actions_by_id.trigger("render.chimerax")
    for name in ("surfaces.glb", "scene.cxc"):
        qtbot.waitUntil((tmp_path / name).exists, timeout=30_000)
    assert "open" in (tmp_path / "scene.cxc").read_text(encoding="utf-8")
    picks = ais_app.read_particles(tmp_path / "segmented" / "picks" / "TS_01__Ribosome_coords.star")
    assert len(picks.positions_zyx) >= 1
