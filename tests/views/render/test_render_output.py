"""What the Render tab saves: pictures, films, files for other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ball_view import BALL, ORIGIN, RADIUS, SIZE, disk, middle_xyz, only_ball, settled, with_picks
from PyQt6.QtGui import QImage

from ais_app.state.commands import render
from ais_app.views.render.panel import RenderPanel
from ais_app.views.render.saving import save_picture


def test_a_picture_without_background(shown: RenderPanel, qtbot, tmp_path: Path) -> None:
    render.change_surface(shown.workbench.session, "ball", colour="#ff0000", opacity=1.0)
    render.change_scene(shown.workbench.session, bounding_box=False, axes=False)
    settled(shown, qtbot)
    before = shown.space.pane_size
    path = save_picture(shown.space, tmp_path / "scene.png", 500, 640, transparent=True)
    image = QImage(str(path))
    assert (image.width(), image.height()) == (500, 640) and image.hasAlphaChannel()
    assert image.pixelColor(2, 2).alpha() == 0
    x, y = _in_picture(shown, 500, 640)
    assert image.pixelColor(x, y).alpha() == 255 and image.pixelColor(x, y).red() > 150
    assert shown.space.pane_size == before
    render.change_surface(shown.workbench.session, "ball", opacity=0.5)
    settled(shown, qtbot)
    image = QImage(str(save_picture(shown.space, tmp_path / "scene.png", 500, 640, transparent=True)))
    assert 60 < image.pixelColor(x, y).alpha() < 255 and image.pixelColor(x, y).red() > 150
    solid = QImage(str(save_picture(shown.space, tmp_path / "solid.png", 300, 200)))
    assert not solid.hasAlphaChannel()


@pytest.mark.parametrize("size", [(1920, 1080), (1000, 1600), (240, 200)])
def test_a_picture_of_any_size_is_filled(shown: RenderPanel, qtbot, size: tuple[int, int]) -> None:
    render.change_surface(shown.workbench.session, "ball", colour="#ff0000", opacity=1.0)
    only_ball(shown, qtbot)
    render.change_scene(shown.workbench.session, bounding_box=False, axes=False, scale_bar=False)
    settled(shown, qtbot)
    drawn = shown.space.picture(*size, transparent=True)[..., 3] > 0
    centre, _ = disk(drawn)
    assert centre == pytest.approx(np.array(_in_picture(shown, *size)), abs=0.03 * min(size))


def _in_picture(panel: RenderPanel, width: int, height: int) -> tuple[int, int]:
    from ais_app.views.render.navigation import to_pixel

    x, y = to_pixel(panel.space.camera, middle_xyz(BALL)[None], (width, height))[0]
    return round(x), round(y)


def test_a_film_has_its_frames(shown: RenderPanel, qtbot, tmp_path: Path) -> None:
    handle = shown.output.filming.start(tmp_path / "turn", 64, 48, 6, 10.0)
    qtbot.waitUntil(lambda: handle.state == "done", timeout=15000)
    frames = sorted((tmp_path / "turn").iterdir())
    assert len(frames) == 6
    assert QImage(str(frames[0])) != QImage(str(frames[2]))


def test_a_film_that_is_stopped_leaves_nothing(shown: RenderPanel, qtbot, tmp_path: Path) -> None:
    handle = shown.output.filming.start(tmp_path / "turn", 64, 48, 5000, 10.0)
    qtbot.waitUntil(lambda: handle.progress.done > 0, timeout=10000)
    handle.stop()
    qtbot.waitUntil(lambda: not handle.is_active, timeout=10000)
    assert not (tmp_path / "turn").exists()


def test_files_for_other_programs(shown: RenderPanel, qtbot, tmp_path: Path) -> None:
    with_picks(shown, qtbot)
    shown.output.save_chimerax(tmp_path / "scene.cxc")
    shown.output.save_surfaces(tmp_path / "scene.obj")
    shown.output.save_coordinates(tmp_path / "picks.star", "mine", "relion5")
    qtbot.waitUntil(lambda: not shown.workbench.jobs.active, timeout=15000)
    script = (tmp_path / "scene.cxc").read_text()
    assert "TS_01__ball.mrc" in script and "level 0.5" in script and "#e69f00" in script
    vertices = [line.split()[1:4] for line in (tmp_path / "scene.obj").read_text().splitlines() if line[:2] == "v "]
    places = np.array(vertices, dtype=float)
    assert places[:, 0].min() == pytest.approx((BALL[2] - RADIUS) * SIZE + ORIGIN[2], abs=3)
    assert "rlnCenteredCoordinateXAngst" in (tmp_path / "picks.star").read_text()
