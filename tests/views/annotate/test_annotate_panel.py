"""The panel of the Annotate tab: features, settings, slices, predictions, files."""

from types import SimpleNamespace

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLabel, QMenu, QToolButton
from window_view import SHAPE, painted

from ais_app.core.io import create_volume, open_tomogram
from ais_app.state.commands import features, labels_in, tomograms
from ais_app.views.actions.annotate import ACTIONS
from ais_app.views.actions.keys import all_keys, clashes
from ais_app.views.actions.table import all_actions
from ais_app.views.annotate.import_dialog import ImportDialog


@pytest.fixture
def panel(window, project, qtbot):
    """The panel with the project open and the feature membrane chosen."""
    session = window.workbench.session
    session.close()
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index is None)
    window.workbench.settings.feature_styles = {}
    window.open_files([project])
    session.view.feature = session.project.feature("membrane").id
    tomograms.go_to(session, z=16)
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index == 16)
    found = window.tabs[0].panel
    qtbot.waitUntil(lambda: found.features.list.count() == 2)
    return found


def row_of(panel, name):
    return panel.features.row(panel.workbench.project.feature(name).id)


def entry(menu, words):
    return next(action for action in menu.actions() if action.text().startswith(words))


def test_no_key_of_annotation_is_that_of_another_action(window):
    ours = {action.id for action in ACTIONS}
    found = clashes(all_keys(all_actions(), window.workbench.settings))
    assert [clash for clash in found if ours & set(clash[1:])] == []


def test_every_button_of_the_panel_has_a_name_and_a_tip(panel):
    for button in panel.findChildren(QToolButton):
        if button.isVisibleTo(panel):
            assert button.toolTip() and (button.accessibleName() or button.text()), button


def test_a_feature_is_added_by_its_name_with_the_style_of_the_library(panel, qtbot):
    session = panel.workbench.session
    panel.features.name.setText("Microtubule")
    QTest.keyClick(panel.features.name, Qt.Key.Key_Return)
    feature = session.feature
    assert feature.name == "Microtubule" and feature.brush_radius == features.LIBRARY["Microtubule"]["brush_radius"]
    qtbot.waitUntil(lambda: panel.features.list.count() == 3)
    assert panel.features.list.currentRow() == 2
    session.project.undo()
    qtbot.waitUntil(lambda: panel.features.list.count() == 2)


def test_a_click_chooses_and_a_double_click_renames(panel, qtbot):
    session, row = panel.workbench.session, row_of(panel, "ribosome")
    middle = panel.features.list.visualItemRect(panel.features.list.item(1)).center()
    viewport = panel.features.list.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=middle)
    assert session.feature.name == "ribosome"
    QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=middle)
    assert row.is_editing
    row.editor.setText("80S")
    QTest.keyClick(row.editor, Qt.Key.Key_Return)
    assert session.feature.name == "80S"
    qtbot.waitUntil(lambda: "80S" in [label.text() for label in row.findChildren(QLabel)])


def test_a_name_that_cannot_be_is_refused_and_said(panel):
    said = []
    panel.workbench.notified.connect(said.append)
    row_of(panel, "ribosome").renamed.emit("membrane")
    assert len(said) == 1 and "membrane" in said[0].text
    panel.workbench.project.feature("ribosome")


def test_eye_lock_and_colour(panel):
    project, row = panel.workbench.project, row_of(panel, "membrane")
    for button, field in ((row.eye, "visible"), (row.lock, "locked")):
        before = getattr(project.feature("membrane"), field)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert getattr(project.feature("membrane"), field) is not before
    row.colour.choose("#112233")
    assert project.feature("membrane").colour == "#112233"


def test_moving_a_feature_up_the_list(panel, qtbot):
    panel.features.list.moved.emit(panel.workbench.project.feature("ribosome").id, 0)
    assert [feature.name for feature in panel.workbench.project.features] == ["ribosome", "membrane"]
    qtbot.waitUntil(lambda: panel.features.list.currentRow() == 1)


def test_removing_a_feature_offers_to_take_it_back(panel):
    project, said = panel.workbench.project, []
    panel.workbench.notified.connect(said.append)
    menu = QMenu()
    panel.features.fill_menu(menu, project.feature("membrane"))
    entry(menu, "Remove").trigger()
    assert [feature.name for feature in project.features] == ["ribosome"]
    said[0].act()
    assert [feature.name for feature in project.features] == ["membrane", "ribosome"]


def test_the_library_keeps_a_style_and_gives_it_to_another_feature(panel):
    project = panel.workbench.project
    project.change_feature("membrane", brush_radius=77.0, colour="#445566", box_size=96)
    for feature, words in (("membrane", "Keep style"), ("ribosome", "Use a style")):
        menu = QMenu()
        panel.features.fill_menu(menu, project.feature(feature))
        action = entry(menu, words)
        (action if action.menu() is None else entry(action.menu(), "membrane")).trigger()
    changed = project.feature("ribosome")
    assert (changed.brush_radius, changed.colour, changed.box_size) == (77.0, "#445566", 96)
    assert project.undo_title == "Change feature ribosome"


def test_the_settings_are_those_of_the_chosen_feature_in_nm_and_px(panel, qtbot):
    project, settings = panel.workbench.project, panel.settings
    size = project.tomogram("TS_01").voxel_size
    project.change_feature("membrane", brush_radius=size * 12)
    qtbot.waitUntil(lambda: settings.pixels.text() == "12 px")
    assert settings.radius.value() == pytest.approx(size * 1.2)
    settings.radius.changed.emit(5.0)
    settings.opacity.changed.emit(0.25)
    settings.outline.setChecked(True)
    settings.box.setValue(96)
    changed = project.feature("membrane")
    assert (changed.brush_radius, changed.opacity, changed.outline, changed.box_size) == (50.0, 0.25, True, 96)


def test_the_list_of_slices_jumps_and_clears(panel, qtbot):
    session, slices = panel.workbench.session, panel.slice_list
    qtbot.waitUntil(lambda: slices.list.count() == 3)
    assert slices.list.currentRow() == 1
    where = slices.list.visualItemRect(slices.list.item(2)).center()
    QTest.mouseClick(slices.list.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert session.view.z == 22
    menu = QMenu()
    slices.fill_menu(menu, "z", 22, True)
    entry(menu, "Clear").trigger()
    qtbot.waitUntil(lambda: slices.list.count() == 2)
    session.view.feature = session.project.feature("ribosome").id
    qtbot.waitUntil(lambda: slices.list.count() == 1)
    assert slices.list.item(0).text() == "z = 16  ·  boxes only  ·  2 boxes"


def test_an_empty_slice_is_marked_and_unmarked(panel, window):
    session = panel.workbench.session
    tomograms.go_to(session, z=5)
    labels = session.project.labels(session.view.tomogram, "membrane")
    window.actions_by_id.trigger("annotate.mark")
    assert 5 in labels.annotated_slices()
    window.actions_by_id.trigger("annotate.mark")
    assert 5 not in labels.annotated_slices()


def test_copying_to_the_next_slice_goes_there(panel, window):
    before = painted(window)
    window.actions_by_id.trigger("annotate.copy_next")
    assert panel.workbench.session.view.z == 17
    assert np.array_equal(painted(window), before) and before.any()


def test_interpolation_fills_the_slices_between(panel, window, qtbot):
    session = panel.workbench.session
    labels = session.project.labels(session.view.tomogram, "membrane")
    window.actions_by_id.trigger("annotate.interpolate")
    qtbot.waitUntil(lambda: labels.annotated_slices() == list(range(10, 23)), timeout=10000)
    assert labels.read_plane("z", 13).any()
    session.project.undo()
    assert labels.annotated_slices() == [10, 16, 22]


def test_the_prediction_of_the_slice_becomes_labels(panel, window, monkeypatch):
    session, said = panel.workbench.session, []
    panel.workbench.notified.connect(said.append)
    window.actions_by_id.trigger("annotate.take_slice")
    assert "prediction of membrane" in said[0].text  # there is no network yet
    tomograms.go_to(session, z=5)
    plane = np.zeros((40, 50), np.float32)
    plane[10:20, 10:20] = 0.5
    plane[30:, 30:] = 0.49
    answer = SimpleNamespace(tomogram=session.view.tomogram, z=5, region=(8, 48, 4, 54), planes={"membrane": plane})
    monkeypatch.setattr(panel.workbench.preview, "answer", answer)
    window.actions_by_id.trigger("annotate.take_slice")
    labels = painted(window)
    assert labels.sum() == 100 and labels[18:28, 14:24].all()
    assert 5 in session.project.labels(session.view.tomogram, "membrane").annotated_slices()


def test_masks_of_a_region_replace_the_labels_there_and_only_there(panel):
    session = panel.workbench.session
    labels = session.project.labels(session.view.tomogram, "membrane")
    before = labels.read()
    region = (slice(9, 20), slice(3, 90), slice(5, 100))
    random = np.random.default_rng(2).random((11, 87, 95)) > 0.7
    masks = labels_in.Masks(region)
    for plane in random:
        masks.add(plane)
    for _ in labels_in.taking_masks(session, labels, masks, "Take prediction"):
        pass
    expected = before.copy()
    expected[region] = random
    assert np.array_equal(labels.read(), expected)
    assert labels.annotated_slices() == [10, 16, 22]
    session.project.undo()
    assert np.array_equal(labels.read(), before)


def test_a_volume_without_a_network_is_refused_in_words(panel, window):
    said = []
    panel.workbench.notified.connect(said.append)
    window.actions_by_id.trigger("annotate.take_volume")
    assert len(said) == 1 and "no network of membrane is on" in said[0].text


def test_a_segmentation_becomes_labels_and_labels_a_volume(panel, window, qtbot, tmp_path, monkeypatch):
    session = panel.workbench.session
    volume = np.random.default_rng(3).random(SHAPE).astype(np.float32)
    path = tmp_path / "segmentation.mrc"
    with create_volume(path, SHAPE, np.dtype(np.float32)) as writer:
        writer.write(0, volume)
    labels = session.project.labels(session.view.tomogram, "membrane")
    dialog = ImportDialog(window, path, "membrane", panel.doing.read_labels)
    dialog.threshold.setValue(0.7)
    dialog.accept()
    qtbot.waitUntil(lambda: len(labels.annotated_slices()) == SHAPE[0], timeout=10000)
    assert np.array_equal(labels.read(), volume >= np.float32(0.7))
    out = tmp_path / "labels.mrc"
    monkeypatch.setattr("ais_app.views.annotate.doing.QFileDialog.getSaveFileName", lambda *_: (str(out), ""))
    window.actions_by_id.trigger("annotate.export_labels")
    qtbot.waitUntil(lambda: not window.workbench.jobs.active and out.exists(), timeout=10000)
    assert np.array_equal(np.asarray(open_tomogram(out).data[:]), labels.read())


def test_boxes_go_to_coordinates_and_come_back(panel, window, qtbot, tmp_path, monkeypatch):
    session = panel.workbench.session
    session.view.feature = session.project.feature("ribosome").id
    before = [box.centre_zyx for box in session.project.boxes(session.view.tomogram, "ribosome")]
    out = str(tmp_path / "boxes.star")
    dialogs = "ais_app.views.annotate.doing.QFileDialog"
    monkeypatch.setattr(f"{dialogs}.getSaveFileName", lambda *_: (out, "RELION (*.star)"))
    monkeypatch.setattr(f"{dialogs}.getOpenFileName", lambda *_: (out, ""))
    window.actions_by_id.trigger("annotate.export_boxes")
    qtbot.waitUntil(lambda: not window.workbench.jobs.active, timeout=20000)
    window.actions_by_id.trigger("annotate.import_boxes")
    qtbot.waitUntil(lambda: len(session.project.boxes(session.view.tomogram, "ribosome")) == 4, timeout=20000)
    after = [box.centre_zyx for box in session.project.boxes(session.view.tomogram, "ribosome")]
    assert np.allclose(after[2:], before, atol=0.01)


def test_both_themes_and_an_empty_project(panel, window):
    for theme in ("light", "dark"):
        window.workbench.settings.theme = theme
    window.workbench.session.close()
    QTest.qWait(30)
    assert panel.features.nothing.isVisible() and panel.slice_list.nothing.isVisible()
    assert not panel.settings.isEnabled()
