"""What the tests of the tools share: mouse and keys over a pane, and the labels that come of it."""

from __future__ import annotations

from PyQt6.QtCore import QCoreApplication, QEvent, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtTest import QTest
from window_view import at

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
SHIFT = Qt.KeyboardModifier.ShiftModifier
Z = 5  # a slice on which nothing is annotated
WHOLE = (slice(None),) * 3


def press(window, key, modifiers=Qt.KeyboardModifier.NoModifier):
    """Press a key over the XY pane."""
    pane = window.slices.panes["z"]
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    pane.native.setFocus()
    QTest.keyClick(pane.native, key, modifiers)


def take(window, tool: str) -> None:
    window.workbench.session.view.tool = tool


def through(pane, positions):
    """Return the voxel indices that the program sees for a mouse at these: pixels are whole."""
    return [pane.to_voxel(QPointF(at(pane, *position))) for position in positions]


def labels_of(window, feature="membrane"):
    session = window.workbench.session
    return session.project.labels(session.view.tomogram, feature)


def volume(window):
    """Return all labels but those of the slices that the fixture painted."""
    labels = labels_of(window).read()
    labels[[10, 16, 22]] = 0
    return labels


def hover(pane, point):
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(point), QPointF(pane.native.mapToGlobal(point)), Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QCoreApplication.sendEvent(pane.native, event)


def click(pane, *position, button=LEFT, modifiers=Qt.KeyboardModifier.NoModifier):
    QTest.mouseClick(pane.native, button, modifiers, at(pane, *position))


def double_click(pane, *position):
    """Press a second time and let go; QTest leaves the button pressed."""
    QTest.mouseDClick(pane.native, LEFT, Qt.KeyboardModifier.NoModifier, at(pane, *position))
    QTest.mouseRelease(pane.native, LEFT, Qt.KeyboardModifier.NoModifier, at(pane, *position))
