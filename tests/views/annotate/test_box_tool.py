"""The box tool: boxes are placed, moved, resized and removed with the mouse."""

from __future__ import annotations

import pytest
from mouse_and_keys import RIGHT, SHIFT, Z, click, press, take
from PyQt6.QtCore import Qt
from window_view import painted


def boxes_of(window, feature="ribosome"):
    session = window.workbench.session
    return session.project.boxes(session.view.tomogram, feature)


@pytest.fixture
def boxing(blank):
    """The window with the box tool, boxes of 16 voxels and none on the slice in view."""
    session = blank.workbench.session
    session.view.feature = session.project.feature("ribosome").id
    session.project.change_feature("ribosome", box_size=16)
    take(blank, "box")
    return blank


def test_a_box_is_placed_moved_resized_and_removed(boxing, stroke):
    pane = boxing.slices.panes["z"]
    click(pane, Z, 40, 50)
    box = boxes_of(boxing)[-1]
    assert box.centre_zyx == (Z, 40, 50) and box.size is None
    stroke(pane, [(Z, 40, 50), (Z, 45, 55), (Z, 50, 62)])
    assert boxes_of(boxing)[-1].centre_zyx == pytest.approx((Z, 50, 62), abs=1)
    y, x = boxes_of(boxing)[-1].centre_zyx[1:]
    stroke(pane, [(Z, y, x + 8), (Z, y, x + 12), (Z, y, x + 16)])
    grown = boxes_of(boxing)[-1]
    assert grown.size == pytest.approx(24, abs=1)
    assert grown.centre_zyx[2] - grown.size / 2 == pytest.approx(x - 8, abs=0.6)  # the other edge stays
    click(pane, *grown.centre_zyx, button=RIGHT)
    assert len(boxes_of(boxing)) == 2


def test_delete_removes_the_box_that_was_clicked(boxing):
    pane = boxing.slices.panes["z"]
    click(pane, Z, 40, 50)
    press(boxing, Qt.Key.Key_Delete)
    assert len(boxes_of(boxing)) == 2
    press(boxing, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(boxes_of(boxing)) == 3


def test_shift_and_a_click_place_and_remove_boxes_with_any_tool(boxing):
    pane = boxing.slices.panes["z"]
    view = boxing.workbench.session.view
    before = view.crop, (view.y, view.x)
    for tool in ("brush", "lasso", "livewire", "crop", "cross"):
        take(boxing, tool)
        click(pane, Z, 30, 30, modifiers=SHIFT)
        assert len(boxes_of(boxing)) == 3
        click(pane, Z, 30, 30, button=RIGHT, modifiers=SHIFT)
        assert len(boxes_of(boxing)) == 2
    assert not painted(boxing, "ribosome").any() and (view.crop, (view.y, view.x)) == before
    view.tab = "train"  # where no boxes are placed
    click(pane, Z, 30, 30, modifiers=SHIFT)
    assert len(boxes_of(boxing)) == 2 and (view.y, view.x) == (30, 30)
    view.tab = "annotate"
