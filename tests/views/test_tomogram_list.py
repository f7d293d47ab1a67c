"""The list of tomograms: thumbnails, what is odd, chips that jump, many rows, missing files, voxel sizes."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, QItemSelectionModel, QPoint, Qt
from PyQt6.QtGui import QGuiApplication, QImage
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QDialog, QMenu

from ais_app.core.annotation.boxes import Box
from ais_app.core.io import write_volume
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model, save_model
from ais_app.core.tomogram import Tomogram
from ais_app.state.commands import edit, models, tomograms
from ais_app.state.project import Project
from ais_app.views.dialogs.voxel_size import VoxelSizeDialog
from ais_app.views.main_window import MainWindow
from ais_app.views.tomograms.list_delegate import chip_rects
from ais_app.views.tomograms.list_model import ROW
from ais_app.views.workbench import Workbench


@pytest.fixture(scope="module")
def shared(qapp, tmp_path_factory) -> Iterator[MainWindow]:
    """One window for all tests here: making it takes longer than any of them."""
    folder = tmp_path_factory.mktemp("list")
    made = MainWindow(Workbench(folder / "settings", folder / "drafts"))
    made.resize(1280, 800)
    made.show()
    yield made
    made.shut_down()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def window(shared: MainWindow) -> Iterator[MainWindow]:
    yield shared
    for dialog in shared.findChildren(QDialog):
        dialog.close()
    shared.side.filter.clear()
    shared.workbench.session.close()
    shared.notifications.dismiss_all()
    shared.notifications.history.clear()


def volume(seed: int = 0, shape=(6, 40, 48)) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A project with three tomograms: annotated, of unknown voxel size, plain."""
    with Project.create(tmp_path / "three.aisproj") as project:
        for number, size in enumerate((10.0, None, 12.5)):
            like = Tomogram(volume(), None if size is None else (size,) * 3)
            path = write_volume(tmp_path / f"TS_{number}.mrc", volume(number), like=like)
            project.add_tomogram(path)
        labels = np.zeros((6, 40, 48), np.uint8)
        labels[:, 10:20, 10:20] = 1
        project.import_labels("TS_0", "membrane", labels, slices=[2, 4])
        project.add_feature("ribosome")
        project.add_boxes("TS_2", "ribosome", [Box((3, 20, 24)), Box((1, 8, 8)), Box((5, 30, 30))])
    return tmp_path / "three.aisproj"


def rows(window) -> list:
    proxy = window.side.list.proxy
    return [proxy.index(row, 0).data(ROW) for row in range(proxy.rowCount())]


def known(window, qtbot) -> None:
    """Wait until every tomogram was looked through."""
    qtbot.waitUntil(lambda: window.side.survey.idle, timeout=10000)


def texts(window) -> list[str]:
    return [note.notification.text for note in window.notifications.history]


def click_chip(window, row: int, place: int) -> None:
    view = window.side.list
    index = view.proxy.index(row, 0)
    view.scrollTo(index)
    found = chip_rects(view.visualRect(index), index.data(ROW).chips, view.font())
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=found[place][1].center())


def test_the_list_says_size_features_and_what_is_odd(window, three, qtbot):
    window.open_files([three])
    known(window, qtbot)
    first, second, third = rows(window)
    assert [(chip.name, chip.count) for chip in first.chips] == [("membrane", 2)]
    assert first.chips[0].colour == window.workbench.project.feature("membrane").colour
    assert [(chip.name, chip.count) for chip in third.chips] == [("ribosome", 3)]
    assert first.state == "good"
    assert second.state == "odd" and "right-click" in second.remarks[0]
    view = window.side.list
    tip = view.proxy.index(1, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "48 × 40 × 6" in tip and "voxel size" in tip
    picture = view.proxy.index(0, 0).data(Qt.ItemDataRole.DecorationRole)
    assert picture.width() == 48 and picture.height() == 40


def test_thumbnails_and_findings_are_kept_in_the_project(window, three, qtbot):
    window.open_files([three])
    known(window, qtbot)
    window.workbench.session.close()
    with Project.open(three) as project:
        assert all(QImage.fromData(project.thumbnail(entry)).width() == 48 for entry in project.tomograms)
        assert project.preflight("TS_1")["findings"][0][0] == "voxel-size"
        assert project.history[0].title.startswith("Add 3 boxes")  # looking through is no step of undo


def test_a_chip_jumps_to_the_first_annotated_place(window, three, qtbot):
    window.open_files([three])
    session = window.workbench.session
    qtbot.waitUntil(lambda: len(rows(window)) == 3)
    click_chip(window, 2, 0)
    assert (session.tomogram.name, session.feature.name) == ("TS_2", "ribosome")
    assert (session.view.z, session.view.y, session.view.x) == (1, 8, 8)
    click_chip(window, 0, 0)
    assert (session.tomogram.name, session.feature.name, session.view.z) == ("TS_0", "membrane", 2)


def test_chips_follow_what_is_painted(window, three, qtbot):
    window.open_files([three])
    project = window.workbench.project
    labels = np.ones((6, 40, 48), np.uint8)
    project.import_labels("TS_1", "membrane", labels, slices=[0, 1, 2])
    qtbot.waitUntil(lambda: [chip.count for chip in rows(window)[1].chips] == [3])
    edit.undo(window.workbench.session)
    qtbot.waitUntil(lambda: rows(window)[1].chips == ())


def test_a_click_and_the_arrow_keys_choose(window, three, qtbot):
    window.open_files([three])
    view, session = window.side.list, window.workbench.session
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(view.proxy.index(1, 0)).center())
    assert session.tomogram.name == "TS_1"
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert session.tomogram.name == "TS_2"
    window.actions_by_id.trigger("tomogram.previous")
    assert session.tomogram.name == "TS_1"
    assert view.currentIndex().data() == "TS_1"


def test_the_filter_hides_and_keeps_what_is_in_view(window, three, qtbot):
    window.open_files([three])
    QTest.keyClicks(window.side.filter, "ts_2")
    assert [row.entry.name for row in rows(window)] == ["TS_2"]
    assert window.side.count.text() == "1 of 3"
    assert window.workbench.session.tomogram.name == "TS_0"
    window.side.filter.clear()
    assert window.side.list.currentIndex().data() == "TS_0"


def test_several_can_be_chosen_and_closed_at_once_and_it_can_be_undone(window, three, qtbot):
    window.open_files([three])
    view, session = window.side.list, window.workbench.session
    keys = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier)
    for row, held in zip((0, 2), keys, strict=True):
        at = view.visualRect(view.proxy.index(row, 0)).center()
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, held, at)
    assert len(window.side.chosen) == 2
    window.actions_by_id.trigger("tomogram.close")
    assert [entry.name for entry in session.project.tomograms] == ["TS_1"]
    assert session.tomogram.name == "TS_1"
    edit.undo(session)
    assert [row.entry.name for row in rows(window)] == ["TS_0", "TS_1", "TS_2"]


def test_the_menu_of_a_tomogram(window, three, qtbot, monkeypatch):
    window.open_files([three])
    view = window.side.list
    opened = []
    monkeypatch.setattr("PyQt6.QtGui.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile()))
    view.asked_for_menu.emit(view.mapToGlobal(view.rect().center()))
    menu = window.side.findChild(QMenu)
    words = {action.text().replace("&", ""): action for action in menu.actions()}
    assert {"Show in folder", "Copy path", "Set voxel size…", "Look for missing tomograms…", "Close tomogram"} <= set(
        words
    )
    words["Show in folder"].trigger()
    assert opened == [str(three.parent)]
    words["Copy path"].trigger()
    assert QGuiApplication.clipboard().text() == str(three.parent / "TS_0.mrc")
    menu.close()


def test_an_unknown_voxel_size_is_asked_for(window, three, qtbot):
    window.open_files([three])
    notes = [note for note in window.notifications.shown if "voxel size is not known" in note.text]
    assert [note.text.split(":")[0] for note in notes] == ["TS_1"]
    QTest.mouseClick(window.notifications.card(notes[0]).button, Qt.MouseButton.LeftButton)
    dialog = window.findChild(VoxelSizeDialog)
    field = dialog.fields["x"]
    field.selectAll()
    QTest.keyClicks(field, "13.6812345")
    QTest.keyClick(field, Qt.Key.Key_Return)
    dialog.accept() if dialog.isVisible() else None
    session = window.workbench.session
    assert session.project.tomogram("TS_1").voxel_size_zyx == (13.6812345,) * 3
    edit.undo(session)
    assert session.project.tomogram("TS_1").voxel_size_zyx is None


def test_three_voxel_sizes_can_be_given_to_several_tomograms(window, three, qtbot):
    window.open_files([three])
    session = window.workbench.session
    window.side.list.choose([entry.id for entry in session.project.tomograms])
    window.actions_by_id.trigger("tomogram.voxel_size")
    dialog = window.findChild(VoxelSizeDialog)
    assert not dialog.fields["z"].isVisible()
    QTest.mouseClick(dialog.differ, Qt.MouseButton.LeftButton, pos=dialog.differ.rect().center() * 0.2)
    for axis, size in zip("xyz", (10.0, 11.0, 12.0), strict=True):
        dialog.fields[axis].setValue(size)
    dialog.accept()
    assert {entry.voxel_size_zyx for entry in session.project.tomograms} == {(12.0, 11.0, 10.0)}
    assert "voxel size" in session.log.lines[-1].title


def test_a_wrong_voxel_size_is_refused_in_words(window, three, qtbot):
    window.open_files([three])
    window.actions_by_id.trigger("tomogram.voxel_size")
    dialog = window.findChild(VoxelSizeDialog)
    dialog.fields["x"].setValue(-3)
    dialog.accept()
    assert dialog.isVisible() and "-3" in texts(window)[-1]


def test_a_network_of_dark_features_on_a_bright_tomogram_is_said(window, tmp_path, qtbot):
    dense = np.zeros((16, 64, 64), np.float32)
    dense[4:12, 20:40, 20:40] = 1.0
    noise = np.random.default_rng(0).normal(scale=0.2, size=dense.shape).astype(np.float32)
    with Project.create(tmp_path / "signs.aisproj") as project:
        for name, sign in (("bright", 1), ("dark", -1)):
            data = 5 * sign * dense + noise
            project.add_tomogram(write_volume(tmp_path / f"{name}.mrc", data, like=Tomogram(data, (10.0,) * 3)))
    network = save_model(new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=10.0, contrast=-1)),
                         tmp_path / "old.aismodel")  # fmt: skip
    window.open_files([tmp_path / "signs.aisproj"])
    known(window, qtbot)
    session = window.workbench.session
    assert [row.state for row in rows(window)] == ["good", "good"]
    model = models.add(session, network)
    qtbot.waitUntil(lambda: rows(window)[0].state == "odd", timeout=5000)
    assert "old has learnt dark ones" in rows(window)[0].words and rows(window)[1].state == "good"
    card = window.tabs[1].panel.models.card(model.id)
    assert card.warning.isVisibleTo(card) and "bright in bright" in card.warning.text()
    tomograms.show(session, session.project.tomograms[1].id)
    assert not card.warning.isVisibleTo(card)
    QTest.mouseClick(card.on, Qt.MouseButton.LeftButton, pos=QPoint(8, card.on.height() // 2))  # off: nothing is said
    qtbot.waitUntil(lambda: rows(window)[0].state == "good", timeout=5000)


def test_a_missing_file_is_red_and_relinked(window, three, tmp_path, qtbot, monkeypatch):
    away = tmp_path.parent / f"{tmp_path.name}_away"
    away.mkdir()
    shutil.move(tmp_path / "TS_2.mrc", away / "TS_2.mrc")
    window.open_files([three])
    known(window, qtbot)
    last = rows(window)[2]
    assert last.state == "missing" and "not found at" in last.words
    window.side.list.setCurrentIndex(window.side.list.proxy.index(2, 0))
    assert window.side.details.relink.isVisible()
    monkeypatch.setattr("PyQt6.QtWidgets.QFileDialog.getExistingDirectory", lambda *_, **__: str(tmp_path))
    QTest.mouseClick(window.side.details.relink, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "0 of 1" in texts(window)[-1], timeout=10000)
    monkeypatch.setattr("PyQt6.QtWidgets.QFileDialog.getExistingDirectory", lambda *_, **__: str(away))
    QTest.mouseClick(window.side.details.relink, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: rows(window)[2].state in ("good", "odd"), timeout=10000)
    assert not window.side.details.relink.isVisible()
    assert window.workbench.session.log.lines[-1].python.startswith("commands.tomograms.relink(session, ")


def test_looking_for_missing_files_does_not_halt_the_window_and_can_be_stopped(
    window, three, tmp_path, qtbot, monkeypatch
):
    away = tmp_path / "away"
    away.mkdir()
    for number in range(20):  # each must be compared
        (away / str(number)).mkdir()
        shutil.copy(tmp_path / "TS_2.mrc", away / str(number) / "TS_2.mrc")
    (tmp_path / "TS_2.mrc").unlink()
    window.open_files([three])
    known(window, qtbot)
    gate, asked = threading.Event(), []

    def slow(path):
        asked.append(path)
        gate.wait(10)
        return "another content"

    monkeypatch.setattr("ais_app.state.links.fingerprint", slow)
    monkeypatch.setattr("PyQt6.QtWidgets.QFileDialog.getExistingDirectory", lambda *_, **__: str(away))
    started = time.perf_counter()
    window.actions_by_id.trigger("tomogram.relink")
    assert time.perf_counter() - started < 1
    (job,) = window.workbench.jobs.active
    qtbot.waitUntil(lambda: bool(asked))
    job.stop()
    gate.set()
    qtbot.waitUntil(lambda: job.state == "cancelled", timeout=10000)
    assert rows(window)[2].state == "missing" and len(asked) < 20


def test_a_tomogram_that_cannot_be_read_is_odd_not_fatal(window, three, tmp_path, qtbot):
    content = (tmp_path / "TS_2.mrc").read_bytes()
    (tmp_path / "TS_2.mrc").write_bytes(content[:2000])
    window.open_files([three])
    known(window, qtbot)
    assert rows(window)[2].state == "odd" and "cannot be read" in rows(window)[2].words


def test_the_empty_list_offers_what_to_do(window, qtbot):
    assert window.side.empty.isVisible()
    assert window.side.empty.open.isVisible() and window.side.empty.demo.isVisible()


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """A project with 500 tomograms, all with thumbnails and findings."""
    folder = tmp_path_factory.mktemp("many")
    png = None
    with Project.create(folder / "many.aisproj") as project, project.group("Add tomograms"):
        for number in range(500):
            data = np.full((2, 8, 8), number, np.float32)
            path = write_volume(folder / f"TS_{number:03}.mrc", data, like=Tomogram(data, (10.0,) * 3))
            project.add_tomogram(path)
    with Project.open(folder / "many.aisproj") as project:
        from ais_app.views.tomograms.survey import png_of

        png = png_of(np.arange(112 * 112, dtype=np.uint8).reshape(112, 112))
        project.add_feature("membrane")
        for entry in project.tomograms:
            project.set_thumbnail(entry, png)
            project.set_preflight(entry, {"findings": [], "contrast": "dark"})
    return folder / "many.aisproj"


def test_500_tomograms_open_within_a_second_and_scroll(window, many, qtbot):
    start = time.perf_counter()
    window.open_files([many])
    window.side.list.viewport().repaint()
    assert time.perf_counter() - start < 1.0
    view = window.side.list
    bar = view.verticalScrollBar()
    longest = [0.0] * 3  # of each try; a halt of the machine spoils one of them
    for number in range(len(longest)):
        for place in np.linspace(0, bar.maximum(), 60).astype(int).tolist():
            start = time.perf_counter()
            bar.setValue(place)
            view.viewport().repaint()
            longest[number] = max(longest[number], time.perf_counter() - start)
    assert min(longest) < 0.1
    view.setCurrentIndex(view.proxy.index(499, 0))
    assert window.workbench.session.tomogram.name == "TS_499"
    view.selectionModel().select(view.proxy.index(3, 0), QItemSelectionModel.SelectionFlag.Select)
    assert len(window.side.chosen) == 2
