"""The slice view: what is drawn has the right grey, and the mouse, the keys and the bar move through it."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtTest import QTest
from slice_view import (
    CONTROL,
    MIDDLE,
    NONE,
    SHAPE,
    SHIFT,
    colour_at,
    drag,
    known_volume,
    make_project,
    opened,
    point_of,
    settle,
    slice_area,
    wheel,
)  # fmt: skip

from ais_app.core.tomogram import Tomogram
from ais_app.state.commands import tomograms, view
from ais_app.views.slices.quads import GreyQuad


@pytest.fixture(scope="module")
def shared(qapp, tmp_path_factory):
    with slice_area(tmp_path_factory.mktemp("area")) as made:
        yield made


@pytest.fixture
def area(shared, tmp_path, qtbot):
    """A slice area with a tomogram whose voxels tell where they are, at its middle."""
    with opened(shared, make_project(tmp_path), qtbot) as made:
        yield made


@pytest.fixture
def state(area):
    return area.workbench.session.view


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


# the mouse


def test_the_wheel_steps_through_the_slices(area, state, qtbot):
    wheel(area.panes["z"], 1)
    wheel(area.panes["z"], 1)
    settle(area, qtbot)
    assert area.panes["z"].shown_index == state.z == 14
    wheel(area.panes["z"], -5)
    settle(area, qtbot)
    assert area.panes["z"].shown_index == 9


def test_a_touch_pad_steps_after_a_whole_notch(area, state):
    for _ in range(7):
        wheel(area.panes["z"], 0.125)
    assert state.z == 12
    wheel(area.panes["z"], 0.125)
    assert state.z == 13


def test_the_wheel_stays_within_the_tomogram(area, state):
    wheel(area.panes["z"], 300)
    assert state.z == SHAPE[0] - 1
    wheel(area.panes["z"], -300)
    assert state.z == 0


def test_the_wheel_over_xz_and_yz_moves_along_their_own_axis(area, state, qtbot):
    state.planes = "xyz"
    settle(area, qtbot)
    y, x = state.y, state.x
    wheel(area.panes["y"], 3)
    wheel(area.panes["x"], -2)
    settle(area, qtbot)
    assert (state.y, state.x) == (y + 3, x - 2)
    assert (area.panes["y"].shown_index, area.panes["x"].shown_index) == (y + 3, x - 2)


def test_shift_and_the_wheel_are_for_the_brush(area, state, qtbot):
    with qtbot.waitSignal(area.sized) as heard:
        wheel(area.panes["z"], -1, modifiers=SHIFT)
    assert heard.args == [-1]
    assert state.z == 12


def test_control_and_the_wheel_zoom_at_the_pointer(area):
    pane, at = area.panes["z"], QPointF(200, 130)
    before, scale = pane.to_voxel(at), pane.camera.scale
    wheel(pane, 3, at, CONTROL)
    assert pane.camera.scale > 1.4 * scale
    assert pane.to_voxel(at) == pytest.approx(before)
    wheel(pane, -3, at, CONTROL)
    assert pane.camera.scale == pytest.approx(scale)


def test_the_middle_button_pans(area):
    pane, start = area.panes["z"], QPointF(300, 200)
    voxel = pane.to_voxel(start)
    drag(pane, start, start + QPointF(10, 5), start + QPointF(40, -25), button=MIDDLE)
    assert pane.to_point(voxel) == start + QPointF(40, -25)


def test_space_and_the_left_button_pan(area):
    pane, start = area.panes["z"], QPointF(300, 200)
    voxel = pane.to_voxel(start)
    QTest.keyPress(pane.native, Qt.Key.Key_Space)
    drag(pane, start, start + QPointF(-30, 12))
    QTest.keyRelease(pane.native, Qt.Key.Key_Space)
    moved = pane.to_point(voxel) - start
    assert (moved.x(), moved.y()) == pytest.approx((-30, 12))


def test_a_tool_hears_the_left_button_and_not_the_pan(area):
    heard = []

    class Recorder:
        def press(self, event):
            heard.append(("press", event.button, event.shift))
            return True

        def drag(self, event):
            heard.append("drag")

        def release(self, event):
            heard.append("release")

        def hover(self, event):
            heard.append("hover")

        def cancel(self):
            heard.append("cancel")

    area.register_tool("recorder", Recorder())
    area.workbench.session.view.tool = "recorder"
    pane, camera = area.panes["z"], area.panes["z"].camera
    drag(pane, QPointF(100, 100), QPointF(120, 110), modifiers=SHIFT)
    drag(pane, QPointF(100, 100), QPointF(90, 110), button=MIDDLE)
    assert heard == [("press", "left", True), "drag", "release"]
    assert pane.camera != camera
    area.workbench.session.view.tab = "export"  # painting belongs to one tab
    assert pane.tool is None
    assert heard[-1] == "cancel"


def test_the_pointer_tells_voxel_and_value(area, qtbot):
    pane = area.panes["z"]
    with qtbot.waitSignal(area.pointed) as heard:
        QTest.mouseMove(pane.native, point_of(pane, 12, 33, 44).toPoint())
    position = heard.args[0]
    assert position == pytest.approx((12, 33, 44), abs=0.5)
    assert area.value_at((12, 33, 44)) == known_volume()[12, 33, 44]
    assert area.value_at((12, -3, 44)) is None
    assert area.value_at((5, 33, 44)) is None  # another slice


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


# reading off the main thread


class SlowArray:
    """An array that answers late, and says how often it was asked."""

    def __init__(self, data: np.ndarray, seconds: float) -> None:
        self.shape, self.dtype, self._data, self._seconds = data.shape, data.dtype, data, seconds
        self.threads: set[str] = set()

    def __getitem__(self, key):
        self.threads.add(threading.current_thread().name)
        time.sleep(self._seconds)
        return self._data[key]


def test_stale_slices_are_never_shown(area, state, qtbot, monkeypatch):
    slow = SlowArray(known_volume(), 0.03)
    session = area.workbench.session
    monkeypatch.setattr(session, "volume", lambda _: Tomogram(slow, (10.0,) * 3))
    area.presenter.source.clear()
    wanted, wrong = [], []
    area.shown.connect(lambda axis: wrong.append(state.z) if area.panes[axis].shown_index != state.z else None)
    for z in (3, 9, 4, 15, 20, 2, 18):
        tomograms.go_to(session, z=z)
        wanted.append(z)
        qtbot.wait(10)
    settle(area, qtbot)
    assert area.panes["z"].shown_index == 18
    assert area.value_at((18, 5, 6)) == known_volume()[18, 5, 6]
    assert not wrong
    assert slow.threads == {"slices"}  # a file has one reader, and never the main thread


def test_two_hundred_fast_changes_end_at_the_right_slice(area, state, qtbot):
    rng = random.Random(1)
    for _ in range(200):
        tomograms.go_to(area.workbench.session, z=rng.randrange(SHAPE[0]))
        if rng.random() < 0.3:
            area.window().repaint()
            qtbot.wait(1)
    settle(area, qtbot)
    assert area.panes["z"].shown_index == state.z
    np.testing.assert_array_equal(area.panes["z"].image, known_volume()[state.z])


def test_the_cache_is_bounded(area, state, qtbot, monkeypatch):
    source, cache = area.presenter.source, area.presenter.source.cache
    monkeypatch.setattr(source, "most_bytes", 1)  # then there is room for what is on screen, and as much again
    limit = 2 * (61 * 83 * (4 + 2) + 4096)
    for z in range(SHAPE[0]):
        tomograms.go_to(area.workbench.session, z=z)
        settle(area, qtbot)
        assert area.panes["z"].shown_index == z
        assert cache.most_bytes == limit
        assert cache.bytes <= limit


def test_neighbours_are_read_ahead(area, state, qtbot, monkeypatch):
    wheel(area.panes["z"], 1)
    settle(area, qtbot)

    def refuse(_):
        raise AssertionError("this slice should have been read already")

    monkeypatch.setattr(area.workbench.session, "volume", refuse)
    for _ in range(3):
        z = state.z
        wheel(area.panes["z"], 1)
        area.presenter.refresh()
        assert area.panes["z"].shown_index == z + 1
        area.presenter.source.forget_failures()


def test_a_wait_is_said_and_ends(area, state, qtbot, monkeypatch):
    slow = SlowArray(known_volume(), 0.6)
    monkeypatch.setattr(area.workbench.session, "volume", lambda _: Tomogram(slow, (10.0,) * 3))
    area.presenter.source.clear()
    tomograms.go_to(area.workbench.session, z=2)
    qtbot.waitUntil(lambda: area.panes["z"].waiting == "Reading z = 2 …", timeout=2000)
    qtbot.waitUntil(lambda: area.panes["z"].shown_index == 2 and not area.panes["z"].waiting, timeout=5000)


# files that go


def test_a_file_that_goes_is_said_and_comes_back(area, state, qtbot, tmp_path):
    file, away = tmp_path / "TS_1.mrc", tmp_path / "away.mrc"
    file.rename(away)
    tomograms.go_to(area.workbench.session, z=0)
    message = area.panes["z"].message
    qtbot.waitUntil(lambda: "TS_1.mrc" in message.text, timeout=5000)
    assert "no longer there" in message.text
    assert "Look for missing tomograms" in message.text
    for z in (1, 2, 3):  # no endless errors, no crash
        tomograms.go_to(area.workbench.session, z=z)
        qtbot.wait(20)
    away.rename(file)
    area.retry()
    settle(area, qtbot)
    assert area.panes["z"].shown_index == 3
    assert message.text == ""


def test_a_file_that_was_cut_short_does_not_end_the_program(area, state, qtbot, tmp_path):
    file = tmp_path / "TS_1.mrc"
    whole = file.read_bytes()
    with file.open("r+b") as stream:
        stream.truncate(len(whole) // 3)
    tomograms.go_to(area.workbench.session, z=SHAPE[0] - 1)
    qtbot.waitUntil(lambda: "has become shorter" in area.panes["z"].message.text, timeout=5000)
    with file.open("r+b") as stream:
        stream.write(whole)


def test_filters_without_a_voxel_size_say_what_to_do(shared, tmp_path, qtbot):
    path = make_project(tmp_path, known_volume(), voxel_size=None)
    with opened(shared, path, qtbot) as area:
        view.add_filter(area.workbench.session, "gaussian")
        qtbot.waitUntil(lambda: "voxel size" in area.panes["z"].message.text, timeout=5000)
        area.workbench.session.view.filters_on = False
        settle(area, qtbot)
        assert area.panes["z"].message.text == ""


def test_closing_the_project_empties_the_panes(area, qtbot):
    area.workbench.session.close()
    qtbot.waitUntil(lambda: area.panes["z"].shown_index is None)
    assert area.value_at((12, 5, 5)) is None
    assert not area.bar.isEnabled()


def test_planes_of_changing_size_leave_no_memory_behind(area):
    pane, process = area.panes["z"], psutil.Process()
    quad = GreyQuad(parent=pane.scene)

    def private() -> int:
        now = process.memory_info()
        return now.rss - now.shared

    for round in range(40):
        for side in (600, 590, 610):  # most are replaced before they are drawn
            quad.set_plane(np.ones((side, 600), np.float32))
        pane.picture()
        if round == 10:
            before = private()
    grown = private() - before
    quad.parent = None
    assert grown < 10 * 2**20  # each plane takes 1.4 MB
