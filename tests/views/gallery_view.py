"""The gallery of the Particles tab in tests: small projects, real mouse."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QWidget

from ais_app.core.particle_set import Particles
from ais_app.state.project import Project
from ais_app.views.main_window import MainWindow
from ais_app.views.particles.area import ParticleArea
from ais_app.views.particles.grid import TileGrid
from ais_app.views.particles.panel import ParticlesPanel
from ais_app.views.widgets.application import application

LEFT = Qt.MouseButton.LeftButton
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
WAIT = 120_000  # ms: for a busy machine
SHAPE, SIZE = (32, 120, 112), 10.0


def make_project(
    folder: Path, picks: Particles | None, volume: np.ndarray | None = None, radius: float = 100.0
) -> Path:
    """Write a project of one tomogram, of noise where no volume is given, with one set of picks."""
    data = np.random.default_rng(0).normal(size=SHAPE) if volume is None else volume
    with mrcfile.new(folder / "noise.mrc", overwrite=True) as file:
        file.set_data(data.astype(np.float32))
        file.voxel_size = SIZE
    path = folder / "noise.aisproj"
    with Project.create(path) as made:
        entry = made.add_tomogram(folder / "noise.mrc")
        made.add_feature("membrane")
        made.add_feature("ribosome")
        if picks is not None:
            made.add_picks(entry, "found", picks, feature="ribosome", radius=radius)
    return path


def grid_of(window: MainWindow) -> TileGrid:
    area = window.tabs[4].data
    assert isinstance(area, ParticleArea)
    return area.grid


def panel_of(window: MainWindow) -> ParticlesPanel:
    panel = window.tabs[4].panel
    assert isinstance(panel, ParticlesPanel)
    return panel


def show(window: MainWindow, qtbot) -> None:
    """Bring the tab to the front, by its key, and wait for the tiles."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.slices.panes["z"].native, Qt.Key.Key_5, CTRL)
    grid = grid_of(window)
    qtbot.waitUntil(lambda: grid.isVisible() and len(grid.gallery.order) > 0, timeout=WAIT)
    settle(window, qtbot)


def settle(window: MainWindow, qtbot) -> None:
    """Wait until all tiles are made, and what is shown is in step."""
    area = window.tabs[4].data
    assert isinstance(area, ParticleArea)
    count = len(area.grid.gallery.table)
    qtbot.waitUntil(lambda: len(area.tiles.state) == count and bool((area.tiles.state > 0).all()), timeout=WAIT)
    qtbot.waitUntil(lambda: not area.tiles.busy, timeout=WAIT)


def place_at_rest(widget: QWidget) -> QPoint:
    """Return where a widget is once nothing moves it any more."""
    place, same = widget.pos(), 0
    while same < 8:
        QTest.qWait(40)
        same = same + 1 if widget.pos() == place else 0
        place = widget.pos()
    return place


def rows(window: MainWindow) -> list[int]:
    return window.workbench.session.gallery.rows.tolist()


def click(grid: TileGrid, row: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.mouseClick(grid.viewport(), LEFT, modifiers, grid.place_of(row).center())


def drag(widget, points: list[QPoint], modifiers=Qt.KeyboardModifier.NoModifier, pause: int = 0) -> None:
    """Press at the first point, move through the others with milliseconds in between, release at the last."""
    QTest.mousePress(widget, LEFT, modifiers, points[0])
    for point in points[1:]:
        where = QPointF(point)
        glob = QPointF(widget.mapToGlobal(point))
        move = QMouseEvent(QEvent.Type.MouseMove, where, glob, Qt.MouseButton.NoButton, LEFT, modifiers)
        application().sendEvent(widget, move)
        if pause:
            QTest.qWait(pause)
    QTest.mouseRelease(widget, LEFT, modifiers, points[-1])
