"""Picks in the Render tab: found in a surface, edited with the mouse, taken from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ball_view import BALL, RADIUS, SIZE, SMALL, middle_xyz, settled, with_picks
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtTest import QTest

from ais_app.core.pickers.blobs import BlobParams
from ais_app.state.commands import render
from ais_app.views.main_window import MainWindow
from ais_app.views.render.panel import RenderPanel


def _at(panel: RenderPanel, zyx: tuple[float, float, float]) -> QPoint:
    return QPointF(*panel.space.to_pixel(middle_xyz(zyx)[None])[0]).toPoint()


def _picks(panel: RenderPanel):
    session = panel.workbench.session
    return session.project.pick_store(session.project.picks(session.view.tomogram)[0]).read()


def test_picking_begins_with_the_size_of_the_feature(shown: RenderPanel, qtbot) -> None:
    picking, session = shown.picking, shown.workbench.session
    QTest.mouseClick(picking.on, Qt.MouseButton.LeftButton, pos=QPoint(8, picking.on.height() // 2))
    settled(shown, qtbot)
    # the brush of the feature is 10 nm in radius: the small ball, of 4 nm, is less than half of that
    assert (picking.radius.value(), picking.params().min_spacing) == (100.0, 100.0)
    assert picking.params().min_volume == pytest.approx(4 / 3 * np.pi * 50.0**3, rel=0.02)
    assert picking.particles.positions_zyx == pytest.approx(np.array([BALL]) * SIZE, abs=2)
    assert "20 nm" in picking.start.text() and "ball" in picking.start.text() and picking.start.isVisible()
    picking.volume.slider.setFocus()
    QTest.keyClick(picking.volume.slider, Qt.Key.Key_Home)
    settled(shown, qtbot)
    assert picking.params().min_volume == 0.0 and len(picking.particles) == 2
    assert not picking.start.isVisible()
    # what was chosen is there again when the surface is chosen again
    picking.radius.field.setValue(70.0)
    picking._choose()
    assert picking.params().min_volume == 0.0 and picking.radius.value() == 70.0
    assert session.project.display("picking-radii") == {"ball": 70.0}


def test_picks_follow_the_threshold_and_can_be_kept(shown: RenderPanel, qtbot) -> None:
    session = shown.workbench.session
    shown.picking.set_params(BlobParams(threshold=0.5))  # no ball is too small
    shown.picking.on.setChecked(True)
    settled(shown, qtbot)
    truth = np.array([BALL, SMALL]) * SIZE
    found = shown.picking.particles.positions_zyx
    assert np.sort(found, axis=0) == pytest.approx(np.sort(truth, axis=0), abs=2)
    shown.picking.threshold.slider.setValue(0.95)  # more than the small ball reaches
    settled(shown, qtbot)
    assert shown.picking.particles.positions_zyx == pytest.approx(truth[:1], abs=2)
    QTest.mouseClick(shown.picking.keep, Qt.MouseButton.LeftButton)
    settled(shown, qtbot)
    kept = session.project.picks(session.view.tomogram)
    assert [each.name for each in kept] == ["ball"] and kept[0].count == 1
    assert kept[0].source["params"]["threshold"] == pytest.approx(0.95)
    assert "1 pick" in shown.picks.card("ball").state.text()


def test_picks_are_edited_with_the_mouse(shown: RenderPanel, qtbot) -> None:
    with_picks(shown, qtbot)
    native, left = shown.space.canvas.native, Qt.MouseButton.LeftButton
    QTest.mouseClick(native, left, Qt.KeyboardModifier.NoModifier, _at(shown, (30, 8, 8)))
    assert shown.editor.selected == {int(_picks(shown).ids[0])}
    QTest.keyClick(native, Qt.Key.Key_Delete)
    settled(shown, qtbot)
    assert _picks(shown).positions_zyx == pytest.approx(np.array([[10.0, 50, 70]]) * SIZE)
    QTest.mouseClick(native, left, Qt.KeyboardModifier.ShiftModifier, _at(shown, BALL))
    settled(shown, qtbot)
    top = np.array([BALL[0] + RADIUS, *BALL[1:]]) * SIZE
    assert _picks(shown).positions_zyx[1] == pytest.approx(top, abs=12)
    shown.workbench.session.project.undo()
    shown.workbench.session.project.undo()
    settled(shown, qtbot)
    assert len(_picks(shown)) == 2


def test_a_pick_is_placed_on_the_slice(shown: RenderPanel, qtbot) -> None:
    with_picks(shown, qtbot)
    render.change_slice(shown.workbench.session, visible=True, index=33)
    settled(shown, qtbot)
    native = shown.space.canvas.native
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, _at(shown, (33, 55, 15)))
    settled(shown, qtbot)
    assert _picks(shown).positions_zyx[2] == pytest.approx(np.array([33.0, 55, 15]) * SIZE, abs=12)


def test_coordinates_are_shown_on_slices_before_they_become_picks(
    shown: RenderPanel, qtbot, window: MainWindow, tmp_path: Path
) -> None:
    from ais_app.core.coordinates import write_particles
    from ais_app.core.particle_set import Particles
    from ais_app.views.dialogs.coordinates_in import CoordinatesIn

    names = np.array(["TS_01", "TS_01", "TS_02"], dtype=object)
    particles = Particles(np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]) * 20, tomograms=names, voxel_size=SIZE)
    write_particles(tmp_path / "found.star", particles)
    window.open_files([tmp_path / "found.star"])
    (dialog,) = window.findChildren(CoordinatesIn)
    qtbot.waitUntil(lambda: dialog.look is not None and not dialog.busy, timeout=15_000)
    assert "found" not in shown.space.content.shown_picks  # nothing is taken before a person has seen it
    QTest.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    settled(shown, qtbot)
    assert _picks(shown).positions_zyx == pytest.approx(particles.positions_zyx[:2], abs=0.01)
    assert len(shown.space.content.shown_picks["found"].ids) == 2
