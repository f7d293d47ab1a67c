"""What a pane must show, and what is remembered of each tomogram; no window."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ais_app import Box
from ais_app.core.annotation.labels import Edit
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.state.commands import tomograms, view
from ais_app.state.overlays import Overlays
from ais_app.state.planes import as_seen, read_image, read_labels, still_there
from ais_app.state.project import Project
from ais_app.state.resolve import PaneView, resolve
from ais_app.state.session import Session


@pytest.fixture
def session(project):
    return Session(project)


@pytest.fixture
def overlays(session):
    return Overlays(session)


def paint(session, start=(10, 20, 20), feature="membrane"):
    store = session.project.labels(session.view.tomogram, feature)
    store.apply(Edit(start, np.zeros((1, 2, 2), np.uint8), np.ones((1, 2, 2), np.uint8)))


def test_nothing_in_view_is_an_empty_pane(session, overlays):
    session.view.tomogram = None
    assert resolve(session.view, overlays, "z") == PaneView("z", scale_bar=False, axes_marker=False)


def test_the_same_state_gives_equal_values(session, overlays):
    session.project.add_boxes("T1", "membrane", [Box((10, 30, 30))])
    assert resolve(session.view, overlays, "z") == resolve(session.view, overlays, "z")


@pytest.mark.parametrize(("axis", "size", "index"), [("z", (90, 70), 10), ("y", (90, 20), 35), ("x", (20, 70), 45)])
def test_each_pane_has_its_plane(session, overlays, axis, size, index):
    pane = resolve(session.view, overlays, axis)
    assert (pane.size, pane.request.axis, pane.request.index) == (size, axis, index)


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [("invert", True, "invert"), ("linear", True, "linear"), ("y_up", False, "flipped"), ("slab", 5, "request"),
     ("contrast", (1.0, 2.0), "limits"), ("cross", True, "cross"), ("crop", (0, 20, 0, 30), "crop"),
     ("z", 3, "request"), ("labels_on", False, "labels"), ("predictions_on", False, "predictions"),
     ("scale_bar", False, "scale_bar"), ("axes_marker", False, "axes_marker")],
)  # fmt: skip
def test_a_change_touches_only_its_part(session, overlays, field, value, part):
    before = resolve(session.view, overlays, "z")
    setattr(session.view, field, value)
    after = resolve(session.view, overlays, "z")
    different = {f.name for f in dataclasses.fields(before) if getattr(before, f.name) != getattr(after, f.name)}
    assert different == {part}


def test_an_index_outside_becomes_the_nearest(session, overlays):
    session.view.z = 500
    assert resolve(session.view, overlays, "z").request.index == 19


def test_y_down_turns_xy_and_yz_but_not_xz(session, overlays):
    session.view.y_up = False
    assert [resolve(session.view, overlays, axis).flipped for axis in "zyx"] == [True, False, True]


def test_label_versions_rise_with_each_change_and_with_undo(session, overlays):
    versions = []
    for change in (lambda: None, lambda: paint(session), session.project.undo, session.project.redo):
        change()
        (label,) = resolve(session.view, overlays, "z").labels
        versions.append(label.version)
    assert versions == [0, 1, 2, 3]


def test_features_are_shown_as_the_project_says(session, overlays):
    project = session.project
    project.change_feature("membrane", colour="#112233", opacity=0.25, outline=True)
    (label,) = resolve(session.view, overlays, "z").labels
    assert (label.colour, label.opacity, label.outline) == ("#112233", 0.25, True)
    project.change_feature("membrane", visible=False)
    assert resolve(session.view, overlays, "z").labels == ()
    project.add_feature("ribosome")
    assert [label.feature for label in resolve(session.view, overlays, "z").labels] == [project.feature("ribosome").id]


def test_boxes_in_the_plane_and_near_it(session, overlays):
    (box,) = session.project.add_boxes("T1", "membrane", [Box((10, 30, 40), 20)])
    found = {z: _boxes(session, overlays, z) for z in (7, 8, 10, 12, 13)}
    assert [[shown.strength for shown in found[z]] for z in found] == [[], [0.35], [1.0], [0.35], []]
    (shown,) = found[10]
    assert (shown.across, shown.up, shown.width, shown.height, shown.selected) == (40, 30, 20, 20, False)
    session.view.z = 10
    assert resolve(session.view, overlays, "z", frozenset({box.id})).boxes[0].selected
    session.view.y = 39
    (side,) = resolve(session.view, overlays, "y").boxes
    assert (side.across, side.up, side.width, side.height) == (40, 10, 20, 0)
    session.view.y = 41
    assert resolve(session.view, overlays, "y").boxes == ()
    session.project.remove_boxes([box])
    assert _boxes(session, overlays, 10) == ()


def _boxes(session, overlays, z):
    session.view.z = z
    return resolve(session.view, overlays, "z").boxes


def test_picks_come_in_voxels(session, overlays):
    picks = session.project.add_picks("T1", "mine", Particles(np.array([[100.0, 200.0, 300.0]])), radius=80.0)
    (shown,) = resolve(session.view, overlays, "z").picks
    np.testing.assert_allclose(shown.positions_zyx, [[10, 20, 30]])
    assert shown.radii == pytest.approx([8.0])
    again = resolve(session.view, overlays, "z").picks
    assert again[0] is shown  # the same as long as nothing has changed
    session.project.pick_store(picks).add(Particles(np.array([[0.0, 0.0, 0.0]])))
    assert len(resolve(session.view, overlays, "z").picks[0].positions_zyx) == 2


def test_the_crop_region_is_seen_in_all_planes(session, overlays):
    session.view.crop, session.view.z_range = (10, 40, 20, 60), (5, 15)
    assert resolve(session.view, overlays, "z").crop == (19.5, 59.5, 9.5, 39.5)
    assert resolve(session.view, overlays, "y").crop == (19.5, 59.5, 4.5, 14.5)
    assert resolve(session.view, overlays, "x").crop == (4.5, 14.5, 9.5, 39.5)


def test_filters_that_are_off_are_no_part_of_the_request(session, overlays):
    view.add_filter(session, "gaussian")
    view.add_filter(session, "median")
    view.change_filter(session, 1, enabled=False)
    assert [setting.name for setting in resolve(session.view, overlays, "z").request.filters] == ["gaussian"]
    session.view.filters_on = False
    assert resolve(session.view, overlays, "z").request.filters == ()


# commands


def test_filters_are_moved_and_removed_by_place(session):
    for name in ("gaussian", "median", "unsharp"):
        view.add_filter(session, name)
    view.move_filter(session, 2, 0)
    assert [setting["name"] for setting in session.view.filters] == ["unsharp", "gaussian", "median"]
    view.remove_filter(session, 1)
    assert [setting["name"] for setting in session.view.filters] == ["unsharp", "median"]
    with pytest.raises(ParameterProblem, match="place 5"):
        view.remove_filter(session, 5)
    with pytest.raises(ParameterProblem, match="gaussian"):
        view.add_filter(session, "gausian")
    view.set_filters(session, [{"name": "gaussian", "params": {"sigma": 5.0}}])
    assert session.view.filters == ({"name": "gaussian", "params": {"sigma": 5.0}, "enabled": True},)
    assert session.log.lines[-1].python.startswith("commands.view.set_filters(session, [")


def test_contrast_must_be_a_range(session):
    with pytest.raises(ParameterProblem, match="low below high"):
        view.set_contrast(session, 2.0, 2.0)


def test_a_crop_region_is_fitted_into_the_tomogram(session):
    view.set_crop(session, (-20, 500, 85, 88))
    assert session.view.crop == (0, 70, 74, 90)
    view.set_z_range(session, (15, 99))
    assert session.view.z_range == (15, 20)
    view.set_crop(session, None)
    assert session.view.crop is None


@pytest.mark.parametrize(("wished", "given"), [(1, 1), (2, 3), (0, 1), (-3, 1), (7, 7), (1000, 101)])
def test_a_slab_is_odd(session, wished, given):
    view.set_slab(session, wished)
    assert session.view.slab == given


# what is remembered


def test_each_tomogram_is_left_and_found_at_its_place(session):
    first, second = (entry.id for entry in session.project.tomograms)
    assert (session.view.z, session.view.y, session.view.x) == (10, 35, 45)  # the middle
    tomograms.go_to(session, z=3, y=4, x=5)
    view.set_contrast(session, -1.0, 1.0)
    tomograms.show(session, second)
    assert (session.view.z, session.view.contrast) == (10, None)
    tomograms.show(session, first)
    assert (session.view.z, session.view.y, session.view.x, session.view.contrast) == (3, 4, 5, (-1.0, 1.0))


def test_places_contrast_and_filters_survive_a_restart(session):
    path = session.project.path
    tomograms.go_to(session, z=3)
    view.set_contrast(session, -1.0, 1.0)
    view.add_filter(session, "gaussian")
    assert session.view.contrast is None  # filtered images have limits of their own
    view.set_contrast(session, -0.5, 0.5)
    session.close()
    again = Session(Project.open(path))
    assert (again.view.z, again.view.contrast) == (3, (-0.5, 0.5))
    assert [setting["name"] for setting in again.view.filters] == ["gaussian"]
    again.view.filters_on = False
    assert again.view.contrast == (-1.0, 1.0)
    again.view.filters_on = True
    assert again.view.contrast == (-0.5, 0.5)
    again.close()


def test_a_locked_contrast_goes_along(session):
    second = session.project.tomograms[1].id
    view.lock_contrast(session, True, limits=(-2.0, 3.0))
    assert session.view.contrast == (-2.0, 3.0)
    tomograms.show(session, second)
    assert session.view.contrast == (-2.0, 3.0)


def test_what_is_remembered_is_no_step_of_undo(session):
    tomograms.go_to(session, z=3)
    view.set_contrast(session, -1.0, 1.0)
    session.remembered.keep()
    assert session.project.undo_title == "Add feature membrane"


def test_automatic_contrast_is_asked_for_again(session):
    heard = []
    session.view.events.contrast.connect(lambda new, old: heard.append(new))
    view.auto_contrast(session)
    view.set_contrast(session, 0.0, 1.0)
    view.auto_contrast(session)
    assert heard == [None, (0.0, 1.0), None]


def test_annotated_slices_are_visited_in_order(session):
    for z in (2, 8, 15):
        session.project.labels("T1", "membrane").mark("z", z)
    visited = []
    for step in (1, 1, -1, -1, -1):
        view.go_to_annotated(session, step)
        visited.append(session.view.z)
    assert visited == [15, 15, 8, 2, 2]


# reading


def test_planes_are_read_as_they_are_seen(session, overlays):
    volume, data = session.volume(1), np.asarray(session.volume(1).data)
    for axis, plane in {"z": data[10], "y": data[:, 35], "x": data[:, :, 45].T}.items():
        request = resolve(session.view, overlays, axis).request
        np.testing.assert_array_equal(read_image(volume, request, overlays.entry(1).bytes), plane)
    paint(session, (3, 20, 30))
    store = session.project.labels(1, "membrane")
    assert np.argwhere(read_labels(store, "z", 3)).tolist() == [[20, 30], [20, 31], [21, 30], [21, 31]]
    assert np.argwhere(read_labels(store, "x", 30)).tolist() == [[20, 3], [21, 3]]
    plane = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(as_seen("x", as_seen("x", plane)), plane)


def test_a_file_that_is_gone_or_shorter_is_said(tmp_path):
    path = tmp_path / "a.mrc"
    with pytest.raises(FileProblem, match="no longer there"):
        still_there(path, 100)
    path.write_bytes(bytes(60))
    with pytest.raises(FileProblem, match="60 of 100 bytes"):
        still_there(path, 100)
    still_there(path, 60)
