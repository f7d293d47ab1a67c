"""The mouse over the slice view: wheel, pan, zoom, tools, and what the pointer tells."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtTest import QTest
from slice_view import CONTROL, MIDDLE, SHAPE, SHIFT, drag, known_volume, point_of, settle, wheel


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
