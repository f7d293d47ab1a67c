"""Labels over the slices: in place, in order, striped, outlined, and strokes that are not in the project yet."""

from __future__ import annotations

import numpy as np
import pytest
from overlay_view import paint, seen
from slice_view import colour_at, settle

from ais_app.core.annotation.labels import Plane
from ais_app.state.commands import edit, features, tomograms, view


@pytest.fixture
def area(black_area):
    return black_area


@pytest.fixture
def project(area):
    return area.workbench.session.project


@pytest.mark.parametrize("y_up", [True, False])
def test_a_painted_voxel_has_its_colour_in_all_three_panes(area, state, project, qtbot, y_up):
    state.planes, state.y_up = "xyz", y_up
    state.z, state.y, state.x = 5, 31, 47
    settle(area, qtbot)
    paint(project, "membrane", (5, 31, 47), (1, 1, 1))
    settle(area, qtbot)
    for pane in area.panes.values():
        assert seen(pane, 5, 31, 47) == "red", pane.axis
    assert [seen(area.panes["z"], 5, *at) for at in ((30, 47), (32, 47), (31, 46), (31, 48))] == ["black"] * 4
    assert [seen(area.panes["y"], *at) for at in ((4, 31, 47), (6, 31, 47), (5, 31, 46))] == ["black"] * 3
    assert [seen(area.panes["x"], *at) for at in ((4, 31, 47), (5, 30, 47), (5, 32, 47))] == ["black"] * 3


def test_labels_of_other_planes_are_seen_when_one_scrolls_there(area, state, project, qtbot):
    state.planes = "xyz"
    paint(project, "membrane", (3, 20, 10), (1, 4, 30))
    tomograms.go_to(area.workbench.session, z=3, y=21, x=33)
    settle(area, qtbot)
    assert [seen(area.panes[axis], 3, 21, 33) for axis in "zyx"] == ["red"] * 3
    tomograms.go_to(area.workbench.session, z=4)
    settle(area, qtbot)
    assert seen(area.panes["z"], 4, 21, 33) == "black"


def test_undo_and_redo_are_seen(area, project, qtbot):
    paint(project, "membrane", (12, 20, 20), (1, 5, 5))
    settle(area, qtbot)
    edit.undo(area.workbench.session)
    settle(area, qtbot)
    assert seen(area.panes["z"], 12, 22, 22) == "black"
    edit.redo(area.workbench.session)
    settle(area, qtbot)
    assert seen(area.panes["z"], 12, 22, 22) == "red"


def test_slices_that_were_read_ahead_show_a_later_change(area, project, qtbot):
    settle(area, qtbot)
    paint(project, "membrane", (13, 20, 20), (1, 5, 5))  # on the next slice, which is in the cache already
    tomograms.step(area.workbench.session, 1)
    settle(area, qtbot)
    assert seen(area.panes["z"], 13, 22, 22) == "red"


def test_a_change_of_the_whole_slice_is_seen(area, project, qtbot, monkeypatch):
    monkeypatch.setattr("ais_app.views.slices.presenter.QUICK", 10)  # larger than this is read off the main thread
    paint(project, "membrane", (12, 0, 0), (1, 61, 83))
    settle(area, qtbot)
    assert [seen(area.panes["z"], 12, *at) for at in ((0, 0), (60, 82), (30, 40))] == ["red"] * 3


def test_features_lie_over_each_other_in_order_and_can_be_hidden(area, state, project, qtbot):
    paint(project, "membrane", (12, 20, 20), (1, 5, 5))
    paint(project, "ribosome", (12, 20, 20), (1, 5, 5))
    settle(area, qtbot)
    assert seen(area.panes["z"], 12, 22, 22) == "blue"
    project.change_feature("ribosome", visible=False)
    settle(area, qtbot)
    assert seen(area.panes["z"], 12, 22, 22) == "red"
    state.labels_on = False
    settle(area, qtbot)
    assert seen(area.panes["z"], 12, 22, 22) == "black"
    state.labels_on = True
    features.remove(area.workbench.session, project.feature("membrane").id)
    project.change_feature("ribosome", visible=True)
    settle(area, qtbot)
    assert seen(area.panes["z"], 12, 22, 22) == "blue"


def test_an_outline_leaves_the_inside_free(area, project, qtbot):
    project.change_feature("membrane", outline=True)
    paint(project, "membrane", (12, 20, 20), (1, 9, 9))
    settle(area, qtbot)
    pane = area.panes["z"]
    assert seen(pane, 12, 24, 24) == "black"
    picture = pane.picture()
    edge = pane.to_point((12, 24, 19.5))  # between the first voxel inside and the last outside
    line = picture[int(edge.y()), int(edge.x()) - 2 : int(edge.x()) + 3]
    assert any(tuple(pixel[:3]) == (255, 0, 0) for pixel in line)


def test_opacity_mixes_with_the_image(area, project, qtbot):
    view.set_contrast(area.workbench.session, -1.0, 0.0)  # zeros are white now
    project.change_feature("membrane", opacity=0.25)
    paint(project, "membrane", (12, 20, 20), (1, 9, 9))
    settle(area, qtbot)
    red, green, blue = colour_at(area.panes["z"], 12, 24, 24)
    assert (red, green, blue) == (255, pytest.approx(191, abs=2), pytest.approx(191, abs=2))


def test_ignore_is_striped(area, project, qtbot):
    paint(project, "membrane", (12, 10, 10), (1, 30, 30), value=2)
    settle(area, qtbot)
    pane = area.panes["z"]
    low, high = pane.to_point((12, 12, 12)), pane.to_point((12, 37, 37))
    inside = pane.picture()[int(high.y()) : int(low.y()), int(low.x()) : int(high.x()), 0]
    assert 0.15 < (inside > 128).mean() < 0.4  # two of eight pixels


# a stroke that is not in the project yet


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_a_patch_is_seen_at_once_and_settles(area, state, project, qtbot, axis):
    state.planes = "xyz"
    settle(area, qtbot)
    pane, feature = area.panes[axis], project.feature("membrane").id
    centre = {"z": (12, 30, 40), "y": (10, state.y, 40), "x": (10, 30, state.x)}[axis]
    rows, columns = (slice(at - 3, at + 4) for name, at in zip("zyx", centre, strict=True) if name != axis)
    pane.labels.show_patch(feature, (rows, columns), np.ones((7, 7), np.uint8))
    assert seen(pane, *centre) == "red"
    pane.labels.clear_patch(feature)
    assert seen(pane, *centre) == "black"
    pane.labels.show_patch(feature, (rows, columns), np.ones((7, 7), np.uint8))
    start = tuple(at if name == axis else at - 3 for name, at in zip("zyx", centre, strict=True))
    shape = tuple(1 if name == axis else 7 for name in "zyx")
    paint(project, "membrane", start, shape, planes=[Plane(axis, centre["zyx".index(axis)])])
    assert seen(pane, *centre) == "red"  # without a moment in between
    settle(area, qtbot)
    assert seen(pane, *centre) == "red"


def test_a_patch_may_reach_over_the_edge(area, project, qtbot):
    feature = project.feature("membrane").id
    pane = area.panes["z"]
    pane.labels.show_patch(feature, (slice(-5, 3), slice(78, 95)), np.ones((8, 17), np.uint8))
    pane.labels.show_patch(feature, (slice(90, 95), slice(0, 5)), np.ones((5, 5), np.uint8))  # wholly outside
    assert (seen(pane, 12, 1, 80), seen(pane, 12, 1, 76), seen(pane, 12, 4, 80)) == ("red", "black", "black")


def test_a_patch_goes_with_its_slice(area, project, qtbot):
    feature = project.feature("membrane").id
    area.panes["z"].labels.show_patch(feature, (slice(20, 25), slice(20, 25)), np.ones((5, 5), np.uint8))
    tomograms.step(area.workbench.session, 1)
    settle(area, qtbot)
    assert seen(area.panes["z"], 13, 22, 22) == "black"
