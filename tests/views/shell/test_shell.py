"""What helps along: history, console, palette, the report of a fault, help."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QDialog
from shell_view import texts

from ais_app.core.errors import FileProblem
from ais_app.state.commands import features
from ais_app.views.dialogs.crash import CrashDialog, show_crash
from ais_app.views.shell.fuzzy import score
from ais_app.views.shell.history_window import HistoryWindow, as_python
from ais_app.views.shell.palette import CommandPalette

# commands


def test_the_history_gives_lines_that_can_be_run(opened):
    session = opened.workbench.session
    opened.actions_by_id.trigger("help.history")
    history = opened.findChild(HistoryWindow)
    features.add(session, "actin")
    QTest.mouseClick(history.commands.python, Qt.MouseButton.LeftButton)
    script = QGuiApplication.clipboard().text()
    assert "from ais_app.state import commands" in script
    assert "commands.features.add(session, 'actin')" in script
    features.remove(session, session.feature.id)
    namespace = {"session": session}
    exec("from ais_app.state.commands import features\n" + as_python(session.log.lines[-2:-1]), namespace)
    assert session.feature.name == "actin"
    history.close()


def test_the_last_action_can_be_copied(opened):
    features.add(opened.workbench.session, "actin")
    opened.actions_by_id.trigger("help.copy_python")
    assert QGuiApplication.clipboard().text().endswith("commands.features.add(session, 'actin')\n")


def test_the_console_runs_lines_on_the_session(opened, qtbot):
    opened.actions_by_id.trigger("help.console")
    console = opened.console.console
    qtbot.waitUntil(console.isVisible)
    QTest.mouseClick(console.line, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(console.line.hasFocus)
    for line in ("[f.name for f in session.project.features]", "for i in range(2):", "    print(i * 21)", "", "1/0"):
        QTest.keyClicks(console.line, line)
        QTest.keyClick(console.line, Qt.Key.Key_Return)
    said = console.output.toPlainText()
    assert "['membrane', 'ribosome']" in said and "\n21" in said and "ZeroDivisionError" in said
    QTest.keyClicks(console.line, "commands.features.add(session, 'actin')")
    QTest.keyClick(console.line, Qt.Key.Key_Return)
    assert opened.workbench.session.feature.name == "actin"
    QTest.keyClick(console.line, Qt.Key.Key_Up)
    assert console.line.text() == "commands.features.add(session, 'actin')"
    QTest.keyClick(console.line, Qt.Key.Key_Down)
    QTest.keyClicks(console.line, "exit()")
    QTest.keyClick(console.line, Qt.Key.Key_Return)
    assert opened.isVisible()
    opened.actions_by_id.trigger("help.console")
    assert not console.isVisible()


# the palette


@pytest.mark.parametrize(
    ("typed", "better", "worse"),
    [("bru", "Brush", "Search all actions"), ("next sl", "Next slice", "Next tomogram"), ("xz", "XZ and YZ", "Boxes")],
)
def test_what_was_meant_comes_first(typed, better, worse):
    low = score(typed, worse)
    assert score(typed, better) > (-1e9 if low is None else low)


def test_the_palette_finds_and_does(opened, qtbot):
    QTest.keyClick(opened, Qt.Key.Key_F1)
    palette = opened.findChild(CommandPalette)
    qtbot.waitUntil(palette.isVisible)
    QTest.keyClicks(palette.line, "render tab")
    assert palette.found[0].id == "tab.render" and palette.found[0].key == "Ctrl+4"
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: opened.workbench.session.view.tab == "render")


def test_the_palette_does_not_do_what_is_impossible(window, qtbot):
    window.actions_by_id.trigger("help.palette")
    palette = window.findChild(CommandPalette)
    QTest.keyClicks(palette.line, "save project as")
    assert palette.found[0].id == "file.save_as" and not palette.found[0].enabled
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()
    QTest.keyClicks(palette.line, "qqqq")
    assert palette.found == []
    palette.close()


# what nobody foresaw


def test_a_fault_is_shown_with_a_report_and_the_program_goes_on(opened, tmp_path, monkeypatch):
    features.add(opened.workbench.session, "actin")
    for _ in range(2):
        try:
            raise RuntimeError("the flux is out of phase")
        except RuntimeError as error:
            show_crash(opened, type(error), error, error.__traceback__)
    dialog = opened.findChild(CrashDialog)
    assert not dialog.isModal() and "2 times" in dialog.sentence.text()
    assert "flux" in dialog.sentence.text() and not dialog.fold.content.isVisible()
    target = tmp_path / "report.txt"
    monkeypatch.setattr("PyQt6.QtWidgets.QFileDialog.getSaveFileName", lambda *_, **__: (str(target), ""))
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    report = target.read_text(encoding="utf-8")
    for word in ("flux is out of phase", "test_shell.py", "numpy", "Qt", "commands.features.add(session, 'actin')"):
        assert word in report
    QTest.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    assert "flux" in QGuiApplication.clipboard().text()
    dialog.close()
    features.add(opened.workbench.session, "tubulin")
    assert opened.workbench.session.feature.name == "tubulin"


def test_what_a_person_can_put_right_is_a_message_not_a_fault(opened):
    error = FileProblem("TS_01.mrc", "is gone", "put it back")
    show_crash(opened, type(error), error, None)
    assert opened.findChild(CrashDialog) is None
    assert texts(opened)[-1] == "TS_01.mrc: is gone; put it back"


# help


@pytest.mark.parametrize("action", ["help.about", "help.getting_started"])
def test_help_is_shown(window, action, monkeypatch):
    monkeypatch.setattr("PyQt6.QtGui.QDesktopServices.openUrl", lambda *_: False)
    window.actions_by_id.trigger(action)
    shown = [dialog for dialog in window.findChildren(QDialog) if dialog.isVisible()]
    assert len(shown) == 1
    shown[0].close()
