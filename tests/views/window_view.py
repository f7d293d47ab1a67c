"""What the tests of the whole window share: a window closed in order, where a voxel is on it, what is painted."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PyQt6.QtCore import QCoreApplication, QEvent, QPoint
from PyQt6.QtTest import QTest

from ais_app.views.main_window import MainWindow
from ais_app.views.slices.pane import SlicePane
from ais_app.views.workbench import Workbench

SHAPE = (32, 96, 112)


@contextmanager
def shown_window(workbench: Workbench) -> Iterator[MainWindow]:
    """Show the window as it is at the first start; close it in order afterwards."""
    made = MainWindow(workbench)
    made.resize(1280, 800)
    made.show()
    assert QTest.qWaitForWindowExposed(made)
    yield made
    made.shut_down()
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


def at(pane: SlicePane, *position_zyx: float) -> QPoint:
    """Return the point of a pane where a voxel is."""
    return pane.to_point(position_zyx).toPoint()


def painted(window: MainWindow, feature: str = "membrane") -> np.ndarray:
    """Return the labels of the slice in view."""
    session = window.workbench.session
    return session.project.labels(session.view.tomogram, feature).read_plane("z", session.view.z)
