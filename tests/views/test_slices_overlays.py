"""What lies over the slices: labels, strokes, predictions, boxes, picks, the crop region, and what tools draw."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from slice_view import colour_at, drag, known_volume, make_project, mouse, opened, point_of, settle, slice_area

from ais_app import Box
from ais_app.core.annotation.labels import Edit, Plane
from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.state.commands import edit, features, tomograms, view
from ais_app.views.slices.marks import length_text, nice_length
from ais_app.views.slices.predictions import Prediction

RED, BLUE = "#FF0000", "#0000FF"


@pytest.fixture(scope="module")
def shared(qapp, tmp_path_factory):
    with slice_area(tmp_path_factory.mktemp("area")) as made:
        yield made


@pytest.fixture
def area(shared, tmp_path, qtbot):
    """A slice area on a black tomogram, with membrane in red and ribosome in blue, both opaque."""
    path = make_project(tmp_path, np.zeros_like(known_volume()))
    with opened(shared, path, qtbot) as made:
        project = made.workbench.session.project
        project.change_feature("membrane", colour=RED, opacity=1.0)
        project.change_feature("ribosome", colour=BLUE, opacity=1.0)
        view.set_contrast(made.workbench.session, 0.5, 1.0)
        for name in ("scale_bar", "axes_marker"):
            setattr(made.workbench.session.view, name, False)
        settle(made, qtbot)
        yield made


@pytest.fixture
def state(area):
    return area.workbench.session.view


@pytest.fixture
def project(area):
    return area.workbench.session.project


def paint(project, feature, start, shape, value=1, planes=()):
    """Paint a block through the project, as a tool does in the end."""
    store = project.labels(1, feature)
    region = tuple(slice(low, low + n) for low, n in zip(start, shape, strict=True))
    before = store.read(region)
    store.apply(Edit(start, before, np.full(shape, value, np.uint8), tuple(planes)))


def seen(pane, *position_zyx):
    """Name the colour of a voxel."""
    names = {(255, 0, 0): "red", (0, 0, 255): "blue", (0, 0, 0): "black"}
    return names.get(colour_at(pane, *position_zyx), "other")


# labels


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


# predictions


def test_a_prediction_fades_in_above_its_threshold(area, qtbot):
    plane = np.zeros((61, 83), np.float32)
    plane[10:20, 10:20], plane[30:40, 10:20], plane[30:40, 40:50] = 0.45, 0.75, 1.0
    area.predictions.show("z", 12, [Prediction(plane, RED, threshold=0.5, opacity=1.0)])
    pane = area.panes["z"]
    assert seen(pane, 12, 15, 15) == "black"
    assert colour_at(pane, 12, 35, 15)[0] == pytest.approx(128, abs=3)
    assert seen(pane, 12, 35, 45) == "red"


def test_a_prediction_belongs_to_its_slice(area, state, qtbot):
    area.predictions.show("z", 12, [Prediction(np.ones((61, 83), np.float32), RED, opacity=1.0)])
    pane = area.panes["z"]
    assert seen(pane, 12, 15, 15) == "red"
    tomograms.step(area.workbench.session, 1)
    settle(area, qtbot)
    assert seen(pane, 13, 15, 15) == "black"
    area.predictions.show("z", 14, [Prediction(np.ones((61, 83), np.float32), BLUE, opacity=1.0)])
    assert seen(pane, 13, 15, 15) == "black"  # not before its slice is there
    tomograms.step(area.workbench.session, 1)
    settle(area, qtbot)
    assert seen(pane, 14, 15, 15) == "blue"
    state.predictions_on = False
    settle(area, qtbot)
    assert seen(pane, 14, 15, 15) == "black"
    state.predictions_on = True
    area.predictions.clear()
    settle(area, qtbot)
    assert seen(pane, 14, 15, 15) == "black"


def test_a_contour_runs_where_the_threshold_is(area, qtbot):
    plane = np.zeros((61, 83), np.float32)
    plane[20:40, 20:40] = 1.0
    area.predictions.show("z", 12, [Prediction(plane, RED, 0.5, 1.0, "contour")])
    pane = area.panes["z"]
    assert seen(pane, 12, 30, 30) == "black"
    edge = pane.to_point((12, 30, 19.5))
    line = pane.picture()[int(edge.y()), int(edge.x()) - 3 : int(edge.x()) + 4, 0]
    assert line.max() > 200


def test_heat_and_pictures(area, state, qtbot):
    plane = np.ones((61, 83), np.float32)
    area.predictions.show("z", 12, [Prediction(plane, RED, 0.5, 1.0, "heat")])
    red, green, blue = colour_at(area.panes["z"], 12, 30, 30)
    assert red == 255 and green == blue == pytest.approx(204, abs=2)
    picture = np.zeros((24, 61, 4), np.uint8)
    picture[3, 7] = (0, 0, 255, 255)
    state.planes = "xyz"
    settle(area, qtbot)
    area.predictions.show("x", state.x, [Prediction(picture, opacity=1.0)])
    assert seen(area.panes["x"], 3, 7, state.x) == "blue"
    assert seen(area.panes["x"], 7, 3, state.x) == "black"


def test_a_mode_that_is_not_there_is_refused():
    with pytest.raises(ParameterProblem, match="overlay, contour, heat"):
        Prediction(np.zeros((2, 2), np.float32), mode="glow")


# boxes and picks


def test_boxes_are_seen_on_their_slice_and_faintly_beside_it(area, state, project, qtbot):
    project.add_boxes(1, "membrane", [Box((12, 30, 40), 20), Box((14, 30, 60), 10), Box((20, 10, 10), 10)])
    settle(area, qtbot)
    boxes = {box.across: box for box in area.panes["z"].boxes.shown}
    assert sorted(boxes) == [40, 60]
    assert boxes[40].strength == 1 > boxes[60].strength > 0
    pane, edge = area.panes["z"], area.panes["z"].to_point((12, 30, 30))
    line = pane.picture()[int(edge.y()), int(edge.x()) - 2 : int(edge.x()) + 3]
    assert any(tuple(pixel[:3]) == (255, 0, 0) for pixel in line)
    area.select_boxes(frozenset({project.boxes(1, "membrane")[0].id}))
    settle(area, qtbot)
    assert [box.across for box in pane.boxes.shown if box.selected] == [40]
    state.boxes_on = False
    settle(area, qtbot)
    assert pane.boxes.shown == ()


def test_picks_are_sections_of_spheres(area, state, project, qtbot):
    positions = np.array([[120.0, 300.0, 400.0], [150.0, 300.0, 600.0], [200.0, 100.0, 100.0]])
    project.add_picks(1, "ribosomes", Particles(positions), feature="ribosome", radius=50.0)
    settle(area, qtbot)
    shown = sorted(area.panes["z"].picks.shown)
    assert [(round(across), round(up)) for across, up, _ in shown] == [(40, 30), (60, 30)]
    assert [radius for *_, radius in shown] == pytest.approx([5.0, 4.0])
    ring = area.panes["z"].to_point((12, 30, 45))
    line = area.panes["z"].picture()[int(ring.y()), int(ring.x()) - 2 : int(ring.x()) + 3]
    assert any(tuple(pixel[:3]) == (0, 0, 255) for pixel in line)
    state.picks_on = False
    settle(area, qtbot)
    assert area.panes["z"].picks.shown == []


# the crop region


def test_the_crop_region_is_drawn_moved_and_resized(area, state, qtbot):
    session = area.workbench.session
    view.toggle_crop(session)
    assert state.crop == (6, 55, 8, 75)
    pane = area.panes["z"]
    drag(pane, point_of(pane, 12, 30, 7.5), point_of(pane, 12, 30, 12), point_of(pane, 12, 30, 20.5))
    assert state.crop == (6, 55, 21, 75)
    drag(pane, point_of(pane, 12, 30, 40), point_of(pane, 12, 33, 42))  # the inside moves all of it
    assert state.crop == (9, 58, 23, 77)
    drag(pane, point_of(pane, 12, 30, 40), point_of(pane, 12, 90, 140))
    assert state.crop == (12, 61, 29, 83)  # and stops at the edge
    view.set_crop(session, None)
    drag(pane, point_of(pane, 12, 5, 5), point_of(pane, 12, 20, 30), point_of(pane, 12, 40, 50))
    assert state.crop == (5, 40, 5, 50)
    drag(pane, point_of(pane, 12, 50, 60), point_of(pane, 12, 51, 61))
    assert state.crop[1] - state.crop[0] == state.crop[3] - state.crop[2] == 16  # no smaller than that


def test_escape_gives_a_crop_gesture_up(area, state, qtbot):
    session, pane = area.workbench.session, area.panes["z"]
    view.toggle_crop(session)
    before = state.crop
    mouse(pane, "press", point_of(pane, 12, 30, 7.5))
    mouse(pane, "move", point_of(pane, 12, 30, 30))
    assert state.crop != before
    QTest.keyClick(pane.native, Qt.Key.Key_Escape)
    assert state.crop == before
    view.toggle_crop(session)
    assert (state.tool, state.crop) == ("brush", before)


# what tools draw, and marks


def test_the_ring_of_the_brush_and_a_draft(area, state, qtbot):
    pane = area.panes["z"]
    pane.show_cursor((12, 30, 40), 10.0, BLUE)
    edge = pane.to_point((12, 30, 50))
    line = pane.picture()[int(edge.y()), int(edge.x()) - 2 : int(edge.x()) + 3]
    assert any(tuple(pixel[:3]) == (0, 0, 255) for pixel in line)
    pane.hide_cursor()
    pane.draft.set_path(np.array([(10.0, 30.0), (60.0, 30.0)]), RED)
    on = pane.to_point((12, 30, 30))
    column = pane.picture()[int(on.y()) - 2 : int(on.y()) + 3, int(on.x())]
    assert any(tuple(pixel[:3]) == (255, 0, 0) for pixel in column)
    pane.draft.clear()
    assert pane.picture()[..., :3].max() == 0


def test_the_scale_bar_has_a_round_length(area, state, qtbot):
    state.scale_bar = True
    settle(area, qtbot)
    bar, pane = area.panes["z"].scale_bar, area.panes["z"]
    number, unit = bar.text.split()
    voxels = float(number) * {"Å": 1, "nm": 10, "µm": 1e4}[unit] / 10.0
    assert bar.length == pytest.approx(voxels * pane.camera.scale)
    assert pane.picture()[-40:, -160:, :3].max() == 255
    pane.zoom(8)
    assert bar.length <= 111


@pytest.mark.parametrize(
    ("angstrom", "text"), [(1.0, "1 Å"), (5.0, "5 Å"), (10.0, "1 nm"), (2000.0, "200 nm"), (1e4, "1 µm"), (5e4, "5 µm")]
)
def test_lengths_are_said_in_the_unit_people_use(angstrom, text):
    assert length_text(angstrom) == text


def test_nice_lengths():
    assert [nice_length(most) for most in (1.0, 1.99, 2.0, 4.9, 5.0, 9.9, 10.0, 0.3)] == [1, 1, 2, 2, 5, 5, 10, 0.2]


def test_the_axes_marker_follows_y(area, state, qtbot):
    state.axes_marker = True
    settle(area, qtbot)
    pane = area.panes["z"]

    def tip_is_above() -> bool:
        corner = pane.picture()[-90:, :90, :3].astype(int)
        green = np.argwhere((corner[..., 1] > 150) & (corner[..., 0] < 180))
        red = np.argwhere((corner[..., 0] > 200) & (corner[..., 1] < 180))
        return green[:, 0].mean() < red[:, 0].mean()

    assert tip_is_above()
    state.y_up = False
    settle(area, qtbot)
    assert not tip_is_above()
