"""What else lies over the slices: predictions, boxes, picks, the crop region, and what tools draw."""

from __future__ import annotations

import numpy as np
import pytest
from overlay_view import BLUE, RED, seen
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from slice_view import colour_at, drag, mouse, point_of, settle

from ais_app import Box
from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.state.commands import tomograms, view
from ais_app.views.slices.marks import length_text, nice_length
from ais_app.views.slices.predictions import Prediction


@pytest.fixture
def area(black_area):
    return black_area


@pytest.fixture
def project(area):
    return area.workbench.session.project


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
