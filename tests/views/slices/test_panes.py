"""The panes of the slice view: what is drawn has the right grey, and planes, bar and tomograms belong together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtTest import QTest
from slice_view import (
    CONTROL,
    MIDDLE,
    NONE,
    colour_at,
    drag,
    known_volume,
    make_project,
    opened,
    point_of,
    settle,
    wheel,
)  # fmt: skip

from ais_app.state.commands import tomograms, view


def grey_of(value: float, low: float, high: float) -> int:
    return round(255 * min(max((value - low) / (high - low), 0), 1))


# what is drawn


@pytest.mark.parametrize("y_up", [True, False])
@pytest.mark.parametrize("linear", [True, False])
def test_each_voxel_has_its_grey_in_every_pane(area, state, qtbot, y_up, linear):
    state.planes, state.y_up, state.linear, state.scale_bar, state.axes_marker = "xyz", y_up, linear, False, False
    state.z, state.y, state.x = 7, 20, 30
    low, high = 0.0, float(known_volume().max())
    view.set_contrast(area.workbench.session, low, high)
    settle(area, qtbot)
    volume = known_volume()
    for axis, spots in {"z": [(7, 3, 5), (7, 50, 70), (7, 0, 82)], "y": [(2, 20, 8), (22, 20, 60)],
                        "x": [(3, 5, 30), (20, 55, 30)]}.items():  # fmt: skip
        for spot in spots:
            if spot[1:] != (0, 82) or not linear:  # at the rim the pixel may lie half outside
                expected = grey_of(volume[spot], low, high)
                assert abs(colour_at(area.panes[axis], *spot)[0] - expected) <= 2, (axis, spot)


def test_y_grows_upwards_until_it_is_told_otherwise(area, state, qtbot):
    pane = area.panes["z"]
    assert pane.to_point((0, 60, 0)).y() < pane.to_point((0, 0, 0)).y()
    state.y_up = False
    settle(area, qtbot)
    assert pane.to_point((0, 60, 0)).y() > pane.to_point((0, 0, 0)).y()


def test_the_contrast_is_right_at_once(area, qtbot):
    low, high = area.limits
    plane = known_volume()[12]
    assert plane.min() <= low < high <= plane.max()
    dark, bright = colour_at(area.panes["z"], 12, 1, 1), colour_at(area.panes["z"], 12, 59, 81)
    assert dark[0] < 20 < 235 < bright[0]


def test_invert_swaps_black_and_white(area, state, qtbot):
    before = colour_at(area.panes["z"], 12, 20, 40)[0]
    state.invert = True
    settle(area, qtbot)
    assert abs(colour_at(area.panes["z"], 12, 20, 40)[0] - (255 - before)) <= 2


def test_voxels_that_are_no_number_are_not_drawn(shared, tmp_path, qtbot):
    volume = known_volume()
    volume[12, 30, 40] = np.nan
    path = make_project(tmp_path, volume)
    with opened(shared, path, qtbot) as area:
        assert max(colour_at(area.panes["z"], 12, 30, 40)) == 0
        assert max(colour_at(area.panes["z"], 12, 30, 41)) > 0


def test_a_slab_is_the_mean_of_its_slices(area, state, qtbot):
    view.set_slab(area.workbench.session, 4)
    assert state.slab == 5
    tomograms.go_to(area.workbench.session, z=0)
    settle(area, qtbot)
    # at the end there are three slices: the lacking ones are left out
    assert area.value_at((0, 10, 20)) == pytest.approx(known_volume()[:3, 10, 20].mean())


def test_filters_change_the_image_and_can_be_switched_off(area, state, qtbot):
    session = area.workbench.session
    plain = area.panes["z"].image.copy()
    view.add_filter(session, "gaussian")
    settle(area, qtbot)
    filtered = area.panes["z"].image
    assert np.abs(filtered - plain)[1:-1, 1:-1].max() > 0
    params = replace(_params(state, 0), sigma=0.0)
    view.change_filter(session, 0, params=params)
    settle(area, qtbot)
    np.testing.assert_allclose(area.panes["z"].image, plain, rtol=1e-5)
    state.filters_on = False
    settle(area, qtbot)
    np.testing.assert_array_equal(area.panes["z"].image, plain)


def _params(state, place):
    from ais_app.core.display.view_slice import FilterSetting

    return FilterSetting.from_dict(state.filters[place]).parameters()


# the cross, the three planes


def test_control_and_a_click_move_the_cross_in_all_planes(area, state, qtbot):
    state.planes = "xyz"
    settle(area, qtbot)
    pane = area.panes["z"]
    drag(pane, point_of(pane, 12, 40, 60), modifiers=CONTROL)
    settle(area, qtbot)
    assert (state.y, state.x, state.cross) == (40, 60, True)
    assert (area.panes["y"].shown_index, area.panes["x"].shown_index) == (40, 60)
    assert pane.cross.position == (60, 40)
    drag(area.panes["y"], point_of(area.panes["y"], 3, 40, 10), modifiers=CONTROL)
    settle(area, qtbot)
    assert (state.z, state.x) == (3, 10)
    assert pane.shown_index == 3


def test_the_three_planes_lie_under_and_beside_each_other(area, state, qtbot):
    state.planes = "xyz"
    settle(area, qtbot)
    xy, xz, yz = (area.panes[axis] for axis in "zyx")
    wheel(xy, 2, QPointF(120, 90), CONTROL)
    drag(xz, QPointF(100, 40), QPointF(130, 50), button=MIDDLE)
    assert xy.camera.scale == xz.camera.scale == yz.camera.scale
    for x in (5, 60):
        left, below = xy.native.mapTo(area, xy.to_point((0, 0, x)).toPoint()), xz.to_point((0, 0, x)).toPoint()
        assert abs(left.x() - xz.native.mapTo(area, below).x()) <= 1
    for y in (5, 50):
        beside = yz.native.mapTo(area, yz.to_point((0, y, 0)).toPoint())
        assert abs(xy.native.mapTo(area, xy.to_point((0, y, 0)).toPoint()).y() - beside.y()) <= 1


def test_voxels_that_are_longer_along_z_are_drawn_longer(area, state, qtbot):
    session = area.workbench.session
    tomograms.set_voxel_size(session, state.tomogram, (20.0, 10.0, 10.0))
    view.set_planes(session, "xyz")
    settle(area, qtbot)
    for axis, along in (("y", (1, 0, 0)), ("x", (1, 0, 0))):
        pane, here = area.panes[axis], (12.0, 30.0, 40.0)
        start = pane.to_point(here)
        step = pane.to_point(tuple(np.add(here, along))) - start
        unit = pane.to_point((12.0, 30.0, 41.0) if axis == "y" else (12.0, 31.0, 40.0)) - start
        long, short = np.hypot(step.x(), step.y()), np.hypot(unit.x(), unit.y())
        assert long == pytest.approx(2 * short)
        # what is drawn is where the pointer finds it: each voxel in its own grey
        low, high = area.limits
        for z in (11, 12, 13):
            grey = colour_at(pane, z, 30, 40)[0]
            assert grey == pytest.approx(grey_of(1000 * z + 150 + 40, low, high), abs=2)
        # a ball of the brush is round on the screen
        pane.show_cursor(here, 5.0)
        assert pane.ring.radii[0] * pane.camera.scales[0] == pytest.approx(pane.ring.radii[1] * pane.camera.scales[1])
        pane.hide_cursor()
    xy, xz, yz = (area.panes[axis] for axis in "zyx")
    assert xy.camera.scales[0] == xz.camera.scales[0] and xy.camera.scales[1] == yz.camera.scales[1]
    tomograms.set_voxel_size(session, state.tomogram, (10.0, 10.0, 20.0))  # along x the voxel is as long as before
    area.fit()
    settle(area, qtbot)
    assert xy.camera.scales[1] == pytest.approx(xy.camera.scales[0] / 2)


def test_the_other_planes_are_hidden_on_request(area, state, qtbot):
    assert not area.panes["x"].isVisible()
    state.planes = "xyz"
    settle(area, qtbot)
    assert area.panes["x"].isVisible() and area.panes["y"].isVisible()
    state.planes = "xy"
    assert not area.panes["x"].isVisible() and not area.panes["y"].isVisible()


# the bar


def test_the_bar_shows_and_sets_the_slice(area, state, qtbot):
    bar = area.bar
    assert (bar.slider.value(), bar.field.value()) == (12, 12)
    bar.slider.setFocus()
    QTest.keyClick(bar.slider, Qt.Key.Key_Right)
    assert state.z == 13
    bar.field.setFocus()
    bar.field.selectAll()
    QTest.keyClicks(bar.field, "4\r")
    assert state.z == 4
    bar.slab.setFocus()
    bar.slab.selectAll()
    QTest.keyClicks(bar.slab, "3\r")
    assert state.slab == 3
    settle(area, qtbot)
    assert (bar.slider.value(), area.panes["z"].shown_index) == (4, 4)


def test_ticks_show_annotated_slices_and_lead_there(area, state, qtbot):
    session = area.workbench.session
    for z in (3, 17):
        session.project.labels(state.tomogram, "membrane").mark("z", z)
    assert area.bar.ticks.slices == (3, 17)
    ticks = area.bar.ticks
    QTest.mouseClick(ticks, Qt.MouseButton.LeftButton, NONE, QPointF(ticks.place(17), 4).toPoint())
    assert state.z == 17
    state.feature = session.project.feature("ribosome").id
    assert ticks.slices == ()
    state.feature = session.project.feature("membrane").id
    view.go_to_annotated(session, -1)
    assert state.z == 3


# many tomograms


def test_each_tomogram_keeps_its_place_and_its_camera(shared, tmp_path, qtbot):
    path = make_project(tmp_path, known_volume(), known_volume((10, 40, 50)))
    with opened(shared, path, qtbot) as area:
        session, pane = area.workbench.session, area.panes["z"]
        wheel(pane, 3, modifiers=CONTROL)
        tomograms.go_to(session, z=20)
        settle(area, qtbot)
        camera = pane.camera
        tomograms.show_neighbour(session, 1)
        settle(area, qtbot)
        assert session.view.z == 5  # the middle of one that was not seen before
        assert pane.is_fitted
        tomograms.show_neighbour(session, -1)
        settle(area, qtbot)
        assert session.view.z == 20
        assert pane.camera == camera
        area.fit()
        assert pane.is_fitted


def test_a_fitted_slice_stays_fitted_when_the_window_grows(area, qtbot):
    pane = area.panes["z"]
    area.resize(900, 800)
    qtbot.waitUntil(lambda: pane.pane_size[0] == 900)
    for corner in ((12, 0, 0), (12, 60, 82)):
        point = pane.to_point(corner)
        assert 0 <= point.x() <= pane.pane_size[0]
        assert 0 <= point.y() <= pane.pane_size[1]
    assert pane.camera.scale == pytest.approx(min(900 / 83, pane.pane_size[1] / 61))
