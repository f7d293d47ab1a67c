"""Classes in the panel of the Particles tab: renamed and removed with mouse and keys, and brought back by undo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gallery_view import CTRL, LEFT, SIZE, WAIT, click, grid_of, make_project, panel_of, rows, show
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QContextMenuEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QMenu

from ais_app.core.particle_set import Particles
from ais_app.state.commands import particles
from ais_app.views.main_window import MainWindow
from ais_app.views.particles.class_list import ClassList
from ais_app.views.widgets.application import application

PICKS = Particles(np.array([(16, 14 + 18 * row, 14 + 18 * column) for row in range(3) for column in range(4)]) * SIZE)


@pytest.fixture
def gallery(window: MainWindow, tmp_path: Path, qtbot) -> MainWindow:
    """The window with twelve picks: two rings, a ball, and no tube any more."""
    window.open_files([make_project(tmp_path, PICKS, radius=50.0)])
    show(window, qtbot)
    session = window.workbench.session
    particles.set_classes(session, [0, 1, 2, 3], ["ring", "ring", "tube", "ball"])
    particles.set_class(session, [2], "")
    found = listed(window)
    qtbot.waitUntil(lambda: found.names == ["ring", "tube", "ball"], timeout=WAIT)
    panel_of(window).bring_into_view(found)
    qtbot.waitUntil(lambda: found.row("ball").isVisible() and not found.row("ball").visibleRegion().isEmpty())
    return window


def listed(window: MainWindow) -> ClassList:
    return panel_of(window).classes


def offered(window: MainWindow) -> list[str]:
    """Return the classes that the filter above the gallery offers."""
    box = window.tabs[4].data.of_class
    return [box.itemText(place) for place in range(box.count())][1:-1]


def typed(text: str) -> None:
    """Type a name where the keys go, and press Enter."""
    editor = QApplication.focusWidget()
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key.Key_Return)


def test_a_double_click_renames_a_class_in_its_place(gallery: MainWindow, qtbot) -> None:
    session, row = gallery.workbench.session, listed(gallery).row("ring")
    QTest.mouseDClick(row.title, LEFT)
    assert row.is_editing and QApplication.focusWidget() is row.editor and row.editor.selectedText() == "ring"
    typed("torus")
    qtbot.waitUntil(lambda: listed(gallery).names == ["torus", "tube", "ball"], timeout=WAIT)
    qtbot.waitUntil(lambda: offered(gallery) == ["torus", "tube", "ball"], timeout=WAIT)
    assert listed(gallery).row("torus") is row and row.title.text() == "torus" and not row.is_editing
    assert session.gallery.table.classes[:2].tolist() == ["torus", "torus"]
    QTest.mouseClick(row.select, LEFT)
    assert rows(gallery) == [0, 1]
    QTest.keyClick(grid_of(gallery), Qt.Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: listed(gallery).names == ["ring", "tube", "ball"], timeout=WAIT)
    assert session.gallery.table.classes[:2].tolist() == ["ring", "ring"]


def test_keys_rename_and_remove_the_class_that_they_are_at(gallery: MainWindow, qtbot) -> None:
    session, found = gallery.workbench.session, listed(gallery)
    click(grid_of(gallery), 5)
    ball = found.row("ball")
    ball.select.setFocus()
    QTest.keyClick(ball.select, Qt.Key.Key_F2)
    typed("blob")
    qtbot.waitUntil(lambda: found.names == ["ring", "tube", "blob"], timeout=WAIT)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_F2)
    typed("sphere")  # the keys are still at the same class
    qtbot.waitUntil(lambda: found.names == ["ring", "tube", "sphere"], timeout=WAIT)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_F2)
    QTest.keyClicks(QApplication.focusWidget(), "no")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert found.names == ["ring", "tube", "sphere"] and not ball.is_editing
    QTest.mouseClick(found.row("tube"), LEFT, pos=found.row("tube").title.geometry().center())
    assert QApplication.focusWidget() is found.row("tube")
    QTest.keyClick(found.row("tube"), Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: found.names == ["ring", "sphere"], timeout=WAIT)
    qtbot.waitUntil(lambda: offered(gallery) == ["ring", "sphere"], timeout=WAIT)
    assert not session.gallery.table.rejected.any()  # Delete was meant for the class
    session.project.undo()
    qtbot.waitUntil(lambda: found.names == ["ring", "tube", "sphere"], timeout=WAIT)  # where it was


def test_the_menu_of_a_class_removes_it_and_says_of_how_many(gallery: MainWindow, qtbot) -> None:
    session, found, said = gallery.workbench.session, listed(gallery), []
    gallery.workbench.notified.connect(lambda note: said.append((note.kind, note.text)))
    ring = found.row("ring")
    where = QPoint(60, 10)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, ring.mapToGlobal(where))
    application().sendEvent(ring.title, event)
    menu = ring.findChild(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)
    qtbot.waitUntil(menu.isVisible, timeout=WAIT)
    assert [action.text().split("\t")[0] for action in menu.actions()] == [
        "Select its particles", "Rename", "Remove the class"
    ]  # fmt: skip
    QTest.mouseClick(menu, LEFT, pos=menu.actionGeometry(menu.actions()[2]).center())
    qtbot.waitUntil(lambda: found.names == ["tube", "ball"], timeout=WAIT)
    assert said == [("info", "Class ring was removed, and 2 particles are of no class now: undo brings it back")]
    assert session.gallery.table.classes.tolist() == ["", "", "", "ball", *[""] * 8]


def test_a_name_that_another_class_has_is_refused_in_words(gallery: MainWindow, qtbot) -> None:
    said: list[str] = []
    gallery.workbench.notified.connect(lambda note: said.append(note.text))
    row = listed(gallery).row("ring")
    QTest.mouseDClick(row.title, LEFT)
    typed("ball")
    assert len(said) == 1 and "there is one called ball already" in said[0]
    assert row.title.text() == "ring" and listed(gallery).names == ["ring", "tube", "ball"]
