"""What the tests of the Render tab share: two balls of known size, where they are drawn, two picks beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PyQt6.QtTest import QTest

from ais_app.core.io import create_volume
from ais_app.core.probability import create_probabilities
from ais_app.state.commands import render
from ais_app.views.render.panel import RenderPanel

SHAPE = (40, 60, 80)
SIZE = 10.0  # Å
ORIGIN = (-70.0, 300.0, 1000.0)  # z y x, Å
BALL, RADIUS = (20.0, 30.0, 30.0), 12.0  # voxels; where the probability is one half
SMALL, SMALL_RADIUS = (20.0, 48.0, 66.0), 4.0


def balls() -> np.ndarray:
    """Return two balls whose probability falls by 0.1 a voxel outward, one half at their radii."""
    grid = np.indices(SHAPE, dtype=np.float32)
    found = np.zeros(SHAPE, np.float32)
    for centre, radius in ((BALL, RADIUS), (SMALL, SMALL_RADIUS)):
        away = np.sqrt(sum((grid[i] - centre[i]) ** 2 for i in range(3)))
        found = np.maximum(found, np.clip(0.5 + 0.1 * (radius - away), 0, 1))
    return found


def write_volume(path: Path, data: np.ndarray) -> Path:
    from ais_app.core.tomogram import Tomogram

    like = Tomogram(data, (SIZE,) * 3, ORIGIN)
    with create_volume(path, data.shape, np.float32, like=like) as writer:
        writer.write(0, data.astype(np.float32))
    return path


def write_probabilities(path: Path, data: np.ndarray) -> Path:
    from ais_app.core.tomogram import Tomogram

    with create_probabilities(path, data.shape, "float32", like=Tomogram(data, (SIZE,) * 3, ORIGIN)) as writer:
        writer.write(0, data)
    return path


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


def with_picks(panel: RenderPanel, qtbot) -> None:
    """Two picks beside the ball, in the hand, seen from above."""
    from ais_app.core.particle_set import Particles

    session = panel.workbench.session
    render.keep_picks(session, "mine", Particles(np.array([[30.0, 8, 8], [10.0, 50, 70]]) * SIZE), diameter=100.0)
    render.look_along(session, "z")
    settled(panel, qtbot)
    panel.picks.card("mine").edit.click()
