"""Three pictures as they should look: labels and boxes on a slice, three linked planes, a surface with picks.

A picture that differs is written beside the test's other files; look at it, and if it is right, put it in place of the
one in tests/data/golden.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtGui import QImage
from PyQt6.QtTest import QTest

import ais_app
from ais_app.core.annotation import brush
from ais_app.core.annotation.labels import IGNORE
from ais_app.core.io import write_volume
from ais_app.core.probability import create_probabilities
from ais_app.core.tomogram import Tomogram
from ais_app.state.commands import render
from ais_app.state.project import Project
from ais_app.views.main_window import MainWindow
from ais_app.views.render.panel import RenderPanel

GOLDEN = Path(__file__).parent.parent / "data" / "golden"
SHAPE, SIZE = (40, 90, 120), (10.0, 10.0, 10.0)
CENTRES, RADIUS = ((20, 30, 35), (22, 60, 90)), 14.0  # voxels

# Drivers round differently and fonts have other edges: most of a picture is the same, none of it is far away.
MEAN, FAR, FEW = 4.0, 40, 0.02  # mean difference; what counts as far (both of 255); share of pixels that may be


def balls() -> np.ndarray:
    """Return 1 in the middle of two balls, falling to 0 outside, (z, y, x)."""
    grid = np.indices(SHAPE, dtype=np.float32)
    away = [np.sqrt(sum((grid[i] - centre[i]) ** 2 for i in range(3))) for centre in CENTRES]
    return np.clip(0.5 + 0.1 * (RADIUS - np.minimum(*away)), 0, 1).astype(np.float32)


@pytest.fixture
def opened(window: MainWindow, tmp_path: Path, qtbot) -> MainWindow:
    """The window with two balls in a tomogram that gets brighter along x, one of them painted."""
    ramp = np.linspace(0, 0.5, SHAPE[2], dtype=np.float32)
    write_volume(tmp_path / "balls.mrc", ramp - balls(), like=Tomogram(balls(), SIZE))
    with Project.create(tmp_path / "golden.aisproj") as project:
        entry = project.add_tomogram(tmp_path / "balls.mrc")
        project.add_feature("ball", "#e69f00")
        labels = project.labels(entry, "ball")
        labels.apply(brush.disk(labels, [CENTRES[0]], 12))
        labels.apply(brush.disk(labels, [(20, 60, 90), (20, 60, 105)], 3, label=IGNORE))
        project.add_boxes(entry, "ball", [ais_app.Box((20, 30, 35)), ais_app.Box((20, 60, 90))])
    window.open_files([tmp_path / "golden.aisproj"])
    window.workbench.session.view.z = 20
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index == 20, timeout=10_000)
    return window


def framed(window: MainWindow) -> None:
    """Give the slices a size of their own, whatever the window's, and show all of them."""
    window.slices.setFixedSize(640, 560)
    QTest.qWait(100)
    window.slices.fit()
    QTest.qWait(100)


def compare(name: str, picture: np.ndarray, folder: Path) -> None:
    """Compare a picture, (h, w, 3 or 4) uint8, with the golden one at half its size."""
    half = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2, :3].astype(np.float32)
    half = half.reshape(half.shape[0] // 2, 2, half.shape[1] // 2, 2, 3).mean(axis=(1, 3))
    seen = np.ascontiguousarray(half.round().astype(np.uint8))
    written = folder / f"{name}.png"
    QImage(seen.data, seen.shape[1], seen.shape[0], 3 * seen.shape[1], QImage.Format.Format_RGB888).save(str(written))
    golden = QImage(str(GOLDEN / f"{name}.png")).convertToFormat(QImage.Format.Format_RGB888)
    assert not golden.isNull(), f"there is no golden picture yet; look at {written}"
    bits = golden.constBits()
    assert bits is not None
    rows = np.frombuffer(bits.asarray(golden.sizeInBytes()), np.uint8).reshape(golden.height(), golden.bytesPerLine())
    wanted = rows[:, : 3 * golden.width()].reshape(golden.height(), golden.width(), 3).astype(np.float32)
    assert seen.shape == wanted.shape, f"another size than the golden one: {written}"
    apart = np.abs(seen - wanted)
    assert apart.mean() < MEAN, f"differs by {apart.mean():.1f} of 255 in the mean: {written}"
    assert (apart.max(axis=2) > FAR).mean() < FEW, f"differs in {(apart.max(axis=2) > FAR).mean():.1%}: {written}"


def test_labels_ignored_voxels_and_boxes_on_a_slice(opened, tmp_path):
    framed(opened)
    compare("slice", opened.slices.panes["z"].canvas.render(), tmp_path)


def test_three_planes_share_their_scale_and_place(opened, tmp_path, qtbot):
    opened.workbench.session.view.planes = "xyz"
    qtbot.waitUntil(lambda: all(pane.shown_index is not None for pane in opened.slices.panes.values()), timeout=10_000)
    framed(opened)
    panes = opened.slices.panes
    for axis in "yx":
        compare(f"plane_{axis}", panes[axis].canvas.render(), tmp_path)
    opened.slices.setFixedSize(900, 700)
    QTest.qWait(100)
    fitted = panes["z"].camera.fitted(SHAPE[2], SHAPE[1], panes["z"].pane_size)
    assert panes["z"].is_fitted and {pane.camera.scale for pane in panes.values()} == {fitted.scale}


def test_a_surface_with_its_box_and_scale_bar(opened, tmp_path, qtbot):
    folder = Path(opened.workbench.session.folder()) / "segmented"
    folder.mkdir()
    with create_probabilities(folder / "balls__ball.mrc", SHAPE, "float32", like=Tomogram(balls(), SIZE)) as writer:
        writer.write(0, balls())
    opened.workbench.session.view.tab = "render"
    panel = opened.tabs[3].panel
    assert isinstance(panel, RenderPanel)
    render.refresh(opened.workbench.session)
    qtbot.waitUntil(lambda: panel.surfaces.names == ["ball"], timeout=30_000)
    qtbot.waitUntil(lambda: not (panel.space.busy or panel.picking.busy), timeout=60_000)
    QTest.qWait(50)
    compare("surface", panel.space.picture(640, 480), tmp_path)
