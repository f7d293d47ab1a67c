"""Coordinates in and out: what is seen before a file is taken, what another choice gives, what is written."""

from __future__ import annotations

import shutil
import threading

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog

import ais_app
from ais_app.core.particle_set import Particles
from ais_app.state.commands import picks
from ais_app.state.project import Project
from ais_app.state.readings import Correction, other_readings, placed, read_as
from ais_app.views.dialogs.coordinates_in import CoordinatesIn
from ais_app.views.dialogs.coordinates_out import CoordinatesOut

VOXELS = np.array([[5.0, 20, 30], [16, 40, 80], [28, 70, 100], [9, 90, 12]])  # z y x, of a tomogram of 32 × 96 × 112


def particles(size, name="TS_01", voxels=VOXELS):
    names = np.full(len(voxels), name, dtype=object)
    return Particles(voxels * size, tomograms=names, voxel_size=size, shape_zyx=(32, 96, 112))


@pytest.fixture
def entry(opened):
    return opened.workbench.session.tomogram


def plain_list(path, values_zyx):
    path.write_text("x,y,z\n" + "".join(f"{x},{y},{z}\n" for z, y, x in np.asarray(values_zyx).tolist()))
    return path


def shown(qtbot, dialog):
    qtbot.waitUntil(lambda: dialog.look is not None and not dialog.busy, timeout=15_000)
    return dialog


def dropped(window, qtbot, path):
    window.open_files([path])
    (dialog,) = window.findChildren(CoordinatesIn)
    return shown(qtbot, dialog)


def pick_positions(window):
    project = window.workbench.project
    (known,) = project.picks(window.workbench.session.tomogram)
    return project.pick_store(known).read().positions_zyx


def test_a_dropped_list_is_seen_then_taken_and_undone(opened, entry, tmp_path, qtbot):
    path = ais_app.write_particles(tmp_path / "ribosomes.star", particles(entry.voxel_size), "relion5")
    dialog = dropped(opened, qtbot, path)
    assert dialog.format.currentData() == "relion5" and "Å from the centre" in dialog.words.text()
    assert "4 particles, all inside" in dialog.count.text() and dialog.slices.count_outside == 0
    np.testing.assert_allclose(dialog.slices.points, VOXELS, atol=1e-4)
    assert not opened.workbench.project.picks(entry)
    QTest.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    (known,) = opened.workbench.project.picks(entry)
    assert (known.name, known.count, known.source["format"]) == ("ribosomes", 4, "relion5")
    np.testing.assert_allclose(pick_positions(opened), VOXELS * entry.voxel_size, atol=1e-3)
    line = opened.workbench.session.log.lines[-1].python
    opened.actions_by_id.trigger("edit.undo")
    assert not opened.workbench.project.picks(entry)
    session = opened.workbench.session
    from ais_app.state import commands

    exec(line, {"commands": commands, "session": session})  # the line that was noted does the same again
    np.testing.assert_allclose(pick_positions(opened), VOXELS * entry.voxel_size, atol=1e-3)


def test_a_wrong_unit_is_seen_and_put_right_by_a_click(opened, entry, tmp_path, qtbot):
    path = plain_list(tmp_path / "list.csv", VOXELS * entry.voxel_size)
    dialog = dropped(opened, qtbot, path)
    assert "outside" in dialog.count.text() and dialog.slices.count_outside == 4
    assert f"{entry.voxel_size:.4g} Å, the tomogram's" in dialog.words.text()
    card = dialog.cards[0]  # the one with most inside comes first
    assert "Å" in card.title.text() and card.picture.count_outside == 0
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "all inside" in dialog.count.text() and not dialog.busy, timeout=15_000)
    assert dialog.look.reading.options["unit"] == "angstrom"
    QTest.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    np.testing.assert_allclose(pick_positions(opened), VOXELS * entry.voxel_size, atol=1e-3)


@pytest.mark.parametrize(
    ("values", "correction"),
    [
        (VOXELS + 1, {"first_index": 1}),
        (VOXELS / 2, {"factor": 2.0}),
        (VOXELS * 4, {"factor": 0.25}),
        (VOXELS - np.array([16, 48, 56]), {"centred": True}),
    ],
    ids=["from 1", "binned by 2", "unbinned", "centred"],
)
def test_every_usual_slip_is_among_the_other_readings(project, tmp_path, values, correction):
    with Project.open(project, read_only=True) as known:
        (entry,) = known.tomograms
    reading = read_as(plain_list(tmp_path / "list.csv", values), entry)
    others = other_readings(reading, [entry], entry, most=20)
    right = [other for other in others if other.correction == Correction(**correction)]
    assert len(right) == 1 and right[0].choice
    found = placed(right[0], [entry], entry).parts[entry.id].positions_zyx
    np.testing.assert_allclose(found, VOXELS * entry.voxel_size, atol=1e-6)
    assert len({other.choice for other in others}) == len(others)


def test_voxels_taken_for_angstrom_are_noticed_though_all_lie_inside(opened, entry, tmp_path, qtbot):
    path = plain_list(tmp_path / "list.csv", np.tile(VOXELS, (4, 1)))
    dialog = dropped(opened, qtbot, path)
    assert "look like" not in dialog.count.text()
    dialog.format_form.field("unit").editors()[0].setCurrentText("angstrom")
    dialog.format_form.field("unit").changed.emit()
    qtbot.waitUntil(lambda: "look like voxels" in dialog.count.text() and not dialog.busy, timeout=15_000)
    assert dialog.slices.count_outside == 0
    dialog.reject()


def test_options_and_format_are_read_again(opened, entry, tmp_path, qtbot):
    path = ais_app.write_particles(tmp_path / "list.tbl", particles(entry.voxel_size), "dynamo")
    dialog = dropped(opened, qtbot, path)
    assert "the first voxel is 1" in dialog.words.text()
    dialog.format_form.field("first_index").editors()[0].setValue(0)
    qtbot.waitUntil(lambda: "the first voxel is 0" in dialog.words.text() and not dialog.busy, timeout=15_000)
    np.testing.assert_allclose(dialog.slices.points, VOXELS + 1, atol=1e-3)
    dialog.format.setCurrentIndex(dialog.format.findData("imod"))
    dialog.format.activated.emit(dialog.format.currentIndex())
    qtbot.waitUntil(lambda: not dialog.ok.isEnabled() and not dialog.busy, timeout=15_000)
    assert "list.tbl" in dialog.count.text()  # why it cannot be read so, in words
    dialog.reject()
    assert not opened.workbench.project.picks(entry)


def test_several_tomograms_and_names_that_are_not_here(opened, entry, tmp_path, qtbot):
    shutil.copy(tmp_path / "TS_01.mrc", tmp_path / "TS_02.mrc")
    other = opened.workbench.project.add_tomogram(tmp_path / "TS_02.mrc")
    size = entry.voxel_size
    lists = [particles(size), particles(size, "TS_02", VOXELS[:2]), particles(size, "TS_09", VOXELS[:1])]
    path = ais_app.write_particles(tmp_path / "all.star", Particles.concatenate(lists), "star")
    dialog = dropped(opened, qtbot, path)
    assert dialog.which.count() == 2 and "TS_09" in dialog.names.text()
    dialog.accept()
    project = opened.workbench.project
    assert [project.picks(id)[0].count for id in (entry.id, other.id)] == [4, 2]
    picks.import_file(opened.workbench.session, path)  # the same again gets a name of its own
    assert [known.name for known in project.picks(entry)] == ["all", "all 2"]


def test_a_damaged_file_is_said_in_the_dialog(opened, entry, tmp_path, qtbot):
    path = tmp_path / "bad.csv"
    path.write_text("x,y,z\n1,2,oops\n")
    dialog = dropped(opened, qtbot, path)
    assert "oops" in dialog.count.text() and not dialog.ok.isEnabled()
    dialog.reject()


def test_the_window_closes_while_a_file_is_looked_at(opened, entry, tmp_path):
    opened.open_files([plain_list(tmp_path / "list.csv", VOXELS)])
    opened.shut_down()
    names = [thread.name for thread in threading.enumerate()]
    assert "coordinates" not in names, names


def test_coordinates_without_a_tomogram_are_refused_in_words(window, tmp_path):
    said = []
    window.workbench.notified.connect(said.append)
    window.open_files([plain_list(tmp_path / "list.csv", VOXELS)])
    assert len(said) == 1 and "open the tomogram first" in said[0].text


def test_what_is_written_is_read_back_where_it_was(opened, entry, tmp_path, qtbot):
    opened.workbench.project.add_picks(entry, "mine", particles(entry.voxel_size))
    dialog = CoordinatesOut(opened, opened.workbench)
    dialog.open()
    for format in ("relion5", "star", "dynamo", "imod", "motl", "copick", "csv"):
        dialog.format.setCurrentIndex(dialog.format.findData(format))
        dialog.format.activated.emit(dialog.format.currentIndex())
        qtbot.waitUntil(lambda: not dialog.busy, timeout=15_000)
        np.testing.assert_allclose(dialog.slices.points, VOXELS, atol=1e-3, err_msg=format)
        assert "4 particles" in dialog.count.text() and dialog.text.toPlainText() and dialog.words.text()
    path = tmp_path / "out.csv"
    dialog.write(path)
    qtbot.waitUntil(lambda: "export_file" in opened.workbench.session.log.lines[-1].python, timeout=15_000)
    np.testing.assert_allclose(ais_app.read_particles(path).positions_zyx, VOXELS * entry.voxel_size, atol=1e-3)


def test_boxes_are_written_through_the_menu(opened, entry, tmp_path, qtbot, monkeypatch):
    path = tmp_path / "boxes.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    opened.actions_by_id.trigger("file.export_coordinates")
    (dialog,) = opened.findChildren(CoordinatesOut)
    assert not dialog.save.isEnabled()  # nothing is ticked: boxes are offered, not taken
    dialog.what.item(0).setCheckState(Qt.CheckState.Checked)
    dialog.format.setCurrentIndex(dialog.format.findData("csv"))
    dialog.format.activated.emit(dialog.format.currentIndex())
    qtbot.waitUntil(lambda: not dialog.busy and dialog.save.isEnabled(), timeout=15_000)
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(path.exists, timeout=15_000)
    found = ais_app.read_particles(path)
    np.testing.assert_allclose(found.positions_zyx / entry.voxel_size, [[16, 40, 40], [16, 60, 70]], atol=1e-3)


def test_a_folder_that_cannot_be_written_keeps_the_dialog(opened, entry, tmp_path, qtbot):
    opened.workbench.project.add_picks(entry, "mine", particles(entry.voxel_size))
    (tmp_path / "blocked").write_text("a file, not a folder")
    dialog = CoordinatesOut(opened, opened.workbench)
    dialog.open()
    said = []
    opened.workbench.notified.connect(said.append)
    dialog.write(tmp_path / "blocked" / "out.star")
    qtbot.waitUntil(lambda: bool(said), timeout=15_000)
    assert said[0].kind == "error" and "blocked" in said[0].text and dialog.isVisible()
    dialog.reject()


def test_one_file_for_each_tomogram_where_a_format_needs_it(opened, entry, tmp_path):
    shutil.copy(tmp_path / "TS_01.mrc", tmp_path / "TS_02.mrc")
    project, session = opened.workbench.project, opened.workbench.session
    other = project.add_tomogram(tmp_path / "TS_02.mrc")
    sets = [project.add_picks(each, "mine", particles(entry.voxel_size, each.name)).id for each in (entry, other)]
    written = picks.export_file(session, tmp_path / "out.mod", "imod", pick_sets=sets)
    assert [path.name for path in written] == ["out_TS_01.mod", "out_TS_02.mod"] and all(p.exists() for p in written)
