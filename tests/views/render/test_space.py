"""The space of the Render tab: the mouse turns it, what is drawn in it, and how it comes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ball_view import BALL, SHAPE, coloured, middle_xyz, only_ball, settled, write_probabilities
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtTest import QTest

from ais_app.state import scene_store
from ais_app.state.commands import render
from ais_app.views.main_window import MainWindow
from ais_app.views.render.panel import RenderPanel
from ais_app.views.widgets.application import application


def _wheel(panel: RenderPanel, notches: int, modifiers: Qt.KeyboardModifier) -> None:
    native, where = panel.space.canvas.native, QPointF(200, 200)
    event = QWheelEvent(where, QPointF(native.mapToGlobal(where.toPoint())), QPoint(), QPoint(0, 120 * notches),
                        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    application().sendEvent(native, event)


def test_wheel_zooms_and_with_shift_moves_the_slice(shown: RenderPanel, qtbot) -> None:
    extent = shown.space.camera.extent
    _wheel(shown, 2, Qt.KeyboardModifier.NoModifier)
    assert shown.space.camera.extent == pytest.approx(extent / 1.15**2)
    render.change_slice(shown.workbench.session, visible=True, index=10)
    settled(shown, qtbot)
    _wheel(shown, 3, Qt.KeyboardModifier.ShiftModifier)
    settled(shown, qtbot)
    assert shown.space.scene.slices[0].index == 13 == shown.space.content.slice.shown.index


def test_a_drag_turns_and_comes_to_rest(shown: RenderPanel, qtbot) -> None:
    native, none = shown.space.canvas.native, Qt.KeyboardModifier.NoModifier
    azimuth, layer = shown.space.camera.azimuth, shown.space.content.surfaces["ball"]
    full = layer.shown_faces
    QTest.mousePress(native, Qt.MouseButton.LeftButton, none, QPoint(200, 200))
    QTest.mouseMove(native, QPoint(250, 200))
    assert shown.space.is_moving and shown.space.camera.azimuth == pytest.approx(azimuth - 20)
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, none, QPoint(250, 200))
    qtbot.waitUntil(lambda: not shown.space.is_moving, timeout=2000)
    settled(shown, qtbot)
    assert layer.shown_faces == full
    assert scene_store.scene_of(shown.workbench.session).camera.azimuth == pytest.approx(azimuth - 20)
    QTest.keyClick(native, Qt.Key.Key_Home)
    settled(shown, qtbot)
    assert shown.space.camera.azimuth == pytest.approx(scene_store.START.azimuth)


def test_clipping_hides_one_half(shown: RenderPanel, qtbot) -> None:
    only_ball(shown, qtbot)
    render.look_along(shown.workbench.session, "z")
    render.clip(shown.workbench.session, "x", (BALL[2] + 0.5) / SHAPE[2])
    settled(shown, qtbot)
    columns = np.flatnonzero(coloured(shown).any(axis=0))
    middle = shown.space.to_pixel(middle_xyz(BALL)[None])[0][0]
    assert columns[-1] == pytest.approx(middle, abs=2) and columns[0] < middle - 20


def test_volume_and_slice_are_drawn(shown: RenderPanel, qtbot) -> None:
    session = shown.workbench.session
    render.change_surface(session, "ball", visible=False)
    settled(shown, qtbot)
    assert not coloured(shown).any()
    render.change_slice(session, visible=True)
    settled(shown, qtbot)
    assert coloured(shown).sum() > 1000
    render.change_slice(session, visible=False)
    render.change_volume(session, visible=True)
    settled(shown, qtbot)
    assert shown.space.content.volume.is_shown and coloured(shown).sum() > 1000


def test_what_is_behind_shines_through_from_every_side(shown: RenderPanel, qtbot) -> None:
    """A clear shell around the ball, made after it and before it: drawn last, it tints the ball all the same."""
    session = shown.workbench.session
    grid = np.indices(SHAPE, dtype=np.float32)
    away = np.sqrt(sum((grid[i] - BALL[i]) ** 2 for i in range(3)))
    folder = Path(session.folder()) / "segmented"
    beside = np.clip(0.5 + 0.1 * (4 - np.abs(grid[2] - 70)), 0, 1)  # a wall beside the ball
    write_probabilities(folder / "TS_01__a shell.mrc", np.clip(0.5 + 0.1 * (17 - away), 0, 1))
    write_probabilities(folder / "TS_01__wall.mrc", beside.astype(np.float32))
    render.refresh(session)
    render.change_surface(session, "ball", colour="#00ff00", opacity=0.5, dust=2e6)  # without the small ball
    render.change_surface(session, "a shell", colour="#ff0000", opacity=0.5)
    render.change_surface(session, "wall", colour="#0000ff", opacity=0.5)
    settled(shown, qtbot)

    def order() -> list[str]:
        return sorted(["ball", "a shell", "wall"], key=lambda name: shown.space.content.surfaces[name].node.order)

    for axis in "xyz":
        render.look_along(session, axis)
        settled(shown, qtbot)
        assert order().index("ball") < order().index("a shell"), axis
    render.look_along(session, "x")  # from the side of the wall
    settled(shown, qtbot)
    assert order()[-1] == "wall"
    picture = shown.space.picture(*shown.space.pane_size)
    column, row = np.rint(shown.space.to_pixel(middle_xyz(BALL)[None])[0]).astype(int)
    red, green, blue = picture[row, column, :3].astype(int)
    assert blue > red > green  # the wall last, then the shell, then the ball within it
    render.change_surface(session, "wall", opacity=1.0)  # what is opaque comes first
    settled(shown, qtbot)
    assert order()[0] == "wall"


def test_scale_bar_and_axes_are_at_the_edge_whenever_it_is_drawn(shown: RenderPanel, qtbot, window: MainWindow) -> None:
    space, drawn = shown.space, []

    def note(_: object) -> None:
        drawn.append((space.overlays.pane, space.pane_size))

    space.canvas.events.draw.connect(note, position="last")
    bar = window._bar
    for _ in range(3):
        for tab in (2, 3):  # Export takes room for its queue below
            QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(tab).center())
            settled(shown, qtbot)
    space.canvas.events.draw.disconnect(note)
    assert drawn and all(placed == size for placed, size in drawn)
    assert space.overlays.pane == space.pane_size


def test_the_scene_comes_back(shown: RenderPanel, qtbot, lamella: Path, window: MainWindow) -> None:
    session = shown.workbench.session
    render.change_surface(session, "ball", level=0.35, colour="#123456", opacity=0.5)
    render.change_scene(session, background="#ffffff")
    render.look_along(session, "x")
    settled(shown, qtbot)
    before = scene_store.scene_of(session)
    session.close()
    settled(shown, qtbot)
    assert shown.surfaces.names == []
    window.open_files([lamella])
    settled(shown, qtbot)
    assert scene_store.scene_of(session) == before
    assert shown.surfaces.card("ball").level.value() == pytest.approx(0.35)
    assert shown.space.camera == before.camera
