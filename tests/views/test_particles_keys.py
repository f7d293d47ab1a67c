"""The Particles tab without a mouse, on a small screen, while it is empty, and where files are gone or differ."""

from __future__ import annotations

import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from gallery_view import CTRL, LEFT, SHAPE, SHIFT, SIZE, WAIT, click, grid_of, make_project, panel_of, rows, show
from PyQt6.QtCore import QEvent, QPoint, Qt
from PyQt6.QtGui import QColor, QContextMenuEvent, QHelpEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog, QMenu, QToolTip, QWidget

from ais_app.core.particle_set import Particles
from ais_app.state.commands import particle_results, particles
from ais_app.state.gallery_groups import Grouping
from ais_app.state.particle_classes import classes
from ais_app.state.project import Project
from ais_app.views.main_window import SMALLEST, MainWindow
from ais_app.views.particles.grid import TileGrid
from ais_app.views.widgets.application import application

COUNT = 12


@pytest.fixture
def gallery(window: MainWindow, tmp_path: Path, qtbot) -> MainWindow:
    """The window with a dozen picks in the gallery, all tiles made."""
    positions = np.random.default_rng(1).uniform(100.0, np.array(SHAPE) * SIZE - 100.0, (COUNT, 3))
    window.open_files([make_project(tmp_path, Particles(positions, scores=np.linspace(0, 1, COUNT)))])
    show(window, qtbot)
    return window


def focused() -> QWidget:
    found = application().focusWidget()
    assert found is not None
    return found


def test_the_keys_go_to_the_tiles_once_the_tab_is_open(gallery: MainWindow, qtbot) -> None:
    grid, session = grid_of(gallery), gallery.workbench.session
    assert focused() is grid
    QTest.keyClick(focused(), Qt.Key.Key_Right)
    QTest.keyClick(focused(), Qt.Key.Key_Right)
    assert rows(gallery) == [1] and session.gallery.look.sort == "place"
    gallery.tabs[4].data.sort.setFocus()
    QTest.keyClick(focused(), Qt.Key.Key_1, CTRL)
    qtbot.waitUntil(lambda: not grid.isVisible(), timeout=WAIT)
    QTest.keyClick(focused(), Qt.Key.Key_5, CTRL)
    qtbot.waitUntil(lambda: focused() is grid, timeout=WAIT)


def test_clusters_are_selected_and_ticked_with_keys(gallery: MainWindow, qtbot) -> None:
    session, panel = gallery.workbench.session, panel_of(gallery)
    assignment = np.arange(COUNT) % 3
    random = np.random.default_rng(0)
    particle_results.take_grouping(
        session, "Group 12 particles", Grouping(assignment, random.normal(size=(COUNT, 2)), 3)
    )
    qtbot.waitUntil(lambda: len(panel.clusters.rows) == 3 and panel.clusters.rows[2].isVisible(), timeout=WAIT)
    panel.clusters.make_class.setFocus()
    QTest.keyClick(focused(), Qt.Key.Key_Tab)
    first, second = panel.clusters.rows[:2]
    assert focused() is first
    QTest.keyClick(first, Qt.Key.Key_Return)
    assert rows(gallery) == np.flatnonzero(assignment == 0).tolist()
    QTest.keyClick(first, Qt.Key.Key_Space)
    assert first.on.isChecked()
    QTest.keyClick(focused(), Qt.Key.Key_Tab)  # the tick itself
    QTest.keyClick(focused(), Qt.Key.Key_Tab)
    assert focused() is second
    QTest.keyClick(second, Qt.Key.Key_Return, CTRL)
    assert rows(gallery) == np.flatnonzero(assignment < 2).tolist()
    assert session.view.tab == "particles"


def test_starting_work_leaves_the_focus_where_it_is(gallery: MainWindow, qtbot) -> None:
    panel = panel_of(gallery)
    said: list[str] = []
    gallery.workbench.notified.connect(lambda note: said.append(note.text))
    button = panel.average.average
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert panel.jobs.running("average")
    qtbot.waitUntil(lambda: button.text() == "Averaging …", timeout=WAIT)
    assert focused() is button
    QTest.keyClick(focused(), Qt.Key.Key_Space)  # once more by mistake: it is said, and nothing else begins
    assert "is under way" in said[-1] and not panel.jobs.running("align")
    qtbot.waitUntil(lambda: panel.jobs.average is not None and not panel.jobs.running("average"), timeout=WAIT)
    assert focused() is button and button.text() == "Average these now"


def test_nothing_is_cut_off_in_the_smallest_window(gallery: MainWindow, qtbot) -> None:
    particles.set_class(gallery.workbench.session, [0], "a class of a name that is rather long")
    area, panel = gallery.tabs[4].data, panel_of(gallery)
    gallery.resize(*SMALLEST)
    qtbot.waitUntil(lambda: area.of_class.isVisible(), timeout=WAIT)
    qtbot.waitUntil(lambda: gallery.width() == SMALLEST[0], timeout=WAIT)

    def fits() -> bool:
        inner = panel.layout_.parentWidget()
        assert inner is not None
        right = panel.mapTo(gallery, QPoint(panel.width(), 0)).x()
        shown = [each for each in area.findChildren(QWidget) if each.isVisible() and each.parent() is not area.grid]
        return (
            inner.width() <= panel.width()
            and right <= gallery.width()
            and area.contrast.slider.width() >= 60
            and all(area.rect().contains(each.rect().translated(each.mapTo(area, QPoint()))) for each in shown)
        )

    qtbot.waitUntil(fits, timeout=WAIT)


def test_the_class_of_a_tile_is_seen_while_it_is_selected(gallery: MainWindow, qtbot) -> None:
    grid, session = grid_of(gallery), gallery.workbench.session
    particles.set_class(session, [2], "ring")
    click(grid, 2)
    colour = QColor(classes(session.project)["ring"]).rgb()

    def strip() -> int:
        picture = grid.viewport().grab(grid.place_of(2)).toImage()
        middle = picture.width() // 2
        return sum(picture.pixel(middle, y) == colour for y in range(picture.height()))

    qtbot.waitUntil(lambda: strip() == 4, timeout=WAIT)


def test_tab_goes_through_the_classes_where_they_stand(gallery: MainWindow, qtbot) -> None:
    session, panel = gallery.workbench.session, panel_of(gallery)
    for row, name in enumerate(("ring", "ball")):
        particles.set_class(session, [row], name)
    qtbot.waitUntil(lambda: panel.classes.names == ["ring", "ball"], timeout=WAIT)
    qtbot.waitUntil(panel.classes.row("ball").select.isVisible, timeout=WAIT)
    panel.average.align.setFocus()
    passed = []
    for _ in range(5):
        QTest.keyClick(focused(), Qt.Key.Key_Tab)
        passed.append(focused())
    ring, ball = (panel.classes.row(name) for name in ("ring", "ball"))
    assert passed == [ring.colour, ring.select, ball.colour, ball.select, panel.classify]
    QTest.keyClick(ball.select, Qt.Key.Key_Space)
    assert rows(gallery) == [1]


def test_an_empty_tab_offers_to_import_coordinates(window: MainWindow, tmp_path: Path, qtbot, monkeypatch) -> None:
    area = window.tabs[4].data
    window.actions_by_id.trigger("tab.particles")
    qtbot.waitUntil(window.welcome.isVisible, timeout=WAIT)
    middle = window.welcome.mapTo(window, window.welcome.buttons["file.open"].geometry().center())
    assert window.childAt(middle) is window.welcome.buttons["file.open"]  # nothing of the tab lies over it
    window.open_files([make_project(tmp_path, None)])
    qtbot.waitUntil(lambda: area.go_import.isVisible() and area.go_import.isEnabled(), timeout=WAIT)
    (tmp_path / "found.csv").write_text("x,y,z\n500,500,150\n600,400,120\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "found.csv"), ""))
    QTest.mouseClick(area.go_import, LEFT)
    qtbot.waitUntil(lambda: window.findChild(QWidget, "CoordinatesIn") is not None, timeout=WAIT)
    dialog = window.findChild(QWidget, "CoordinatesIn")
    qtbot.waitUntil(lambda: dialog.ok.isEnabled() and not dialog.busy, timeout=WAIT)
    QTest.mouseClick(dialog.ok, LEFT)
    qtbot.waitUntil(lambda: not area.is_empty and len(area.grid.gallery.table) == 2, timeout=WAIT)


def test_a_tile_says_whether_it_lies_outside_or_its_file_is_gone(window: MainWindow, tmp_path: Path, qtbot) -> None:
    outside = Particles(np.array([[150.0, 500.0, 500.0], [-9000.0, 0.0, 0.0]]))
    folder, away = tmp_path / "project", tmp_path / "away"
    for each in (folder, away):
        each.mkdir()
    path = make_project(folder, outside)
    window.open_files([path])
    show(window, qtbot)
    grid = grid_of(window)
    assert "outside the tomogram" in tip(grid, 1) and "tomogram" not in tip(grid, 0).splitlines()[-1]
    window.workbench.session.close()
    (folder / "noise.mrc").rename(away / "noise.mrc")
    said: list[str] = []
    window.workbench.notified.connect(lambda note: said.append(note.text))
    window.open_files([path])
    show(window, qtbot)
    qtbot.waitUntil(lambda: all("is not found" in tip(grid, row) for row in (0, 1)), timeout=WAIT)
    qtbot.waitUntil(lambda: any("not found at" in words for words in said), timeout=WAIT)
    assert all(words.count(str(folder / "noise.mrc")) <= 1 for words in said)  # a place is named once
    window.workbench.session.project.relink(away)
    qtbot.waitUntil(lambda: grid.image_of(0) is not None, timeout=WAIT)


def test_another_tomogram_of_the_project_leaves_the_tiles_as_they_are(gallery: MainWindow, tmp_path: Path) -> None:
    tiles, project = gallery.tabs[4].data.tiles, gallery.workbench.session.project
    version = tiles.version
    source = Path(project.tomograms[0].path)
    shutil.copy(source, tmp_path / f"another{source.suffix}")
    project.add_tomogram(tmp_path / f"another{source.suffix}")
    QTest.qWait(200)
    assert tiles.version == version and (tiles.state > 0).all()


def test_tomograms_of_two_voxel_sizes_are_said_to_be(window: MainWindow, tmp_path: Path, qtbot) -> None:
    picks = Particles(np.array([[150.0, 500.0, 500.0]]))
    path = make_project(tmp_path, picks)
    with Project.open(path) as project:
        first = project.tomograms[0]
        shutil.copy(tmp_path / "noise.mrc", tmp_path / "other.mrc")
        with mrcfile.open(tmp_path / "other.mrc", mode="r+") as file:
            file.voxel_size = 7.0
        project.add_picks(
            project.add_tomogram(tmp_path / "other.mrc"), "found", picks, feature="ribosome", radius=100.0
        )
    window.open_files([path])
    show(window, qtbot)
    source = panel_of(window).source
    assert "voxels of 7 to 10 Å" in source.words.text()
    particles.show_picks(window.workbench.session, "found", tomograms=[first.id])
    qtbot.waitUntil(lambda: "10.00 Å a voxel" in source.words.text(), timeout=WAIT)


def test_where_no_tile_is_shown_it_is_said_why(gallery: MainWindow, qtbot) -> None:
    area, session = gallery.tabs[4].data, gallery.workbench.session
    area.shown.setFocus()
    QTest.keyClick(area.shown, Qt.Key.Key_End)
    qtbot.waitUntil(area.nothing.isVisible, timeout=WAIT)
    assert "None of the 12 particles is shown" in area.nothing.text() and "draw a frame" not in area.state.text()
    QTest.keyClick(area.shown, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: not area.nothing.isVisible() and area.grid.isVisible(), timeout=WAIT)
    session.project.remove_picks(session.project.pick_sets[0])
    qtbot.waitUntil(lambda: area.is_empty and area.go_pick.isVisible(), timeout=WAIT)
    session.project.undo()
    qtbot.waitUntil(lambda: not area.is_empty and len(session.gallery.order) == COUNT, timeout=WAIT)


def test_a_project_that_is_open_read_only_is_looked_at_and_not_written(
    window: MainWindow, tmp_path: Path, qtbot
) -> None:
    path = make_project(tmp_path, Particles(np.full((3, 3), 150.0)))
    said: list[str] = []
    window.workbench.notified.connect(lambda note: said.append(note.text))
    with Project.open(path):  # by another window
        window.open_files([path])
        show(window, qtbot)
        session, panel = window.workbench.session, panel_of(window)
        click(grid_of(window), 1)
        qtbot.waitUntil(window.actions_by_id["particles.reject"].isEnabled, timeout=WAIT)
        QTest.keyClick(grid_of(window), Qt.Key.Key_R)
        qtbot.waitUntil(lambda: "is open read-only" in said[-1], timeout=WAIT)
        QTest.mouseClick(panel.average.average, LEFT)
        qtbot.waitUntil(lambda: panel.jobs.average is not None and not panel.jobs.running("average"), timeout=WAIT)
        before, files = len(said), sorted(tmp_path.rglob("*"))
        QTest.mouseClick(panel.average.place, LEFT)
        assert "is open read-only" in said[before] and session.view.tab == "particles"
        assert sorted(tmp_path.rglob("*")) == files
        session.close()


def test_the_menu_of_a_tile_by_mouse_and_by_key(gallery: MainWindow, qtbot) -> None:
    grid, session = grid_of(gallery), gallery.workbench.session

    def menu(reason: QContextMenuEvent.Reason, place: QPoint) -> QMenu:
        event = QContextMenuEvent(reason, place, grid.viewport().mapToGlobal(place))
        application().sendEvent(grid.viewport(), event)
        qtbot.waitUntil(lambda: isinstance(application().activePopupWidget(), QMenu), timeout=WAIT)
        return application().activePopupWidget()

    opened = menu(QContextMenuEvent.Reason.Mouse, grid.place_of(4).center())
    assert rows(gallery) == [4]
    QTest.keyClick(opened, Qt.Key.Key_R)  # the letter that is underlined
    assert np.flatnonzero(session.gallery.table.rejected).tolist() == [4]
    click(grid, 1)
    click(grid, 3, SHIFT)
    opened = menu(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0))
    assert rows(gallery) == [1, 2, 3]  # what is selected stays so
    assert grid.viewport().mapFromGlobal(opened.pos()) == grid.place_of(3).center()
    QTest.keyClick(opened, Qt.Key.Key_Escape)
    assert gallery.actions_by_id["particles.go_to"].isEnabled()


def tip(grid: TileGrid, row: int) -> str:
    """Rest the mouse on a tile, and return what is said."""
    place = grid.place_of(row).center()
    application().sendEvent(grid.viewport(), QHelpEvent(QEvent.Type.ToolTip, place, grid.viewport().mapToGlobal(place)))
    return QToolTip.text()
