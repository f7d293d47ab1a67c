"""Lasso, fill, flood brush and live-wire, with a real mouse on a real canvas."""

from __future__ import annotations

import numpy as np
import pytest
from mouse_and_keys import RIGHT, WHOLE, Z, click, double_click, hover, press, take, through
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from scipy import ndimage
from skimage.morphology import skeletonize
from window_view import SHAPE, at, painted

from ais_app.core.annotation import polygon
from ais_app.core.annotation.labels import TiledLabels
from ais_app.core.io import create_volume

# lasso, fill


def test_a_lasso_fills_what_was_drawn_and_the_right_button_empties_it(blank, stroke):
    take(blank, "lasso")
    pane = blank.slices.panes["z"]
    ring = [(Z, 48 + 25 * np.sin(a), 50 + 25 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 40)]
    stroke(pane, ring)
    labels = TiledLabels(SHAPE)
    labels.apply(polygon.fill_polygon(labels, through(pane, ring)))
    assert np.array_equal(painted(blank), labels.read(WHOLE)[Z])
    stroke(pane, ring, RIGHT)
    assert not painted(blank).any()


@pytest.mark.parametrize("closing", ["double click", "Enter"])
def test_a_polygon_is_closed_with_a_double_click_or_enter(blank, closing):
    take(blank, "lasso")
    pane = blank.slices.panes["z"]
    corners = [(Z, 20, 20), (Z, 20, 80), (Z, 70, 80), (Z, 70, 20)]
    for corner in corners[:-1]:
        click(pane, *corner)
    click(pane, Z, 90, 5)
    press(blank, Qt.Key.Key_Backspace)  # that corner was a mistake
    click(pane, *corners[-1])
    assert not painted(blank).any()
    if closing == "Enter":
        press(blank, Qt.Key.Key_Return)
    else:
        double_click(pane, *corners[-1])
    labels = TiledLabels(SHAPE)
    labels.apply(polygon.fill_polygon(labels, through(pane, corners)))
    assert np.array_equal(painted(blank), labels.read(WHOLE)[Z])
    assert not blank.actions_by_id["annotate.finish"].isEnabled()


def test_escape_gives_a_polygon_up(blank):
    take(blank, "lasso")
    pane = blank.slices.panes["z"]
    for corner in [(Z, 20, 20), (Z, 20, 80), (Z, 70, 80)]:
        click(pane, *corner)
    press(blank, Qt.Key.Key_Escape)
    assert not painted(blank).any() and len(pane.draft.points) == 0


def test_fill_closes_an_outline_and_says_where_there_is_none(blank, stroke):
    pane, session = blank.slices.panes["z"], blank.workbench.session
    session.project.change_feature("membrane", brush_radius=30.0)
    stroke(pane, [(Z, 48 + 20 * np.sin(a), 50 + 20 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 30)])
    take(blank, "fill")
    click(pane, Z, 48, 50)
    assert painted(blank)[48, 50] == 1
    said = []
    blank.workbench.notified.connect(said.append)
    click(pane, Z, 90, 5)
    assert len(said) == 1 and painted(blank)[90, 5] == 0


# flood, live-wire


@pytest.fixture
def vesicle(window, qtbot, tmp_path):
    """A dark ring (radius 40, width 4, noise) and a dark disk beside it, and the window that shows them."""
    y, x = np.ogrid[:160, :200]
    ring = np.abs(np.hypot(y - 80, x - 70) - 40) < 2.5
    disk = np.hypot(y - 80, x - 160) < 14
    image = np.random.default_rng(1).normal(0, 8, (160, 200)) - 40 * (ring | disk)
    path = tmp_path / "vesicle.mrc"
    with create_volume(path, (3, 160, 200), np.dtype(np.float32)) as writer:
        writer.write(0, np.stack([image] * 3).astype(np.float32))
    window.open_files([path])
    session = window.workbench.session
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index is not None)
    session.project.set_voxel_size(session.view.tomogram, (10.0, 10.0, 10.0))
    session.view.feature = session.project.add_feature("membrane").id
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index is not None)
    QTest.qWait(50)
    return window, ring, disk


def test_the_flood_brush_does_not_leave_the_object(vesicle, stroke):
    window, _, disk = vesicle
    session, pane = window.workbench.session, window.slices.panes["z"]
    session.project.change_feature("membrane", brush_radius=250.0)
    take(window, "flood")
    stroke(pane, [(session.view.z, 80, 160)])
    found = painted(window) == 1
    assert (found & disk).sum() > 0.85 * disk.sum()
    assert not (found & ~ndimage.binary_dilation(disk, iterations=2)).any()


def test_the_live_wire_follows_a_membrane(vesicle, qtbot):
    window, ring, _ = vesicle
    session, pane = window.workbench.session, window.slices.panes["z"]
    session.project.change_feature("membrane", brush_radius=20.0)
    take(window, "livewire")
    z = session.view.z

    def on_ring(angle):
        return z, 80 + 40 * np.sin(angle), 70 + 40 * np.cos(angle)

    click(pane, *on_ring(0.2))
    hover(pane, at(pane, *on_ring(1.6)))
    qtbot.waitUntil(lambda: len(pane.draft.points) > 20)  # the path follows the pointer
    path = pane.draft.points
    assert np.abs(np.hypot(path[:, 1] - 80, path[:, 0] - 70) - 40).max() <= 2.9
    click(pane, *on_ring(1.6))
    click(pane, *on_ring(3.0))
    double_click(pane, *on_ring(3.0))
    line = np.argwhere(skeletonize(painted(window) == 1))
    away = np.abs(np.hypot(line[:, 0] - 80, line[:, 1] - 70) - 40)
    assert len(line) > 80 and away.max() <= 2.9  # two voxels, and a pixel of the mouse
    assert len(pane.draft.points) == 0


def test_a_click_of_the_live_wire_can_be_taken_back(vesicle, qtbot):
    window, *_ = vesicle
    pane, z = window.slices.panes["z"], window.workbench.session.view.z
    take(window, "livewire")
    click(pane, z, 80, 110)
    click(pane, z, 120, 70)
    press(window, Qt.Key.Key_Backspace)
    press(window, Qt.Key.Key_Backspace)
    assert not window.actions_by_id["annotate.finish"].isEnabled()
    assert len(pane.draft.points) == 0 and not painted(window).any()
