"""Another tomogram, or another project, comes into view in the Render tab: nothing of the one before goes along."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from ball_view import SHAPE, SIZE, balls, settled, write_probabilities, write_volume
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from ais_app.core.jobs import Progress
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model, save_model
from ais_app.core.particle_set import Particles
from ais_app.core.pickers.blobs import BlobParams
from ais_app.core.prediction import region_job
from ais_app.state import scene_store as store
from ais_app.state.commands import models, projects, render, tomograms
from ais_app.state.project import Project
from ais_app.views.render.panel import RenderPanel
from ais_app.workers.rendering import Volumes

PLACES = np.array([[200.0, 300, 100], [200.0, 300, 300], [200.0, 300, 500]])


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch):
    """Volumes of surfaces are read once this is set."""
    gate, read = threading.Event(), Volumes.get
    gate.set()

    def get(volumes: Volumes, source: object) -> object:
        gate.wait(30)
        return read(volumes, source)

    monkeypatch.setattr(Volumes, "get", get)
    yield gate
    gate.set()


def test_picks_are_kept_of_the_tomogram_that_they_were_found_in(shown: RenderPanel, lamella: Path, held, qtbot) -> None:
    session, picking = shown.workbench.session, shown.picking
    first, second = session.project.tomograms
    write_probabilities(lamella.parent / "segmented" / "TS_02__ball.mrc", np.roll(balls(), 2, axis=1))
    picking.set_params(BlobParams(threshold=0.5))
    picking.on.setChecked(True)
    settled(shown, qtbot)
    before = picking.particles.positions_zyx
    held.clear()
    session.view.tomogram = second.id
    assert not picking.keep.isEnabled()  # at once
    qtbot.waitUntil(lambda: picking.busy, timeout=15000)
    assert picking.source.currentText() == "ball" and not picking.keep.isEnabled()
    QTest.mouseClick(picking.keep, Qt.MouseButton.LeftButton)
    held.set()
    settled(shown, qtbot)
    assert not session.project.pick_sets
    QTest.mouseClick(picking.keep, Qt.MouseButton.LeftButton)
    (kept,) = session.project.pick_sets
    assert kept.tomogram == second.id
    moved = session.project.pick_store(kept).read().positions_zyx - before
    assert moved == pytest.approx(np.tile([0.0, 20, 0], (2, 1)), abs=2)
    picking.on.setChecked(False)


def test_the_picks_of_another_surface_are_not_kept_as_those_of_this_one(
    shown: RenderPanel, lamella: Path, held, qtbot
) -> None:
    session, picking = shown.workbench.session, shown.picking
    write_probabilities(lamella.parent / "segmented" / "TS_01__other.mrc", np.roll(balls(), 2, axis=1))
    shown.space._list_later()
    settled(shown, qtbot)
    picking.source.setCurrentText("ball")
    picking.set_params(BlobParams(threshold=0.5))
    picking.on.setChecked(True)
    settled(shown, qtbot)
    held.clear()
    picking.source.setCurrentText("other")
    assert picking.particles is None and not picking.keep.isEnabled()
    held.set()
    settled(shown, qtbot)
    assert picking.particles is not None and not session.project.pick_sets
    picking.on.setChecked(False)


def test_picks_that_nobody_chose_are_not_deleted(shown: RenderPanel, qtbot) -> None:
    session, editor = shown.workbench.session, shown.editor
    for number, entry in enumerate(session.project.tomograms):
        session.project.add_picks(entry, "ribosomes", Particles(PLACES + 50 * number), radius=50.0)
    settled(shown, qtbot)
    editor.edit("ribosomes")
    editor.select(frozenset({0, 1}))
    settled(shown, qtbot)
    session.view.tomogram = session.project.tomograms[1].id
    settled(shown, qtbot)
    assert editor.name == "ribosomes" and not editor.selected
    QTest.keyClick(shown.space.canvas.native, Qt.Key.Key_Delete)
    settled(shown, qtbot)
    assert [each.count for each in session.project.pick_sets] == [3, 3]
    editor.select(frozenset({2}))
    session.close()
    assert not editor.name and not editor.selected


@pytest.fixture
def halves(tmp_path: Path) -> dict[str, Path]:
    """Two projects of a tomogram each; one is bright on the left, the other on the right."""
    found = {}
    for name, bright in (("left", np.s_[..., : SHAPE[2] // 2]), ("right", np.s_[..., SHAPE[2] // 2 :])):
        data = np.random.default_rng(0).normal(size=SHAPE)
        data[bright] += 20
        found[name] = tmp_path / name / "project.aisproj"
        found[name].parent.mkdir()
        with Project.create(found[name]) as project:
            project.add_tomogram(write_volume(found[name].with_name("TS_01.mrc"), data))
    return found


def brightness(panel: RenderPanel) -> list[float]:
    """Return how bright the picture is left and right of its middle."""
    grey = panel.space.picture(200, 150)[..., :3].mean(axis=-1)
    return [float(grey[:, :100].mean()), float(grey[:, 100:].mean())]


@pytest.mark.parametrize("what", ["slice", "volume"])
def test_the_tomogram_of_another_project_is_its_own(shown: RenderPanel, halves, what: str, qtbot) -> None:
    session = shown.workbench.session

    def look() -> list[float]:
        session.view.tab = "render"
        (render.change_slice if what == "slice" else render.change_volume)(session, visible=True)
        render.look_along(session, "z")
        settled(shown, qtbot)
        return brightness(shown)

    projects.open_project(session, halves["left"])
    before = look()
    projects.open_project(session, halves["right"])
    now = look()
    dark, bright = sorted(before)
    assert bright > 2 * dark  # what is dense may be the one or the other
    assert now == pytest.approx(before[::-1], abs=5)


@pytest.mark.parametrize("what", ["slice", "volume"])
def test_another_voxel_size_is_drawn_at_once(shown: RenderPanel, halves, what: str, qtbot) -> None:
    session = shown.workbench.session
    projects.open_project(session, halves["left"])
    session.view.tab = "render"
    (render.change_slice if what == "slice" else render.change_volume)(session, visible=True)
    render.change_scene(session, background="#000000", bounding_box=False, axes=False, scale_bar=False)
    render.look_along(session, "z")

    def seen() -> float:
        """Width over height of what is drawn, which is seen whole."""
        settled(shown, qtbot)
        mask = shown.space.picture(*shown.space.pane_size)[..., :3].max(axis=-1) > 12
        high, wide = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        assert high[0] > 0 and wide[0] > 0 and high[-1] < mask.shape[0] - 1 and wide[-1] < mask.shape[1] - 1
        return (np.ptp(wide) + 1) / (np.ptp(high) + 1)

    before = seen()
    tomograms.set_voxel_size(session, session.view.tomogram, (SIZE, SIZE / 2, SIZE / 8))
    assert seen() == pytest.approx(before / 4, rel=0.05)
    session.project.undo()
    assert seen() == pytest.approx(before, rel=0.02)


def test_a_clipping_plane_stays_where_it_is_in_the_tomogram(shown: RenderPanel, halves, qtbot) -> None:
    session = shown.workbench.session
    projects.open_project(session, halves["left"])
    session.view.tab = "render"
    render.clip(session, "x", 0.25)
    tomograms.set_voxel_size(session, session.view.tomogram, (SIZE, SIZE, SIZE / 4))
    settled(shown, qtbot)
    (plane,), (low, high) = store.scene_of(session).clip_planes, store.box_of(store.scene_of(session))
    assert high[0] - low[0] == pytest.approx(SHAPE[2] * SIZE / 4)
    assert (plane.point_xyz[0] - low[0]) / (high[0] - low[0]) == pytest.approx(0.25)


def test_a_volume_that_cannot_be_read_leaves_none_of_the_one_before(shown: RenderPanel, halves, qtbot) -> None:
    session = shown.workbench.session
    projects.open_project(session, halves["left"])
    session.view.tab = "render"
    render.change_volume(session, visible=True)
    settled(shown, qtbot)
    assert shown.space.content.volume.is_shown
    kept = session.project.display("scene:1")
    session.close()
    with Project.open(halves["right"]) as other:
        other.set_display("scene:1", kept)
    halves["right"].with_name("TS_01.mrc").unlink()
    projects.open_project(session, halves["right"])
    settled(shown, qtbot)
    assert store.scene_of(session).volumes[0].visible and not shown.space.content.volume.is_shown


def test_a_prediction_stays_out_of_another_project(shown: RenderPanel, halves, tmp_path, qtbot, monkeypatch) -> None:
    session, gate, predict = shown.workbench.session, threading.Event(), region_job.predict_region_job

    def later(*arguments, **options):
        while not gate.wait(0.02):
            yield Progress(0, 1, "waiting")
        return (yield from predict(*arguments, **options))

    monkeypatch.setattr(region_job, "predict_region_job", later)
    network = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=10.0))
    models.add(session, save_model(network, tmp_path / "membrane.aismodel"))
    shown.predicted.binning.field.setValue(8)
    QTest.mouseClick(shown.predicted.predict, Qt.MouseButton.LeftButton)
    assert session.view.tomogram == 1
    projects.open_project(session, halves["left"])
    assert session.view.tomogram == 1
    gate.set()
    qtbot.waitUntil(lambda: not shown.predicted.handle.is_active, timeout=30000)
    settled(shown, qtbot)
    assert shown.predicted.handle.state == "done"
    assert not store.scene_of(session).surfaces and not shown.space.content.predictions


@pytest.mark.parametrize("what", ["tomogram", "project"])
def test_a_film_is_of_one_tomogram(shown: RenderPanel, halves, what: str, qtbot, tmp_path: Path) -> None:
    session, said = shown.workbench.session, []
    shown.workbench.notified.connect(lambda note: said.append(note.text))
    handle = shown.output.filming.start(tmp_path / "turn", 64, 48, 400, 10.0)
    qtbot.waitUntil(lambda: handle.progress.done > 0, timeout=10000)
    if what == "tomogram":
        session.view.tomogram = session.project.tomograms[1].id
    else:
        projects.open_project(session, halves["left"])
    qtbot.waitUntil(lambda: not handle.is_active, timeout=30000)
    assert handle.state == "cancelled" and not (tmp_path / "turn").exists()
    assert sum("another tomogram" in words for words in said) == 1


def test_a_film_whose_frames_are_drawn_is_finished(shown: RenderPanel, qtbot, tmp_path: Path) -> None:
    session, drawn = shown.workbench.session, []
    picture = shown.space.picture

    def draw(*arguments, **options):
        drawn.append(shown.space.scene.tomogram)
        return picture(*arguments, **options)

    shown.space.picture = draw
    handle = shown.output.filming.start(tmp_path / "turn", 64, 48, 3, 10.0)
    qtbot.waitUntil(lambda: len(drawn) == 3, timeout=10000)
    del shown.space.picture
    session.view.tomogram = session.project.tomograms[1].id
    qtbot.waitUntil(lambda: not handle.is_active, timeout=30000)
    assert handle.state == "done" and len(list((tmp_path / "turn").iterdir())) == 3 and set(drawn) == {"TS_01"}
