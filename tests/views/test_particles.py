"""The Particles tab with real mouse and keys: gallery, selection, reject and keep, classes, stacks, what cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gallery_view import (
    CTRL,
    LEFT,
    SHAPE,
    SHIFT,
    SIZE,
    WAIT,
    click,
    drag,
    grid_of,
    make_project,
    panel_of,
    rows,
    settle,
    show,
)
from PyQt6.QtCore import QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtTest import QTest

from ais_app.core.particle_set import Particles
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.state.commands import particles
from ais_app.state.overlays import Overlays
from ais_app.views.main_window import MainWindow

COUNT = 40


@pytest.fixture
def gallery(window: MainWindow, tmp_path: Path, qtbot) -> MainWindow:
    """The window with 40 picks in the gallery, the last of them far outside; all tiles made."""
    random = np.random.default_rng(1)
    positions = random.uniform(100.0, np.array(SHAPE) * SIZE - 100.0, (COUNT, 3))
    positions[-1] = -5000.0
    found = Particles(positions, scores=random.uniform(0, 1, COUNT))
    window.open_files([make_project(tmp_path, found)])
    show(window, qtbot)
    return window


class Paints(QObject):
    """Notes when a widget is drawn."""

    def __init__(self, drawn: list) -> None:
        super().__init__()
        self._drawn = drawn

    def eventFilter(self, watched, event) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Paint:
            self._drawn.append(event)
        return False


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    none = Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(300, 300), Qt.DropAction.CopyAction, data, LEFT, none)
    window.dropEvent(event)


def test_without_picks_it_says_what_goes_there_and_offers_it(window: MainWindow, tmp_path: Path, qtbot) -> None:
    opened = window
    opened.open_files([make_project(tmp_path, None)])
    opened.actions_by_id.trigger("tab.particles")
    area = opened.tabs[4].data
    qtbot.waitUntil(area.isVisible, timeout=WAIT)
    assert area.is_empty
    QTest.mouseClick(area.go_pick, LEFT)
    assert opened.workbench.session.view.tab == "render"


def test_tiles_are_selected_as_files_are(gallery: MainWindow) -> None:
    grid = grid_of(gallery)
    click(grid, 3)
    assert rows(gallery) == [3]
    click(grid, 6, SHIFT)
    assert rows(gallery) == [3, 4, 5, 6]
    click(grid, 5, CTRL)
    click(grid, 9, CTRL)
    assert rows(gallery) == [3, 4, 6, 9]
    first, last = grid.place_of(0), grid.place_of(1)
    drag(grid.viewport(), [first.topLeft() - QPoint(3, 3), first.center(), last.center()])
    assert rows(gallery) == [0, 1]
    QTest.keyClick(grid, Qt.Key.Key_A, CTRL)
    assert len(rows(gallery)) == COUNT


def test_arrows_go_through_the_tiles_and_not_through_the_slices(gallery: MainWindow) -> None:
    grid, view = grid_of(gallery), gallery.workbench.session.view
    before = view.z, view.tomogram
    click(grid, 0)
    QTest.keyClick(grid, Qt.Key.Key_Right)
    assert rows(gallery) == [1]
    QTest.keyClick(grid, Qt.Key.Key_Right, SHIFT)
    QTest.keyClick(grid, Qt.Key.Key_Right, SHIFT)
    assert rows(gallery) == [1, 2, 3]
    QTest.keyClick(grid, Qt.Key.Key_End)
    assert rows(gallery) == [COUNT - 1]
    assert not grid.place_of(COUNT - 1).isEmpty()
    QTest.keyClick(grid, Qt.Key.Key_Space)
    assert rows(gallery) == []
    assert (view.z, view.tomogram) == before


def test_reject_keep_and_undo(gallery: MainWindow, qtbot) -> None:
    grid, session = grid_of(gallery), gallery.workbench.session
    click(grid, 2)
    click(grid, 4, CTRL)
    QTest.keyClick(grid, Qt.Key.Key_Delete)
    assert np.flatnonzero(session.gallery.table.rejected).tolist() == [2, 4]
    qtbot.waitUntil(gallery.actions_by_id["particles.keep"].isEnabled, timeout=WAIT)
    QTest.keyClick(grid, Qt.Key.Key_K)
    assert not session.gallery.table.rejected.any()
    QTest.keyClick(grid, Qt.Key.Key_R)
    assert session.gallery.table.rejected.sum() == 2
    for expected in (0, 2, 0):  # each is a step of its own
        QTest.keyClick(grid, Qt.Key.Key_Z, CTRL)
        assert session.gallery.table.rejected.sum() == expected
    assert rows(gallery) == [2, 4]  # the selection stays


def test_a_double_click_goes_to_the_place(gallery: MainWindow, qtbot) -> None:
    grid, session = grid_of(gallery), gallery.workbench.session
    QTest.mouseDClick(grid.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, grid.place_of(7).center())
    assert session.view.tab == "annotate"
    size = session.tomogram.voxel_size
    place = np.round(session.gallery.table.positions_zyx[7] / size)
    assert (session.view.z, session.view.y, session.view.x) == tuple(place)
    qtbot.waitUntil(lambda: gallery.slices.panes["z"].shown_index == session.view.z, timeout=5000)


def test_a_class_is_typed_and_shows_in_the_slices(gallery: MainWindow, qtbot) -> None:
    grid, panel, session = grid_of(gallery), panel_of(gallery), gallery.workbench.session
    click(grid, 1)
    click(grid, 3, SHIFT)
    line = panel.marks.name.lineEdit()
    QTest.keyClicks(line, "70S")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert session.gallery.table.classes[:5].tolist() == ["", "70S", "70S", "70S", ""]
    qtbot.waitUntil(lambda: "70S" in panel.classes.names, timeout=WAIT)
    assert panel.classes.row("70S").count.text() == "3"
    click(grid, 0)
    QTest.mouseClick(panel.classes.row("70S").select, LEFT)
    assert rows(gallery) == [1, 2, 3]
    (shown,) = Overlays(session).picks(session.view.tomogram)
    colour = panel.classes.row("70S").colour.colour
    assert shown.colours is not None
    assert [each.lower() for each in shown.colours[1:4]] == [colour] * 3


def test_sort_and_filter(gallery: MainWindow, qtbot) -> None:
    area, session = gallery.tabs[4].data, gallery.workbench.session
    area.sort.setCurrentIndex(area.sort.findData("score"))
    scores = session.gallery.table.scores[session.gallery.order]
    assert (np.diff(scores) <= 0).all()
    qtbot.waitUntil(area.direction.isEnabled, timeout=WAIT)
    QTest.mouseClick(area.direction, LEFT)
    assert (np.diff(session.gallery.table.scores[session.gallery.order]) >= 0).all()
    area.sort.setCurrentIndex(area.sort.findData("quality"))
    qtbot.waitUntil(lambda: bool(np.isfinite(session.gallery.quality[:-1]).all()), timeout=WAIT)
    assert session.gallery.order[-1] == COUNT - 1  # the one outside has none
    particles.reject(session, [5])
    area.shown.setCurrentIndex(area.shown.findData("rejected"))
    assert session.gallery.order.tolist() == [5]


def test_tiles_show_the_tomogram_around_the_pick(gallery: MainWindow, qtbot) -> None:
    grid, session = grid_of(gallery), gallery.workbench.session
    particles.change_look(session, depth="slice")
    gallery.tabs[4].data.tiles.follow()
    settle(gallery, qtbot)
    size = session.tomogram.voxel_size
    z, y, x = np.round(session.gallery.table.positions_zyx[0] / size).astype(int)
    half = session.gallery.box.edge // 2
    plane = session.volume(session.view.tomogram).read((slice(z, z + 1), slice(None), slice(None)))[0]
    ys, xs = slice(max(0, y - half), y + half), slice(max(0, x - half), x + half)
    expected = plane[ys, xs]
    tile = gallery.tabs[4].data.tiles.images[0]
    part = tile[max(0, half - y) :, max(0, half - x) :][: expected.shape[0], : expected.shape[1]]
    assert np.corrcoef(part.ravel(), expected.ravel())[0, 1] > 0.95
    shown = grid.image_of(0)
    assert shown is not None and shown.width() == shown.height() == grid.place_of(0).width()
    grid.resize_tiles(80)
    qtbot.waitUntil(lambda: grid.image_of(0).width() == grid.place_of(0).width() > shown.width(), timeout=WAIT)
    assert grid.image_of(COUNT - 1) is None  # outside


def test_tiles_that_come_for_later_do_not_draw_the_gallery_again(gallery: MainWindow, qtbot) -> None:
    grid, tiles = grid_of(gallery), gallery.tabs[4].data.tiles
    grid.resize_tiles(200)
    qtbot.waitUntil(lambda: grid.place_of(0).width() > 200, timeout=WAIT)
    drawn = []
    grid.viewport().installEventFilter(paints := Paints(drawn))
    settle(gallery, qtbot)
    qtbot.wait(100)
    times = {}
    for rows_made in ((COUNT - 2, COUNT - 1), (COUNT - 1, 0)):  # the former far below
        drawn.clear()
        for _ in range(20):
            tiles.changed.emit(np.array(rows_made))
            qtbot.wait(10)
        times[rows_made] = len(drawn)
    assert times[COUNT - 2, COUNT - 1] < 5 < times[COUNT - 1, 0]
    grid.viewport().removeEventFilter(paints)


def test_rejected_are_background_in_the_next_training(gallery: MainWindow, qtbot) -> None:
    session, panel = gallery.workbench.session, panel_of(gallery)
    particles.reject(session, [0, 1])
    qtbot.waitUntil(panel.marks.negatives.isEnabled, timeout=WAIT)
    panel.marks.feature.setCurrentText("ribosome")
    QTest.mouseClick(panel.marks.negatives, LEFT)
    assert len(session.project.boxes(session.view.tomogram, "not ribosome")) == 2


def test_rejected_particles_outside_their_tomogram_get_no_box_and_that_is_said(gallery: MainWindow, qtbot) -> None:
    session, panel = gallery.workbench.session, panel_of(gallery)
    said: list[str] = []
    gallery.workbench.notified.connect(lambda note: said.append(note.text))

    def add(name: str, positions: list[list[float]]) -> None:
        session.project.add_picks(session.view.tomogram, name, Particles(np.array(positions)))
        particles.show_picks(session, name)
        particles.reject(session, list(range(len(positions))))
        qtbot.waitUntil(panel.marks.negatives.isEnabled, timeout=WAIT)
        panel.marks.feature.setCurrentText("ribosome")

    add("some", [[50.0, 60, 70], [90.0, 200, 300], [5000.0, 60, 70]])
    QTest.mouseClick(panel.marks.negatives, LEFT)
    QTest.mouseClick(panel.marks.negatives, LEFT)
    add("none", [[50.0, -60, 70], [50.0, 60, 9000]])
    QTest.mouseClick(panel.marks.negatives, LEFT)
    after = ": “not ribosome” is background in the next training of ribosome"
    assert said == [
        f"2 boxes placed; 1 particle lies outside its tomogram and gets none{after}",
        f"All others have their box already; 1 particle lies outside its tomogram and gets none{after}",
        "No box placed: 2 particles lie outside their tomograms and get none",
    ]
    assert len(session.project.boxes(session.view.tomogram, "not ribosome")) == 2


def test_a_stack_is_dropped_and_marked(window: MainWindow, tmp_path: Path, qtbot) -> None:
    opened = window
    opened.open_files([make_project(tmp_path, None)])
    random = np.random.default_rng(0)
    cubes = random.normal(size=(6, 12, 12, 12)).astype(np.float32)
    names = np.array(["noise"] * 5 + ["elsewhere"], dtype=object)
    found = Particles(np.full((6, 3), 150.0), tomograms=names, voxel_size=10.0, shape_zyx=SHAPE)
    write_stack(tmp_path / "s.zarr", cubes, found, [Wedge()], np.zeros(6, int), 10.0)
    drop(opened, tmp_path / "s.zarr")
    session = opened.workbench.session
    qtbot.waitUntil(lambda: session.view.tab == "particles" and len(session.gallery.table) == 6, timeout=WAIT)
    grid = grid_of(opened)
    qtbot.waitUntil(lambda: len(grid.gallery.order) == 6 and not grid.place_of(5).isEmpty(), timeout=WAIT)
    click(grid, 5)
    QTest.keyClick(grid, Qt.Key.Key_Delete)
    assert session.gallery.table.rejected.tolist() == [False] * 5 + [True]
    QTest.keyClick(grid, Qt.Key.Key_Return)  # its tomogram is not here: said, and nothing moves
    assert session.view.tab == "particles"
    drop(opened, tmp_path)  # a folder that is no stack belongs to others
    assert len(session.gallery.table) == 6


def test_picks_that_all_lie_outside_are_said_to(window: MainWindow, tmp_path: Path, qtbot) -> None:
    opened = window
    opened.open_files([make_project(tmp_path, Particles(np.full((3, 3), -9000.0)))])
    show(opened, qtbot)
    said: list[str] = []
    panel_of(opened).jobs.failed.connect(said.append)
    panel_of(opened).compute("average")
    qtbot.waitUntil(lambda: bool(said), timeout=WAIT)
    assert "none of 3 has its box in a tomogram" in said[0]


def test_the_set_that_is_shown_is_removed_and_comes_back(gallery: MainWindow, qtbot) -> None:
    session = gallery.workbench.session
    (pick_set,) = session.project.picks(session.view.tomogram)
    click(grid_of(gallery), 3)
    session.project.remove_picks(pick_set)
    assert len(session.gallery.table) == 0 and rows(gallery) == []
    session.project.undo()
    assert len(session.gallery.table) == COUNT
    click(grid_of(gallery), 3)
    session.close()
    assert session.gallery.source is None
