"""The Render tab in a real window: surfaces in place, sliders, what is saved, what is said."""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt, QTimer
from PyQt6.QtGui import QImage, QWheelEvent
from PyQt6.QtTest import QTest

from ais_app.core.io import create_volume
from ais_app.core.model.package import ModelCard, new_model, save_model
from ais_app.core.pickers.blobs import BlobParams
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.probability import create_probabilities
from ais_app.core.scene.surface import SurfaceSettings
from ais_app.state import scene_store
from ais_app.state.commands import models, render, tomograms
from ais_app.state.project import Project
from ais_app.views.main_window import MainWindow
from ais_app.views.render.panel import RenderPanel
from ais_app.views.render.saving import save_picture
from ais_app.views.render.space import Space
from ais_app.views.widgets.application import application
from ais_app.views.workbench import Workbench

SHAPE = (40, 60, 80)
SIZE = 10.0  # Å
ORIGIN = (-70.0, 300.0, 1000.0)  # z y x, Å
BALL, RADIUS = (20.0, 30.0, 30.0), 12.0  # voxels; where the probability is one half
SMALL, SMALL_RADIUS = (20.0, 48.0, 66.0), 4.0


def _balls() -> np.ndarray:
    """Return two balls whose probability falls by 0.1 a voxel outward, one half at their radii."""
    grid = np.indices(SHAPE, dtype=np.float32)
    found = np.zeros(SHAPE, np.float32)
    for centre, radius in ((BALL, RADIUS), (SMALL, SMALL_RADIUS)):
        away = np.sqrt(sum((grid[i] - centre[i]) ** 2 for i in range(3)))
        found = np.maximum(found, np.clip(0.5 + 0.1 * (radius - away), 0, 1))
    return found


def _volume(path: Path, data: np.ndarray) -> Path:
    from ais_app.core.tomogram import Tomogram

    like = Tomogram(data, (SIZE,) * 3, ORIGIN)
    with create_volume(path, data.shape, np.float32, like=like) as writer:
        writer.write(0, data.astype(np.float32))
    return path


def _probabilities(path: Path, data: np.ndarray) -> Path:
    from ais_app.core.tomogram import Tomogram

    with create_probabilities(path, data.shape, "float32", like=Tomogram(data, (SIZE,) * 3, ORIGIN)) as writer:
        writer.write(0, data)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tomogram, and a segmentation of it in the folder of exports."""
    folder = tmp_path_factory.mktemp("render")
    (folder / "segmented").mkdir()
    noise = np.random.default_rng(0).normal(size=SHAPE)
    for name in ("TS_01", "TS_02"):
        _volume(folder / f"{name}.mrc", noise)
    _probabilities(folder / "segmented" / "TS_01__ball.mrc", _balls())
    return folder


@pytest.fixture
def lamella(files: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "lamella"
    shutil.copytree(files, folder)
    with Project.create(folder / "lamella.aisproj") as project:
        project.add_tomogram(folder / "TS_01.mrc")
        project.add_tomogram(folder / "TS_02.mrc")
        project.add_feature("ball", "#e69f00")
    return folder / "lamella.aisproj"


@pytest.fixture(scope="module")
def window(qapp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainWindow]:
    """One window for all tests of this file; each opens a project of its own."""
    folder = tmp_path_factory.mktemp("window")
    engine = PredictionParams(engine="torch")  # OpenVINO takes seconds to take over each network
    made = MainWindow(Workbench(folder / "settings", folder / "drafts", engine))
    made.resize(1280, 800)
    made.show()
    assert QTest.qWaitForWindowExposed(made)
    yield made
    made.shut_down()
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


@pytest.fixture
def shown(window: MainWindow, lamella: Path, qtbot) -> Iterator[RenderPanel]:
    """The panel of the Render tab with the ball in space."""
    window.open_files([lamella])
    window.workbench.session.view.tab = "render"
    panel = window.tabs[3].panel
    assert isinstance(panel, RenderPanel)
    panel.picking.on.setChecked(False)
    settled(panel, qtbot)
    yield panel
    panel.output.filming.stop()
    panel.space.show()
    settled(panel, qtbot)
    window.workbench.session.close()


def settled(panel: RenderPanel, qtbot) -> None:
    """Wait until everything asked for is drawn."""
    QTest.qWait(20)
    qtbot.waitUntil(lambda: not (panel.space.busy or panel.picking.busy), timeout=15000)
    QTest.qWait(20)


def coloured(panel: RenderPanel, background: str = "#000000") -> np.ndarray:
    """Return which pixels of the canvas, (h, w), are not background, with nothing but surfaces and picks drawn."""
    session = panel.workbench.session
    render.change_scene(session, background=background, bounding_box=False, axes=False, scale_bar=False)
    QTest.qWait(20)
    picture = panel.space.picture(*panel.space.pane_size)
    return picture[..., :3].max(axis=-1) > 12


def middle_xyz(centre_zyx: tuple[float, float, float]) -> np.ndarray:
    """Return where a voxel lies in the scene."""
    return (np.array(centre_zyx) * SIZE + ORIGIN)[::-1]


def disk(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """Return centre (x, y) and radius of the largest span of a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    centre = np.array([columns[0] + columns[-1] + 1, rows[0] + rows[-1] + 1]) / 2
    return centre, (columns[-1] - columns[0] + 1 + rows[-1] - rows[0] + 1) / 4


def only_ball(panel: RenderPanel, qtbot) -> None:
    render.change_surface(panel.workbench.session, "ball", dust=2e6)
    settled(panel, qtbot)


def test_exports_are_listed_by_themselves(shown: RenderPanel, qtbot) -> None:
    session = shown.workbench.session
    assert shown.surfaces.names == ["ball"]
    assert shown.surfaces.card("ball").colour.colour == "#e69f00"
    assert "2 pieces" in shown.surfaces.card("ball").state.text()
    tomograms.show(session, session.project.tomograms[1].id)
    settled(shown, qtbot)
    assert shown.surfaces.names == []
    tomograms.show(session, session.project.tomograms[0].id)
    settled(shown, qtbot)
    assert shown.surfaces.names == ["ball"]


@pytest.mark.parametrize("axis", ["z", "x"])
@pytest.mark.parametrize("degrees", [0.0, 30.0])
def test_a_surface_is_where_its_header_says(shown: RenderPanel, qtbot, axis: str, degrees: float) -> None:
    only_ball(shown, qtbot)
    render.look_along(shown.workbench.session, axis)
    render.set_perspective(shown.workbench.session, degrees)
    settled(shown, qtbot)
    centre, radius = disk(coloured(shown))
    expected = shown.space.to_pixel(middle_xyz(BALL)[None])[0]
    scale = min(shown.space.pane_size) / shown.space.camera.extent
    assert centre == pytest.approx(expected, abs=2 if not degrees else 4)
    if not degrees:
        assert radius == pytest.approx(RADIUS * SIZE * scale, rel=0.03)


def test_y_is_up_and_x_to_the_right_from_above(shown: RenderPanel, qtbot) -> None:
    render.look_along(shown.workbench.session, "z")
    settled(shown, qtbot)
    places = shown.space.to_pixel(np.array([middle_xyz((0, 0, 0)), middle_xyz((0, 10, 0)), middle_xyz((0, 0, 10))]))
    assert places[1][1] < places[0][1] and places[2][0] > places[0][0]


def test_the_level_changes_the_radius(shown: RenderPanel, qtbot) -> None:
    only_ball(shown, qtbot)
    render.look_along(shown.workbench.session, "z")
    scale = min(shown.space.pane_size) / shown.space.camera.extent
    for level, radius in ((0.2, 15.0), (0.8, 9.0)):
        shown.surfaces.card("ball").level.slider.setValue(level)
        settled(shown, qtbot)
        scale = min(shown.space.pane_size) / shown.space.camera.extent
        assert disk(coloured(shown))[1] == pytest.approx(radius * SIZE * scale, rel=0.04)


def test_dust_hides_the_small_ball_without_another_mesh(shown: RenderPanel, qtbot) -> None:
    card, layer = shown.surfaces.card("ball"), shown.space.content.surfaces["ball"]
    before, levels = layer.shown_faces, layer.levels
    small = 4 / 3 * np.pi * (SMALL_RADIUS * SIZE / 10) ** 3  # nm³
    card.dust.field.setValue(2 * small)
    settled(shown, qtbot)
    assert layer.levels is levels and 0 < layer.shown_faces < before
    assert "1 of 2 pieces" in card.state.text()
    card.dust.field.setValue(small / 2)
    settled(shown, qtbot)
    assert layer.shown_faces == before


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


def _with_picks(panel: RenderPanel, qtbot) -> None:
    """Two picks beside the ball, in the hand, seen from above."""
    from ais_app.core.particle_set import Particles

    session = panel.workbench.session
    render.keep_picks(session, "mine", Particles(np.array([[30.0, 8, 8], [10.0, 50, 70]]) * SIZE), diameter=100.0)
    render.look_along(session, "z")
    settled(panel, qtbot)
    panel.picks.card("mine").edit.click()


def _at(panel: RenderPanel, zyx: tuple[float, float, float]) -> QPoint:
    return QPointF(*panel.space.to_pixel(middle_xyz(zyx)[None])[0]).toPoint()


def _picks(panel: RenderPanel):
    session = panel.workbench.session
    return session.project.pick_store(session.project.picks(session.view.tomogram)[0]).read()


def test_picks_are_edited_with_the_mouse(shown: RenderPanel, qtbot) -> None:
    _with_picks(shown, qtbot)
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
    _with_picks(shown, qtbot)
    render.change_slice(shown.workbench.session, visible=True, index=33)
    settled(shown, qtbot)
    native = shown.space.canvas.native
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, _at(shown, (33, 55, 15)))
    settled(shown, qtbot)
    assert _picks(shown).positions_zyx[2] == pytest.approx(np.array([33.0, 55, 15]) * SIZE, abs=12)


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
    _with_picks(shown, qtbot)
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


def test_removed_surfaces_stay_out_until_added(shown: RenderPanel, qtbot, lamella: Path) -> None:
    QTest.mouseClick(shown.surfaces.card("ball").remove, Qt.MouseButton.LeftButton)
    settled(shown, qtbot)
    assert shown.surfaces.names == []
    assert shown.take_file(lamella.parent / "segmented" / "TS_01__ball.mrc")
    settled(shown, qtbot)
    assert shown.surfaces.names == ["ball"]


def _messages(panel: RenderPanel) -> list[str]:
    said: list[str] = []
    panel.workbench.notified.connect(lambda note: said.append(note.text))
    return said


def test_bad_volumes_are_told_once(shown: RenderPanel, qtbot, window: MainWindow, tmp_path: Path) -> None:
    said = _messages(shown)
    broken = tmp_path / "broken.mrc"
    broken.write_bytes(b"nothing")
    window.open_files([broken])
    assert len(said) == 1 and "broken.mrc" in said[0] and shown.surfaces.names == ["ball"]
    other = _probabilities(tmp_path / "other.mrc", np.zeros((20, 20, 20), np.float32))
    window.open_files([other])
    settled(shown, qtbot)
    assert len(said) == 2 and "other.mrc covers 20 × 20 × 20 nm (x y z), the tomogram 80 × 60 × 40 nm" in said[1]
    assert "nothing reaches this level" in shown.surfaces.card("other").state.text()
    grey = _volume(tmp_path / "grey.mrc", np.random.default_rng(0).normal(size=SHAPE) * 100)
    window.open_files([grey])
    settled(shown, qtbot)
    render.change_surface(shown.workbench.session, "grey", opacity=0.5)
    settled(shown, qtbot)
    assert len(said) == 3 and "grey.mrc" in said[2]
    assert "grey.mrc" in shown.surfaces.card("grey").state.text()


def test_a_prediction_becomes_a_surface(shown: RenderPanel, qtbot, tmp_path: Path) -> None:
    network = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=SIZE))
    models.add(shown.workbench.session, save_model(network, tmp_path / "membrane.aismodel"))
    shown.predicted.binning.field.setValue(4)
    QTest.mouseClick(shown.predicted.predict, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not shown.predicted.handle.is_active, timeout=30000)
    settled(shown, qtbot)
    assert shown.predicted.handle.state == "done"
    volume = shown.space.content.predictions["membrane (live)"]
    assert volume.shape == (10, 15, 20) and volume.voxel_size_zyx == (40.0,) * 3
    assert volume.origin_zyx == pytest.approx(np.array(ORIGIN) + 15)
    assert shown.surfaces.names == ["ball", "membrane (live)"]


def test_volumes_belong_to_other_tabs_otherwise(shown: RenderPanel, lamella: Path) -> None:
    shown.workbench.session.view.tab = "annotate"
    assert not shown.take_file(lamella.parent / "segmented" / "TS_01__ball.mrc")


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


def test_what_is_behind_shines_through_from_every_side(shown: RenderPanel, qtbot) -> None:
    """A clear shell around the ball, made after it and before it: drawn last, it tints the ball all the same."""
    session = shown.workbench.session
    grid = np.indices(SHAPE, dtype=np.float32)
    away = np.sqrt(sum((grid[i] - BALL[i]) ** 2 for i in range(3)))
    folder = Path(session.folder()) / "segmented"
    beside = np.clip(0.5 + 0.1 * (4 - np.abs(grid[2] - 70)), 0, 1)  # a wall beside the ball
    _probabilities(folder / "TS_01__a shell.mrc", np.clip(0.5 + 0.1 * (17 - away), 0, 1))
    _probabilities(folder / "TS_01__wall.mrc", beside.astype(np.float32))
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


def test_the_window_answers_while_surfaces_are_made(shown: RenderPanel, qtbot) -> None:
    big = np.random.default_rng(1).random((96, 128, 128), dtype=np.float32)
    path = _probabilities(Path(shown.workbench.session.folder()) / "segmented" / "TS_01__noise.mrc", big)
    shown.space.hide()  # drawing is measured elsewhere
    worst, last = 0.0, time.perf_counter()

    def tick() -> None:
        nonlocal worst, last
        now = time.perf_counter()
        worst, last = max(worst, now - last), now

    render.refresh(shown.workbench.session)
    render.change_surface(shown.workbench.session, "noise", level=0.999)
    settled(shown, qtbot)
    timer = QTimer()
    timer.timeout.connect(tick)
    last = time.perf_counter()
    timer.start(1)
    for level in (0.95, 0.94, 0.96):
        render.change_surface(shown.workbench.session, "noise", level=level)
        QTest.qWait(40)
    qtbot.waitUntil(lambda: not shown.space.busy, timeout=20000)
    timer.stop()
    assert path.exists() and shown.space.content.surfaces["noise"].levels.settings.level == pytest.approx(0.96)
    assert worst < 0.25  # twice what is promised, times what a machine shared with others adds


def test_settings_of_a_feature_are_those_of_the_last_tomogram(shown: RenderPanel, qtbot, lamella: Path) -> None:
    session = shown.workbench.session
    render.change_surface(session, "ball", level=0.7, colour="#aa00aa")
    settled(shown, qtbot)
    shutil.copy(lamella.parent / "segmented" / "TS_01__ball.mrc", lamella.parent / "segmented" / "TS_02__ball.mrc")
    tomograms.show(session, session.project.tomograms[1].id)
    settled(shown, qtbot)
    surface = shown.space.scene.surfaces[0]
    assert surface.settings == SurfaceSettings(level=0.7, colour="#aa00aa")
    assert isinstance(shown.space, Space)
