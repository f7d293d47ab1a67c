"""The brush and the eraser, with a real mouse on a real canvas; what is read back is the project."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mouse_and_keys import LEFT, RIGHT, SHIFT, WHOLE, Z, labels_of, press, take, through, volume
from PyQt6.QtCore import QCoreApplication, QPointF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtTest import QTest
from scipy import ndimage
from window_view import SHAPE, at, painted

from ais_app.core.annotation import brush
from ais_app.core.annotation.labels import TiledLabels
from ais_app.core.io import create_volume
from ais_app.state.commands import tomograms
from ais_app.state.project import Project


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
