"""The keys of the slice view, in the whole window."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QEnterEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

Key, Modifier = Qt.Key, Qt.KeyboardModifier


@pytest.fixture
def press(opened, qtbot):
    """Press a key while the slice has the focus."""
    pane = opened.slices.panes["z"]
    opened.activateWindow()
    pane.native.setFocus()
    qtbot.waitUntil(lambda: opened.isActiveWindow() and pane.native.hasFocus())

    def send(key, modifiers=Modifier.NoModifier):
        QTest.keyClick(pane.native, key, modifiers)

    return send


def test_keys_change_what_is_seen(opened, press, qtbot):
    view, pane = opened.workbench.session.view, opened.slices.panes["z"]
    z = view.z
    press(Key.Key_Right)
    press(Key.Key_Right, Modifier.ShiftModifier)
    press(Key.Key_Left)
    assert view.z == z + 5
    press(Key.Key_I)
    assert view.invert
    press(Key.Key_O)
    press(Key.Key_P)
    assert (view.labels_on, view.predictions_on) == (False, False)
    view.contrast = (0.0, 1.0)
    press(Key.Key_A)
    assert view.contrast is None
    press(Key.Key_T)
    assert view.planes == "xyz"
    qtbot.waitUntil(lambda: opened.slices.panes["y"].shown_index == view.y)
    press(Key.Key_C)
    assert (view.tool, view.crop is not None) == ("crop", True)
    press(Key.Key_C)
    assert (view.tool, view.crop is not None) == ("brush", True)
    pane.zoom(5)
    assert not pane.is_fitted
    press(Key.Key_Home)
    assert pane.is_fitted


def test_annotated_slices_are_visited_with_keys(opened, press, qtbot):
    view = opened.workbench.session.view
    opened.slices.bar.slider.setValue(0)
    visited = []
    for _ in range(4):
        press(Key.Key_Right, Modifier.AltModifier)
        visited.append(view.z)
    assert visited == [10, 16, 22, 22]
    press(Key.Key_Left, Modifier.AltModifier)
    assert view.z == 16


def test_the_pointer_brings_the_keys_unless_a_person_types(opened, qtbot):
    pane, field = opened.slices.panes["z"], opened.slices.bar.field
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    middle = QPointF(pane.native.rect().center())
    enter = QEnterEvent(middle, middle, QPointF(pane.native.mapToGlobal(middle.toPoint())))
    opened.slices.bar.slider.setFocus()
    QApplication.sendEvent(pane.native, enter)
    assert pane.native.hasFocus()
    field.setFocus()
    QApplication.sendEvent(pane.native, enter)
    assert field.hasFocus()


def test_panels_beside_the_slices_follow_the_theme(opened):
    for theme in ("light", "dark"):
        opened.workbench.settings.theme = theme
    assert not opened.side.contrast.auto.icon().isNull()
