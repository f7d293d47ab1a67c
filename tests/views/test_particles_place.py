"""Going from a particle to its place in the slices: it lies in view there, and what is meant is marked."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pytest
from gallery_view import CTRL, LEFT, SHAPE, SIZE, WAIT, click, grid_of, make_project, show
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from ais_app.core.particle_set import Particles
from ais_app.state.commands import tomograms, view
from ais_app.state.project import Project
from ais_app.views.main_window import MainWindow
from ais_app.views.slices.pane import SlicePane

PLACES = [(6, 12, 100), (25, 108, 10), (16, 60, 56)]  # z, y, x: two corners and the middle


@pytest.fixture
def slices(window: MainWindow, tmp_path: Path, qtbot) -> MainWindow:
    """The window on a project with picks in two tomograms of one size, the first in Annotate."""
    path = make_project(tmp_path, Particles(np.array(PLACES) * SIZE))
    with mrcfile.new(tmp_path / "second.mrc") as file:
        file.set_data(np.random.default_rng(2).normal(size=SHAPE).astype(np.float32))
        file.voxel_size = SIZE
    with Project.open(path) as made:
        made.add_picks(made.add_tomogram(tmp_path / "second.mrc"), "found", Particles(np.array(PLACES[:1]) * SIZE))
    window.open_files([path])
    window.activateWindow()
    qtbot.waitUntil(lambda: window.isActiveWindow() and window.slices.panes["z"].shown_index is not None, timeout=WAIT)
    return window


def zoom_in(window: MainWindow) -> None:
    for _ in range(6):
        QTest.keyClick(window.slices.panes["z"].native, Qt.Key.Key_Plus, CTRL)


def off_middle(pane: SlicePane, place: tuple[int, int, int]) -> tuple[float, float]:
    """Return how far from the middle of a pane a voxel is, in shares of the pane."""
    point, (width, height) = pane.to_point(place), pane.pane_size
    return abs(point.x() / width - 0.5), abs(point.y() / height - 0.5)


def go(window: MainWindow, row: int, qtbot) -> None:
    """Go from a tile to its place, with the key."""
    show(window, qtbot)
    click(grid_of(window), row)
    qtbot.waitUntil(window.actions_by_id["particles.go_to"].isEnabled, timeout=WAIT)
    QTest.keyClick(grid_of(window), Qt.Key.Key_G, CTRL)
    arrive(window, qtbot)


def arrive(window: MainWindow, qtbot) -> None:
    state, panes = window.workbench.session.view, window.slices.panes
    axes = "zyx" if state.planes == "xyz" else "z"
    qtbot.waitUntil(lambda: panes["z"].isVisible(), timeout=WAIT)
    qtbot.waitUntil(
        lambda: (
            not window.slices.presenter.waits
            and all(panes[axis].shown_index == getattr(state, axis) for axis in axes)
            and all(panes[axis].view.tomogram == state.tomogram for axis in axes)
        ),
        timeout=WAIT,
    )


@pytest.mark.parametrize("row", [0, 1])
def test_a_particle_out_of_view_comes_to_the_middle(slices: MainWindow, row: int, qtbot) -> None:
    pane = slices.slices.panes["z"]
    zoom_in(slices)
    scale = pane.camera.scale
    assert max(off_middle(pane, PLACES[row])) > 0.5  # out of the pane
    go(slices, row, qtbot)
    assert off_middle(pane, PLACES[row]) == pytest.approx((0, 0), abs=0.01)
    assert pane.camera.scale == scale
    assert pane.cross.position == (PLACES[row][2], PLACES[row][1])


def test_a_double_click_goes_there_as_well(slices: MainWindow, qtbot) -> None:
    pane = slices.slices.panes["z"]
    zoom_in(slices)
    show(slices, qtbot)
    grid = grid_of(slices)
    QTest.mouseClick(grid.viewport(), LEFT, pos=grid.place_of(0).center())
    QTest.mouseDClick(grid.viewport(), LEFT, pos=grid.place_of(0).center())
    arrive(slices, qtbot)
    assert off_middle(pane, PLACES[0]) == pytest.approx((0, 0), abs=0.01)


def test_what_is_in_view_stays_where_it_is_and_is_marked(slices: MainWindow, qtbot) -> None:
    pane = slices.slices.panes["z"]
    before = pane.camera
    go(slices, 0, qtbot)
    assert pane.camera == before and pane.is_fitted  # the whole slice was shown
    assert pane.cross.position == (PLACES[0][2], PLACES[0][1])
    zoom_in(slices)
    before = pane.camera
    go(slices, 2, qtbot)
    assert pane.camera == before


def test_a_particle_near_the_edge_of_the_pane_comes_to_the_middle(slices: MainWindow, qtbot) -> None:
    pane = slices.slices.panes["z"]
    zoom_in(slices)
    pane.move_image(0.45 * pane.pane_size[0], 0)
    across, _ = off_middle(pane, PLACES[2])
    assert 0.4 < across < 0.499
    go(slices, 2, qtbot)
    assert off_middle(pane, PLACES[2]) == pytest.approx((0, 0), abs=0.01)


def test_all_three_planes_show_the_place(slices: MainWindow, qtbot) -> None:
    view.set_planes(slices.workbench.session, "xyz")
    arrive(slices, qtbot)
    zoom_in(slices)
    for _ in range(6):
        QTest.keyClick(slices.slices.panes["z"].native, Qt.Key.Key_Plus, CTRL)
    for row in (0, 1):
        go(slices, row, qtbot)
        assert off_middle(slices.slices.panes["z"], PLACES[row]) == pytest.approx((0, 0), abs=0.01)
        for pane in slices.slices.panes.values():
            assert max(off_middle(pane, PLACES[row])) < 0.5, pane.axis
            assert pane.cross.position == pane.on_plane(PLACES[row])


def test_a_place_in_another_tomogram_is_in_view_there_too(slices: MainWindow, qtbot) -> None:
    session, pane = slices.workbench.session, slices.slices.panes["z"]
    first, second = (entry.id for entry in session.project.tomograms)
    tomograms.show(session, second)
    arrive(slices, qtbot)
    zoom_in(slices)  # each tomogram keeps where a person looked
    tomograms.show(session, first)
    arrive(slices, qtbot)
    show(slices, qtbot)
    row = int(np.flatnonzero(session.gallery.table.tomograms == second)[0])
    go(slices, row, qtbot)
    assert session.view.tomogram == second and not pane.is_fitted
    assert off_middle(pane, PLACES[0]) == pytest.approx((0, 0), abs=0.01)
