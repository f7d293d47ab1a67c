"""Garbage is searched for while nobody does anything, and of itself only among young objects."""

import gc
import sys
import weakref

import pytest
from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QCursor, QGuiApplication
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLineEdit

from ais_app.views.garbage import Garbage


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


def test_somebody_who_types_is_there_too(qapp, qtbot, thresholds):
    searched = []
    note = lambda phase, info: searched.append(info["generation"]) if phase == "start" else None  # noqa: E731
    field = QLineEdit()
    field.show()
    field.activateWindow()
    qtbot.waitUntil(lambda: QGuiApplication.focusWindow() is field.windowHandle())
    garbage = Garbage(quiet=0.1)
    qtbot.wait(120)  # the first look finds the pointer at a new place
    gc.callbacks.append(note)
    try:
        for letter in "nobody moves the pointer":
            QTest.keyClick(field.windowHandle(), letter)
            qtbot.wait(20)
        assert field.text() == "nobody moves the pointer"  # what is noticed arrives all the same
        assert 2 not in searched
        qtbot.waitUntil(lambda: 2 in searched)
    finally:
        gc.callbacks.remove(note)
        garbage.close()
        field.close()


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
    searched = []
    note = lambda phase, info: searched.append(gc.get_freeze_count()) if phase == "start" else None  # noqa: E731
    garbage = Garbage(quiet=0.05, away=0.5)
    try:
        seen = old_ring()
        monkeypatch.setitem(sys.modules, "a_library_that_has_just_come", sys)
        QCursor.setPos(QPoint(300, 300))
        qtbot.wait(20)
        gc.callbacks.append(note)
        qtbot.waitUntil(lambda: len(searched) > 2)  # among what is new only, as the pointer is still
        assert all(searched) and seen() is not None
        qtbot.waitUntil(lambda: seen() is None)
        assert searched.count(0) == 1
        count = len(searched)
        qtbot.waitUntil(lambda: len(searched) > count + 2)
        assert searched.count(0) == 1  # once, until somebody is there again
    finally:
        gc.callbacks.remove(note)
        garbage.close()
