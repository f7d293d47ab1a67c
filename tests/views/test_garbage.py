"""Garbage is searched for while nobody does anything, and of itself only among young objects."""

import gc
import sys
import weakref

import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QAction, QCursor, QGuiApplication, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLineEdit, QMainWindow

from ais_app.views.garbage import Garbage
from ais_app.views.presence import Presence


class Ring:
    """Holds itself: only a search finds that nobody else does."""

    def __init__(self):
        self.self = self


@pytest.fixture
def thresholds():
    before = gc.get_threshold()
    yield before
    assert gc.get_threshold() == before and not gc.get_freeze_count()


def old_ring():
    """A ring that two searches among the young have left alone."""
    ring = Ring()
    gc.collect(1)
    gc.collect(1)
    return weakref.ref(ring)


def test_it_waits_until_the_pointer_is_still(qapp, qtbot, thresholds):
    searched = []
    note = lambda phase, info: searched.append(info["generation"]) if phase == "start" else None  # noqa: E731
    garbage = Garbage(quiet=0.05)
    gc.callbacks.append(note)
    try:
        for step in range(8):  # the pointer moves all the time
            QCursor.setPos(QPoint(100 + 10 * step, 100))
            qtbot.wait(30)
        assert 2 not in searched
        seen = old_ring()
        junk = [[number] for number in range(200_000)]  # enough for any search of itself
        assert 2 not in searched and len(junk)
        qtbot.waitUntil(lambda: seen() is None)
        assert 2 in searched
    finally:
        gc.callbacks.remove(note)
        garbage.close()


def test_somebody_who_types_or_turns_the_wheel_is_there_too(qapp, qtbot):
    window, field, done = QMainWindow(), QLineEdit(), []
    window.setCentralWidget(field)
    action = QAction("Reject", window)
    action.setShortcut("F7")
    action.triggered.connect(lambda: done.append("rejected"))
    window.addAction(action)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QGuiApplication.focusWindow() is window.windowHandle())
    presence, handle = Presence(window), window.windowHandle()
    turned = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    presence.is_still()  # the first look finds the pointer at a new place
    assert presence.is_still()
    for act in (
        lambda: QTest.keyClick(handle, Qt.Key.Key_A),
        lambda: QTest.keyClick(handle, Qt.Key.Key_F7),  # an action takes it
        lambda: qapp.sendEvent(handle, turned),
        lambda: QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=QPoint(5, 5)),
    ):
        act()
        QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
        qtbot.wait(1)
        assert not presence.is_still()
        assert presence.is_still()
    assert field.text() == "a" and done == ["rejected"]  # what is noticed arrives all the same
    window.close()


def test_it_does_not_wait_for_ever(qapp, qtbot, thresholds):
    garbage = Garbage(quiet=0.03, longest=0.2)
    try:
        seen, steps = old_ring(), iter(range(10_000))

        def gone():
            QCursor.setPos(QPoint(100 + next(steps) % 500, 150))
            return seen() is None

        qtbot.waitUntil(gone)
    finally:
        garbage.close()


def test_what_came_with_a_library_is_searched_when_nobody_is_there(qapp, qtbot, thresholds, monkeypatch):
    searched, alive = [], []

    def note(phase, info):
        if phase == "start":
            searched.append(gc.get_freeze_count())
            alive.append(seen() is not None)

    garbage = Garbage(quiet=0.05, away=2.0)
    try:
        seen = old_ring()
        monkeypatch.setitem(sys.modules, "a_library_that_has_just_come", sys)
        QCursor.setPos(QPoint(300, 300))
        qtbot.wait(20)
        gc.callbacks.append(note)
        qtbot.waitUntil(lambda: seen() is None, timeout=20_000)
        assert searched[0] and alive[1]  # among what is new only, as the pointer is still
        assert searched.count(0) == 1 and all(alive[: searched.index(0) + 1])
        count = len(searched)
        qtbot.waitUntil(lambda: len(searched) > count + 2, timeout=20_000)
        assert searched.count(0) == 1  # once, until somebody is there again
    finally:
        gc.callbacks.remove(note)
        garbage.close()
