"""The Particles tab as somebody goes through many picks: nothing jumps, and what is meant by what is said is clear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gallery_view import CTRL, LEFT, SHAPE, SHIFT, SIZE, WAIT, click, grid_of, make_project, panel_of, rows, show
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog

from ais_app.core.model.package import ModelCard, architecture, new_model, save_model
from ais_app.core.particle_set import Particles
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.views.main_window import MainWindow
from ais_app.views.particles.area import ParticleArea

COUNT, OUTSIDE = 300, 299


@pytest.fixture
def gallery(window: MainWindow, tmp_path: Path, qtbot) -> MainWindow:
    """The window with 300 picks in the gallery, more than are in view; the last of them outside the tomogram."""
    random = np.random.default_rng(1)
    positions = random.uniform(100.0, np.array(SHAPE) * SIZE - 100.0, (COUNT, 3))
    positions[OUTSIDE] = -5000.0
    found = Particles(positions, scores=random.uniform(0, 1, COUNT))
    window.open_files([make_project(tmp_path, found, radius=50.0)])
    show(window, qtbot)
    return window


def area_of(window: MainWindow) -> ParticleArea:
    area = window.tabs[4].data
    assert isinstance(area, ParticleArea)
    return area


def show_only(window: MainWindow, qtbot, words: str) -> None:
    """Choose what is shown, with the keys."""
    box = area_of(window).shown
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    while box.currentText() != words:
        QTest.keyClick(box, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: grid_of(window).accessibleDescription().startswith(f"{shown(window)} "), timeout=WAIT)


def shown(window: MainWindow) -> int:
    return len(window.workbench.session.gallery.order)


def reject(window: MainWindow, qtbot) -> None:
    """Press Delete over the gallery, and wait until the rejected have gone from it."""
    before, grid = shown(window), grid_of(window)
    QTest.keyClick(grid, Qt.Key.Key_Delete)
    gone = len(rows(window))
    qtbot.waitUntil(lambda: grid.accessibleDescription().startswith(f"{before - gone} "), timeout=WAIT)


def test_the_gallery_stays_where_it_is_as_rejected_tiles_go_from_it(gallery: MainWindow, qtbot) -> None:
    grid = grid_of(gallery)
    show_only(gallery, qtbot, "Kept")
    click(grid, 0)
    for _ in range(3):
        QTest.keyClick(grid, Qt.Key.Key_PageDown)
    (row,) = rows(gallery)
    top = grid.verticalScrollBar().value()
    assert top > 0
    reject(gallery, qtbot)
    assert grid.verticalScrollBar().value() == pytest.approx(top, abs=grid.place_of(row + 1).height() + 20)
    QTest.keyClick(grid, Qt.Key.Key_Right)  # the next one, and not the first of all
    assert rows(gallery) == [row + 1]
    reject(gallery, qtbot)
    QTest.keyClick(grid, Qt.Key.Key_Left)
    assert rows(gallery) == [row - 1]
    QTest.keyClick(grid, Qt.Key.Key_Right, SHIFT)
    assert rows(gallery) == [row - 1, row + 2]
    reject(gallery, qtbot)  # of several that go, the next one comes after the last
    QTest.keyClick(grid, Qt.Key.Key_Right)
    assert rows(gallery) == [row + 3]


def test_another_choice_begins_at_its_first_tile(gallery: MainWindow, qtbot) -> None:
    grid = grid_of(gallery)
    click(grid, 0)
    QTest.keyClick(grid, Qt.Key.Key_Right)
    QTest.keyClick(grid, Qt.Key.Key_Right, SHIFT)
    QTest.keyClick(grid, Qt.Key.Key_Delete)
    click(grid, 5)
    QTest.keyClick(grid, Qt.Key.Key_PageDown)
    show_only(gallery, qtbot, "Rejected")
    assert grid.verticalScrollBar().value() == 0
    QTest.keyClick(grid, Qt.Key.Key_Down)
    assert rows(gallery) == [1]


def test_what_is_selected_and_not_shown_is_said(gallery: MainWindow, qtbot) -> None:
    grid, state = grid_of(gallery), area_of(gallery).state
    click(grid, 0)
    click(grid, 2, SHIFT)
    QTest.keyClick(grid, Qt.Key.Key_Delete)
    click(grid, 4, CTRL)
    qtbot.waitUntil(lambda: state.text().endswith(" · 4 selected"), timeout=WAIT)
    show_only(gallery, qtbot, "Kept")
    qtbot.waitUntil(lambda: state.text().endswith(" · 4 selected, 3 of them not shown"), timeout=WAIT)
    click(grid, 4, CTRL)
    qtbot.waitUntil(lambda: state.text().endswith(" · 3 selected, not shown"), timeout=WAIT)


def test_the_arrow_beside_sort_says_which_are_first(gallery: MainWindow, qtbot) -> None:
    area = area_of(gallery)
    area.sort.setFocus()
    QTest.keyClick(area.sort, Qt.Key.Key_Down)
    qtbot.waitUntil(area.direction.isEnabled, timeout=WAIT)
    assert area.direction.toolTip().startswith("The best first")
    QTest.mouseClick(area.direction, LEFT)
    qtbot.waitUntil(lambda: area.direction.toolTip().startswith("The worst first"), timeout=WAIT)


def test_too_few_for_so_many_clusters_is_said_with_the_selection_in_mind(gallery: MainWindow) -> None:
    said: list[str] = []
    gallery.workbench.notified.connect(lambda note: said.append(note.text))
    click(grid_of(gallery), 3)
    panel = panel_of(gallery)
    QTest.mouseClick(panel.clusters.group, LEFT)
    assert "the selection of 1 particle" in said[-1] and "Ctrl+Shift+A" in said[-1]
    assert not panel.jobs.running("group")  # nothing was cut for it


def test_the_name_of_a_cluster_can_be_read(gallery: MainWindow, qtbot) -> None:
    panel = panel_of(gallery)
    panel.clusters.count.setValue(2)
    QTest.mouseClick(panel.clusters.group, LEFT)
    qtbot.waitUntil(lambda: len(panel.clusters.rows) == 2, timeout=WAIT)
    row = panel.clusters.rows[0]
    QTest.keyClick(row, Qt.Key.Key_Space)
    QTest.keyClicks(panel.clusters.name, "ribosome")
    QTest.keyClick(panel.clusters.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: row.title.text() == "1 · ribosome", timeout=WAIT)
    qtbot.wait(50)
    assert row.title.fontMetrics().horizontalAdvance(row.title.text()) <= row.title.width()


def test_an_average_says_how_many_were_left_out_and_that_none_is_turned(gallery: MainWindow, qtbot) -> None:
    grid, section = grid_of(gallery), panel_of(gallery).average
    QTest.mouseClick(section.average, LEFT)
    qtbot.waitUntil(lambda: section.save.isEnabled(), timeout=WAIT)
    words = section.words
    assert words.text().startswith(f"{COUNT - 1} of {COUNT} particles · ")
    assert words.text().endswith(" · not turned: no orientation is known")
    assert "outside their tomogram" in words.toolTip()
    lines = words.heightForWidth(words.width()) // words.fontMetrics().lineSpacing()
    assert lines == 2  # the room that is kept
    before, path = words.text(), gallery.workbench.session.project.path
    gallery.workbench.session.close()
    gallery.open_files([path])
    show(gallery, qtbot)
    qtbot.waitUntil(lambda: section.save.isEnabled(), timeout=WAIT)
    assert words.text() == before and "outside their tomogram" in words.toolTip()  # what is kept says the same
    click(grid, 0)
    click(grid, 9, SHIFT)
    QTest.mouseClick(section.average, LEFT)
    qtbot.waitUntil(lambda: words.text().startswith("10 particles · "), timeout=WAIT)
    assert words.toolTip() == ""


def test_the_button_says_that_a_network_is_at_work(gallery: MainWindow, tmp_path: Path, qtbot, monkeypatch) -> None:
    panel = panel_of(gallery)
    card = ModelCard("rb3d_pooled", {**architecture("rb3d_pooled").parameters, "classes": 2}, feature="subtomogram",
                     training={"data": {"classes": ["left", "right"]}})  # fmt: skip
    network = save_model(new_model(card), tmp_path / "classes.aismodel")
    asked: list[object] = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: asked.append(_) or (str(network), ""))
    QTest.mouseClick(panel.classify, LEFT)
    (job,) = gallery.workbench.jobs.active
    job.pause()
    qtbot.waitUntil(lambda: panel.classify.text() == "Classifying …", timeout=WAIT)
    QTest.mouseClick(panel.classify, LEFT)
    assert len(asked) == 1  # a file that would not be used is not asked for
    job.stop()
    qtbot.waitUntil(lambda: panel.classify.text() == "Classify with a network…", timeout=WAIT)


def test_a_stack_is_named_with_its_number_of_particles(gallery: MainWindow, tmp_path: Path, qtbot) -> None:
    cubes = np.random.default_rng(0).normal(size=(6, 12, 12, 12)).astype(np.float32)
    found = Particles(np.full((6, 3), 150.0), tomograms=np.array(["noise"] * 6, dtype=object), voxel_size=SIZE)
    write_stack(tmp_path / "s.zarr", cubes, found, [Wedge()], np.zeros(6, int), SIZE)
    source = panel_of(gallery).source
    assert panel_of(gallery).take_file(tmp_path / "s.zarr")
    qtbot.waitUntil(lambda: source.source.currentText() == "s.zarr · 6", timeout=WAIT)
    assert source.tomograms.text() == "those of the stack"


def test_the_box_becomes_larger_and_smaller_by_the_arrows(gallery: MainWindow, qtbot) -> None:
    gallery_, edge = gallery.workbench.session.gallery, panel_of(gallery).source.edge
    before = gallery_.box.edge
    edge.setFocus()
    for key, expected in ((Qt.Key.Key_Up, before + 2), (Qt.Key.Key_Up, before + 4), (Qt.Key.Key_Down, before + 2)):
        QTest.keyClick(edge, key)
        qtbot.waitUntil(lambda expected=expected: edge.value() == expected, timeout=WAIT)
        assert gallery_.box.edge == expected


def test_a_class_that_undo_takes_away_while_it_alone_is_shown_leaves_a_way_out(gallery: MainWindow, qtbot) -> None:
    grid, area, panel = grid_of(gallery), area_of(gallery), panel_of(gallery)
    click(grid, 1)
    line = panel.marks.name.lineEdit()
    QTest.keyClicks(line, "ribosome")
    QTest.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(area.of_class.isVisible, timeout=WAIT)
    area.of_class.setFocus()
    QTest.keyClick(area.of_class, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: shown(gallery) == 1, timeout=WAIT)
    QTest.keyClick(grid, Qt.Key.Key_Z, CTRL)
    qtbot.waitUntil(area.nothing.isVisible, timeout=WAIT)
    assert area.of_class.isVisible() and area.of_class.currentText() == "ribosome"
    QTest.keyClick(area.of_class, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: shown(gallery) == COUNT and not area.of_class.isVisible(), timeout=WAIT)


def test_another_order_begins_at_its_first_tile(gallery: MainWindow, qtbot) -> None:
    grid, area = grid_of(gallery), area_of(gallery)
    bar = grid.verticalScrollBar()
    for widget, key in ((area.sort, Qt.Key.Key_Down), (area.direction, Qt.Key.Key_Space)):
        click(grid, int(gallery.workbench.session.gallery.order[0]))
        QTest.keyClick(grid, Qt.Key.Key_End)
        assert bar.value() > 0
        widget.setFocus()
        QTest.keyClick(widget, key)
        qtbot.waitUntil(lambda: bar.value() == 0, timeout=WAIT)
        qtbot.waitUntil(area.direction.isEnabled, timeout=WAIT)


def test_cubes_stay_as_wide_where_more_voxels_become_one(gallery: MainWindow, qtbot) -> None:
    gallery_, source = gallery.workbench.session.gallery, panel_of(gallery).source
    edge, width = gallery_.box.edge, source.words.text().partition(",")[0]
    assert gallery_.box.binning == 1 and edge % 4 == 0
    source.binning.setFocus()
    for key, expected in ((Qt.Key.Key_Up, (edge // 2, 2)), (Qt.Key.Key_Down, (edge, 1))):
        QTest.keyClick(source.binning, key)
        qtbot.waitUntil(lambda expected=expected: (gallery_.box.edge, gallery_.box.binning) == expected, timeout=WAIT)
        qtbot.waitUntil(lambda: source.edge.value() == gallery_.box.edge, timeout=WAIT)
        assert source.words.text().partition(",")[0] == width
