"""What is brought up to date soon: once, in its turn, with events in between."""

import time

from PyQt6.QtCore import QObject, Qt, QTimer
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLineEdit

from ais_app.views.widgets.soon import Soon


def test_it_is_done_once_and_in_the_order_in_which_it_was_asked_for(qtbot, qapp):
    owner, done = QObject(), []
    first, second = Soon(owner, lambda: done.append("first")), Soon(owner, lambda: done.append("second"))
    for each in (first, second, first):
        each.start()
    assert first.waits and not done
    qtbot.waitUntil(lambda: not second.waits)
    qapp.processEvents()
    assert done == ["first", "second"] and not first.waits


def test_what_asks_again_meanwhile_is_done_again(qtbot):
    owner, done = QObject(), []

    def work():
        done.append(None)
        if len(done) < 3:
            soon.start()

    soon = Soon(owner, work)
    soon.start()
    qtbot.waitUntil(lambda: len(done) == 3)


def test_what_is_stopped_or_gone_is_not_done(qtbot):
    owner, other, done = QObject(), QObject(), []
    stopped, gone = Soon(owner, lambda: done.append("stopped")), Soon(other, lambda: done.append("gone"))
    last = Soon(owner, lambda: done.append("last"))
    for each in (stopped, gone, last):
        each.start()
    stopped.stop()
    other.deleteLater()
    qtbot.waitUntil(lambda: done == ["last"])


def test_a_key_comes_between_long_pieces(qtbot):
    """Five pieces of work that began together, and a key that was pressed during the first."""
    field, seen = QLineEdit(), []
    qtbot.addWidget(field)
    field.show()

    def work():
        if not seen:
            QTimer.singleShot(0, lambda: QTest.keyClick(field, Qt.Key.Key_A))
        time.sleep(0.02)
        seen.append(field.text())

    pieces = [Soon(field, work) for _ in range(5)]
    for each in pieces:
        each.start()
    qtbot.waitUntil(lambda: len(seen) == 5)
    assert seen[0] == "" and seen[2] == "a"


def test_an_error_does_not_keep_the_others(qtbot):
    owner, done = QObject(), []
    with qtbot.captureExceptions() as errors:
        for each in (Soon(owner, lambda: 1 / 0), Soon(owner, lambda: done.append(None))):
            each.start()
        qtbot.waitUntil(lambda: done == [None])
    assert [kind for kind, *_ in errors] == [ZeroDivisionError]
