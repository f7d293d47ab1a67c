"""What the tests of the slice view share: an area of its own, a tomogram with a known value in each voxel, pixels."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent, QWheelEvent

from ais_app.core.io import write_volume
from ais_app.core.tomogram import Tomogram
from ais_app.state.project import Project
from ais_app.state.view_state import ViewState
from ais_app.views.slices.area import SliceArea
from ais_app.views.slices.pane import SlicePane
from ais_app.views.theme import DARK, apply_theme
from ais_app.views.widgets.application import application
from ais_app.views.workbench import Workbench

SIZE = (520, 440)  # px
SHAPE = (24, 61, 83)  # no two lengths alike, none a multiple of four
NO_BUTTON, LEFT, MIDDLE = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
NONE, CONTROL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


def known_volume(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Return a volume in which every voxel has a grey value of its own plane by plane: z is the coarsest digit."""
    z, y, x = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape), indexing="ij")
    return (1000 * z + 5 * y + x).astype(np.float32)


def make_project(folder: Path, *volumes: np.ndarray, voxel_size: float | None = 10.0) -> Path:
    """Write volumes as TS_1.mrc, TS_2.mrc … and a project of them with the features membrane and ribosome."""
    path = folder / "P.aisproj"
    size = None if voxel_size is None else (voxel_size,) * 3
    with Project.create(path) as project:
        for number, volume in enumerate(volumes or (known_volume(),), start=1):
            project.add_tomogram(write_volume(folder / f"TS_{number}.mrc", volume, like=Tomogram(volume, size)))
        project.add_feature("membrane")
        project.add_feature("ribosome")
    return path


@contextmanager
def slice_area(folder: Path) -> Iterator[SliceArea]:
    """Give a slice area in a window of its own, closed in order afterwards; shared by the tests of a file."""
    app = application()
    apply_theme(app, DARK)
    workbench = Workbench(folder / "settings", folder / "drafts")
    area = SliceArea(workbench)
    area.resize(*SIZE)
    area.show()
    while not area.panes["z"].native.isVisible():
        app.processEvents()
    try:
        yield area
    finally:
        area.close_down()
        workbench.close()
        area.close()
        area.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()


@contextmanager
def opened(area: SliceArea, project: Path, qtbot) -> Iterator[SliceArea]:
    """Open a project in an area as if nothing had been done there before."""
    view = area.workbench.session.view
    for field in fields(ViewState):
        setattr(view, field.name, field.default)
    area.resize(*SIZE)
    area.workbench.open_files([project])
    settle(area, qtbot)
    yield area
    area.workbench.session.close()
    area.predictions.clear()
    area.select_boxes(frozenset())
    for pane in area.panes.values():
        pane.draft.clear()
        pane.hide_cursor()


def settle(area: SliceArea, qtbot, timeout: int = 5000) -> None:
    """Wait until every pane in view shows what the state asks for, and nothing is being read."""
    view = area.workbench.session.view
    axes = "zyx" if view.planes == "xyz" else "z"

    def done() -> bool:
        shown = all(area.panes[axis].shown_index == getattr(view, axis) for axis in axes)
        return shown and not area.presenter.waits

    qtbot.waitUntil(done, timeout=timeout)


def colour_at(pane: SlicePane, *position_zyx: float) -> tuple[int, int, int]:
    """Return the colour that is drawn at the middle of a voxel."""
    picture, point = pane.picture(), pane.to_point(position_zyx)
    ratio = picture.shape[1] / pane.pane_size[0]
    red, green, blue = picture[int(point.y() * ratio), int(point.x() * ratio)][:3]
    return int(red), int(green), int(blue)


def point_of(pane: SlicePane, *position_zyx: float) -> QPointF:
    """Return the point of a pane where a voxel is."""
    return pane.to_point(position_zyx)


def mouse(pane: SlicePane, kind: str, at: QPointF, button=LEFT, modifiers=NONE) -> None:
    """Send one real mouse event: ``"press"``, ``"move"`` (with the button held, or none) or ``"release"``."""
    types = QEvent.Type
    type_ = {"press": types.MouseButtonPress, "move": types.MouseMove, "release": types.MouseButtonRelease}[kind]
    held = NO_BUTTON if kind == "release" else button
    pressed = NO_BUTTON if kind == "move" else button
    everywhere = QPointF(pane.native.mapToGlobal(at.toPoint()))
    application().sendEvent(pane.native, QMouseEvent(type_, at, everywhere, pressed, held, modifiers))


def drag(pane: SlicePane, *points: QPointF, button=LEFT, modifiers=NONE) -> None:
    """Press at the first point, move through the others, release at the last."""
    mouse(pane, "press", points[0], button, modifiers)
    for point in points[1:]:
        mouse(pane, "move", point, button, modifiers)
    mouse(pane, "release", points[-1], button, modifiers)


def wheel(pane: SlicePane, notches: float, at: QPointF | None = None, modifiers=NONE) -> None:
    """Turn the wheel over a pane."""
    where = at if at is not None else QPointF(pane.native.rect().center())
    event = QWheelEvent(
        where, QPointF(pane.native.mapToGlobal(where.toPoint())), QPoint(), QPoint(0, round(120 * notches)),
        NO_BUTTON, modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    application().sendEvent(pane.native, event)
