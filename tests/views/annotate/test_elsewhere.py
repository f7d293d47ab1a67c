"""What was begun or chosen on one tomogram does nothing on another, nor in another project."""

from __future__ import annotations

import shutil

import pytest
from mouse_and_keys import Z, click, labels_of, press, take
from PyQt6.QtCore import Qt

import ais_app
from ais_app.state.commands import projects, tomograms
from ais_app.state.project import Project

CORNERS = ((Z, 20, 20), (Z, 20, 80), (Z, 70, 80))


@pytest.fixture
def second(blank, phantom, tmp_path, qtbot):
    """Another tomogram of the project, at the same slice when it comes into view."""
    session, first = blank.workbench.session, blank.workbench.session.view.tomogram
    entry = session.project.add_tomogram(shutil.copy(phantom / "tomogram.mrc", tmp_path / "TS_02.mrc"))
    for id in (entry.id, first):
        session.view.tomogram = id
        tomograms.go_to(session, z=Z)
    on_screen(blank, qtbot)
    return entry


@pytest.fixture
def other(project, tmp_path):
    """Another project on the same tomogram, with two boxes."""
    path = tmp_path / "other.aisproj"
    with Project.create(path) as made:
        entry = made.add_tomogram(tmp_path / "TS_01.mrc")
        made.add_feature("actin")
        made.add_boxes(entry, "actin", [ais_app.Box((Z, 30, 30)), ais_app.Box((Z, 70, 90))])
    return path


def on_screen(window, qtbot):
    view, pane = window.workbench.session.view, window.slices.panes["z"]
    qtbot.waitUntil(lambda: pane.view.tomogram == view.tomogram and pane.shown_index == view.z == Z, timeout=10_000)


@pytest.fixture(params=["lasso", "livewire"])
def begun(request, blank, second):
    """The window with three clicks of an outline or a path."""
    take(blank, request.param)
    for corner in CORNERS:
        click(blank.slices.panes["z"], *corner)
    assert blank.tabs[0].panel.hand.is_drawing
    return blank


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "when it is on screen"])
def test_an_outline_is_not_painted_on_another_tomogram(begun, second, qtbot, at_once):
    press(begun, Qt.Key.Key_Down)
    assert begun.workbench.session.view.tomogram == second.id
    if not at_once:
        on_screen(begun, qtbot)
    press(begun, Qt.Key.Key_Return)
    assert not labels_of(begun).read().any() and not begun.tabs[0].panel.hand.is_drawing
    assert not len(begun.slices.panes["z"].draft.points)


def test_an_outline_is_not_painted_into_another_project(begun, other, qtbot):
    session = begun.workbench.session
    projects.open_project(session, other)
    tomograms.go_to(session, z=Z)
    on_screen(begun, qtbot)
    press(begun, Qt.Key.Key_Return)
    assert not labels_of(begun, "actin").read().any() and not begun.tabs[0].panel.hand.is_drawing


def test_an_outline_goes_on_while_the_project_is_saved(begun, tmp_path):
    projects.save_as(begun.workbench.session, tmp_path / "P.aisproj")
    press(begun, Qt.Key.Key_Return)
    assert labels_of(begun).read_plane("z", Z).any()


@pytest.fixture
def boxing(blank):
    """The window with the box tool, and boxes of ribosomes."""
    session = blank.workbench.session
    session.view.feature = session.project.feature("ribosome").id
    take(blank, "box")
    return blank


def test_a_box_that_is_selected_is_not_that_of_another_project(boxing, other, qtbot):
    session = boxing.workbench.session
    tomograms.go_to(session, z=16)
    pane = boxing.slices.panes["z"]
    qtbot.waitUntil(lambda: pane.shown_index == 16, timeout=10_000)
    click(pane, 16, 40, 40)
    assert boxing.slices.presenter.selected == {1}
    projects.open_project(session, other)
    tomograms.go_to(session, z=Z)
    on_screen(boxing, qtbot)
    assert boxing.slices.presenter.selected == frozenset()
    press(boxing, Qt.Key.Key_Delete)
    assert [box.id for box in session.project.boxes("TS_01", "actin")] == [1, 2]


def test_a_box_that_is_selected_is_not_selected_on_another_tomogram(boxing, second, qtbot):
    session, first = boxing.workbench.session, boxing.workbench.session.view.tomogram
    click(boxing.slices.panes["z"], Z, 40, 50)
    assert len(boxing.slices.presenter.selected) == 1
    session.view.tomogram = second.id
    assert boxing.slices.presenter.selected == frozenset()
    session.view.tomogram = first
    on_screen(boxing, qtbot)
    press(boxing, Qt.Key.Key_Delete)
    assert len(session.project.boxes("TS_01", "ribosome")) == 3
