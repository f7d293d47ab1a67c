"""The tools of the Annotate tab, with a real mouse on a real canvas; what is read back is the project."""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, QPointF, Qt
from PyQt6.QtGui import QMouseEvent, QWheelEvent
from PyQt6.QtTest import QTest
from scipy import ndimage
from skimage.morphology import skeletonize

from ais_app.core.annotation import brush, polygon
from ais_app.core.annotation.labels import TiledLabels
from ais_app.core.io import create_volume
from ais_app.state.commands import tomograms
from ais_app.state.project import Project
from ais_app.state.view_state import ViewState
from ais_app.views.main_window import MainWindow
from ais_app.views.workbench import Workbench

from .conftest import SHAPE, at, painted

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
SHIFT = Qt.KeyboardModifier.ShiftModifier
Z = 5  # a slice on which nothing is annotated
WHOLE = (slice(None),) * 3


@pytest.fixture(scope="module")
def window(qapp, tmp_path_factory):
    """One window for all tests of this file: only what it shows is made anew for each of them."""
    folder = tmp_path_factory.mktemp("window")
    made = MainWindow(Workbench(folder / "settings", folder / "drafts"))
    made.resize(1280, 800)
    made.show()
    assert QTest.qWaitForWindowExposed(made)
    yield made
    made.shut_down()
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


@pytest.fixture(autouse=True)
def fresh(window, qtbot):
    """Nothing is open, and every setting of the view is as at the first start."""
    session, first = window.workbench.session, ViewState()
    session.close()
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index is None)
    for name in ("tool", "planes", "brush_3d", "ignoring", "over_background", "sensitivity"):
        setattr(session.view, name, getattr(first, name))
    window.notifications.dismiss_all()


def press(window, key, modifiers=Qt.KeyboardModifier.NoModifier):
    """Press a key over the XY pane."""
    pane = window.slices.panes["z"]
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    pane.native.setFocus()
    QTest.keyClick(pane.native, key, modifiers)


@pytest.fixture
def blank(opened, qtbot):
    """The window at a slice of the feature membrane that nobody has painted."""
    session = opened.workbench.session
    session.view.feature = session.project.feature("membrane").id
    tomograms.go_to(session, z=Z)
    qtbot.waitUntil(lambda: opened.slices.panes["z"].shown_index == Z)
    return opened


def take(window, tool: str) -> None:
    window.workbench.session.view.tool = tool


def through(pane, positions):
    """Return the voxel indices that the program sees for a mouse at these: pixels are whole."""
    return [pane.to_voxel(QPointF(at(pane, *position))) for position in positions]


def expected(window, positions, axis="z", shape="disk"):
    """Return the labels that a pure brush paints along the same path on an empty volume."""
    session = window.workbench.session
    pane, feature = window.slices.panes[axis], session.project.feature("membrane")
    labels = TiledLabels(SHAPE)
    size = session.tomogram.voxel_size_zyx
    points = through(pane, positions)
    if shape == "disk":
        labels.apply(brush.disk(labels, points, feature.brush_radius, axis=axis, voxel_size_zyx=size))
    else:
        labels.apply(brush.ball(labels, points, feature.brush_radius, voxel_size_zyx=size))
    return labels.read(WHOLE)


def labels_of(window, feature="membrane"):
    session = window.workbench.session
    return session.project.labels(session.view.tomogram, feature)


def volume(window):
    """Return all labels but those of the slices that the fixture painted."""
    labels = labels_of(window).read()
    labels[[10, 16, 22]] = 0
    return labels


def hover(pane, point):
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(point), QPointF(pane.native.mapToGlobal(point)), Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QCoreApplication.sendEvent(pane.native, event)


def click(pane, *position, button=LEFT, modifiers=Qt.KeyboardModifier.NoModifier):
    QTest.mouseClick(pane.native, button, modifiers, at(pane, *position))


def double_click(pane, *position):
    """Press a second time and let go; QTest leaves the button pressed."""
    QTest.mouseDClick(pane.native, LEFT, Qt.KeyboardModifier.NoModifier, at(pane, *position))
    QTest.mouseRelease(pane.native, LEFT, Qt.KeyboardModifier.NoModifier, at(pane, *position))


# brush


def test_a_stroke_paints_what_the_pure_brush_paints(blank, stroke):
    path = [(Z, 20, 20), (Z, 31, 45), (Z, 62, 47), (Z, 60, 90)]
    stroke(blank.slices.panes["z"], path)
    assert np.array_equal(painted(blank), expected(blank, path)[Z])
    assert labels_of(blank).annotated_slices() == [Z, 10, 16, 22]


def test_a_fast_stroke_leaves_no_gap(blank, stroke):
    stroke(blank.slices.panes["z"], [(Z, 10, 10), (Z, 85, 100)])
    _, count = ndimage.label(painted(blank) == 1)
    assert count == 1
    assert painted(blank)[48, 55] == 1


def test_the_stroke_is_on_screen_before_it_is_saved(blank, qtbot):
    pane = blank.slices.panes["z"]
    before = pane.picture().astype(int)
    QTest.mousePress(pane.native, LEFT, Qt.KeyboardModifier.NoModifier, at(pane, Z, 40, 40))
    assert not painted(blank).any()
    point = at(pane, Z, 40, 40)
    assert np.abs(pane.picture().astype(int) - before)[point.y(), point.x()].sum() > 60
    QTest.mouseRelease(pane.native, LEFT, Qt.KeyboardModifier.NoModifier, at(pane, Z, 40, 40))
    assert painted(blank).any()


def test_the_right_button_erases_and_so_does_the_eraser(blank, stroke):
    pane = blank.slices.panes["z"]
    stroke(pane, [(Z, 40, 20), (Z, 40, 90)])
    whole = painted(blank)
    stroke(pane, [(Z, 40, 50)], RIGHT)
    once = painted(blank)
    take(blank, "eraser")
    stroke(pane, [(Z, 40, 70)])
    assert whole.sum() > once.sum() > painted(blank).sum()
    assert once[40, 50] == 0 and painted(blank)[40, 70] == 0


def test_undo_and_redo_by_keys_give_every_voxel_back(blank, stroke):
    pane = blank.slices.panes["z"]
    stroke(pane, [(Z, 30, 30), (Z, 30, 60)])
    one = painted(blank)
    stroke(pane, [(Z, 60, 30), (Z, 60, 60)])
    two = painted(blank)
    control = Qt.KeyboardModifier.ControlModifier
    press(blank, Qt.Key.Key_Z, control)
    assert np.array_equal(painted(blank), one)
    press(blank, Qt.Key.Key_Z, control)
    assert not painted(blank).any()
    press(blank, Qt.Key.Key_Y, control)
    press(blank, Qt.Key.Key_Z, control | SHIFT)
    assert np.array_equal(painted(blank), two)


def test_escape_gives_a_stroke_up(blank):
    pane = blank.slices.panes["z"]
    title = blank.workbench.session.project.undo_title
    QTest.mousePress(pane.native, LEFT, Qt.KeyboardModifier.NoModifier, at(pane, Z, 40, 40))
    press(blank, Qt.Key.Key_Escape)
    QTest.mouseRelease(pane.native, LEFT, Qt.KeyboardModifier.NoModifier, at(pane, Z, 40, 40))
    assert not painted(blank).any()
    assert blank.workbench.session.project.undo_title == title


def test_the_ball_paints_the_slices_around(blank, stroke):
    blank.actions_by_id.trigger("annotate.ball")
    path = [(Z, 48, 40), (Z, 48, 60)]
    stroke(blank.slices.panes["z"], path)
    ball = expected(blank, path, shape="ball")
    ball[[10, 16, 22]] = 0
    assert np.array_equal(volume(blank), ball)
    assert volume(blank)[Z - 2].any() and volume(blank)[Z + 2].any()


def test_painting_in_xz_stays_in_its_plane(blank, stroke, qtbot):
    session = blank.workbench.session
    session.view.planes = "xyz"
    tomograms.go_to(session, y=30)
    pane = blank.slices.panes["y"]
    qtbot.waitUntil(lambda: pane.shown_index == 30)
    path = [(4, 30, 20), (7, 30, 60)]
    stroke(pane, path)
    plane = labels_of(blank).read_plane("y", 30)
    plane[[10, 16, 22]] = 0
    wanted = expected(blank, path, axis="y")
    wanted[[10, 16, 22]] = 0
    assert np.array_equal(plane, wanted[:, 30])
    assert not labels_of(blank).read_plane("y", 31)[4].any()
    assert ("y", 30) in [(p.axis, p.index) for p in labels_of(blank).annotated_planes()]


def test_ignore_paint_and_background_only(blank, stroke):
    pane = blank.slices.panes["z"]
    stroke(pane, [(Z, 40, 30)])
    blank.actions_by_id.trigger("annotate.ignore")
    stroke(pane, [(Z, 40, 40)])
    assert set(np.unique(painted(blank))) == {0, 1, 2}
    before = painted(blank)
    blank.actions_by_id.trigger("annotate.ignore")
    blank.actions_by_id.trigger("annotate.over_background")
    session = blank.workbench.session
    session.view.feature = session.project.feature("ribosome").id
    stroke(pane, [(Z, 40, 20), (Z, 40, 60)])
    ribosome = painted(blank, "ribosome")
    assert ribosome.any() and not (ribosome.astype(bool) & before.astype(bool)).any()


def test_shift_and_wheel_and_brackets_size_the_brush(blank):
    session, pane = blank.workbench.session, blank.slices.panes["z"]

    def radius():
        return session.project.feature("membrane").brush_radius

    first = radius()
    blank.actions_by_id.trigger("annotate.larger")
    second = radius()
    point = QPointF(at(pane, Z, 40, 40))
    wheel = QWheelEvent(point, point, QPointF(0, 0).toPoint(), QPointF(0, -240).toPoint(), Qt.MouseButton.NoButton,
                        SHIFT, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QCoreApplication.sendEvent(pane.native, wheel)
    assert second > first > radius()


def test_after_a_step_the_radius_is_a_round_number(blank):
    session, settings = blank.workbench.session, blank.tabs[0].panel.settings
    session.project.change_feature("membrane", brush_radius=159.72)
    press(blank, Qt.Key.Key_BracketRight)
    assert session.project.feature("membrane").brush_radius == 160.0
    settings.refresh()
    assert settings.radius.field.text() == "16 nm"
    press(blank, Qt.Key.Key_BracketLeft)
    settings.refresh()
    assert settings.radius.field.text() == "15 nm"


def test_without_a_voxel_size_a_tenth_of_the_radius_is_in_voxels(window, qtbot, tmp_path, stroke):
    path = tmp_path / "no_size.mrc"
    with create_volume(path, (3, 64, 64), np.dtype(np.int8)) as writer:
        writer.write(0, np.random.default_rng(0).integers(-20, 20, (3, 64, 64)).astype(np.int8))
    window.open_files([path])
    session, pane = window.workbench.session, window.slices.panes["z"]
    qtbot.waitUntil(lambda: pane.shown_index is not None)
    session.view.feature = session.project.add_feature("membrane").id
    assert session.tomogram.voxel_size is None
    session.project.change_feature("membrane", brush_radius=50.0)
    stroke(pane, [(session.view.z, 32, 32)])
    labels = TiledLabels((3, 64, 64))
    labels.apply(brush.disk(labels, through(pane, [(session.view.z, 32, 32)]), 5.0))
    assert np.array_equal(painted(window), labels.read(WHOLE)[session.view.z])


# what must not be painted


@pytest.mark.parametrize("why", ["locked", "hidden", "none"])
def test_what_must_not_be_painted_is_said_once(blank, stroke, why):
    session = blank.workbench.session
    if why == "locked":
        session.project.change_feature("membrane", locked=True)
    elif why == "hidden":
        session.project.change_feature("membrane", visible=False)
    else:
        session.view.feature = None
    said = []
    blank.workbench.notified.connect(said.append)
    title = session.project.undo_title
    for count, tool in enumerate(("brush", "eraser", "flood", "lasso", "fill", "livewire", "box"), start=1):
        take(blank, tool)
        stroke(blank.slices.panes["z"], [(Z, 30, 30), (Z, 35, 40), (Z, 40, 50)])
        assert len(said) == count and why in said[-1].text
    assert session.project.undo_title == title
    assert not volume(blank).any()


def test_the_message_about_a_locked_feature_unlocks_it(blank, stroke):
    session = blank.workbench.session
    session.project.change_feature("membrane", locked=True)
    said = []
    blank.workbench.notified.connect(said.append)
    stroke(blank.slices.panes["z"], [(Z, 30, 30)])
    said[0].act()
    stroke(blank.slices.panes["z"], [(Z, 30, 30)])
    assert painted(blank).any()


def test_a_project_that_is_read_only_is_not_painted(window, project, qtbot, stroke):
    with Project.open(project), pytest.warns(UserWarning, match="read-only"):
        window.workbench.session.open(Project.open(project))
    pane, said = window.slices.panes["z"], []
    qtbot.waitUntil(lambda: pane.shown_index is not None)
    window.workbench.notified.connect(said.append)
    stroke(pane, [(0, 30, 30), (0, 30, 60)])
    assert len(said) == 1 and "read-only" in said[0].text


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


# boxes


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


# nothing is lost

PAINTER = """
import os, signal, sys
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from ais_app.views.widgets.application import application
app = application()
from ais_app.views.main_window import MainWindow
from ais_app.views.workbench import Workbench
window = MainWindow(Workbench(sys.argv[2], sys.argv[2]))
window.show()
window.open_files([__import__("pathlib").Path(sys.argv[1])])
session, pane = window.workbench.session, window.slices.panes["z"]
while pane.shown_index is None:
    QTest.qWait(20)
z, none = session.view.z, Qt.KeyboardModifier.NoModifier
for y in (20, 40, 60, 80):
    point = pane.to_point((z, y, 50)).toPoint()
    QTest.mousePress(pane.native, Qt.MouseButton.LeftButton, none, point)
    if y < 80:
        QTest.mouseRelease(pane.native, Qt.MouseButton.LeftButton, none, point)
print(session.view.z, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_program_loses_only_the_stroke_in_progress(qapp, project, tmp_path: Path):
    script = tmp_path / "painter.py"
    script.write_text(PAINTER)
    with Project.open(project) as opened:
        opened.change_feature("membrane", brush_radius=40.0)
        opened.move_feature("membrane", 0)
    done = subprocess.run(
        [sys.executable, str(script), str(project), str(tmp_path / "painter")], capture_output=True, env=os.environ
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with Project.open(project) as opened:
        labels = opened.labels("TS_01", "membrane").read_plane("z", int(done.stdout))
        assert [int(labels[y, 50]) for y in (20, 40, 60, 80)] == [1, 1, 1, 0]
        assert opened.check() == []
