"""Every action of the table, on a window with a project and on an empty one; keys, their presets and clashes."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PyQt6.QtGui import QKeySequence
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QDialog, QMenu, QWidget

from ais_app.core.errors import ParameterProblem
from ais_app.state.settings import KEY_PRESETS, Settings
from ais_app.state.view_state import ViewState
from ais_app.views.actions import keys
from ais_app.views.actions.action import SEPARATOR, Action
from ais_app.views.actions.menus import TOOL_BAR
from ais_app.views.actions.table import MENUS, all_actions
from ais_app.views.dialogs.keys import KeysDialog
from ais_app.views.main_window import MainWindow
from ais_app.views.shell.palette import CommandPalette
from ais_app.views.workbench import Workbench

TABLE = all_actions()
LEAVES = {"file.quit"}  # closes the window: tried on a window of its own
BAD_WORDS = ("went wrong", "unexpected", "Traceback", "Error(")


def every(*without: str) -> list[Action]:
    return [action for action in TABLE if action.id not in without]


class Harness:
    """A window on which actions are triggered one after another; what opens is closed, what was closed is opened."""

    def __init__(self, folder: Path, project: Path | None) -> None:
        self.folder, self.project = folder, project
        if project is not None:
            self.pristine = shutil.copy(project, project.with_suffix(".pristine"))
        self.window = MainWindow(Workbench(folder / "settings", folder / "drafts"))
        self.window.resize(1280, 800)
        self.window.show()
        self.notes: list = []
        self.window.workbench.notified.connect(self.notes.append)
        self._answers = 0

    def begin(self) -> None:
        """Bring the window to its start."""
        session = self.window.workbench.session
        session.close()
        for known in dataclasses.fields(ViewState):
            setattr(session.view, known.name, known.default)
        if self.project is not None:
            shutil.copy(self.pristine, self.project)
            self.window.open_files([self.project])
        self.notes.clear()
        QApplication.processEvents()

    def answer(self, suffix: str) -> str:
        """Return a new file name for a question for one."""
        self._answers += 1
        return str(self.folder / f"answer_{self._answers}{suffix}")

    def end(self, wait) -> None:
        """Close what the action has opened, stop what it has started."""
        jobs = self.window.workbench.jobs
        for job in jobs.active:
            job.stop()
        wait(lambda: not jobs.active)
        close_all(self.window)
        self.window.notifications.dismiss_all()

    def leave(self) -> None:
        """Close the window for good."""
        self.window.shut_down()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def close_all(window: MainWindow) -> None:
    """Close every window except the main one."""
    for widget in QApplication.topLevelWidgets():
        if widget is not window and widget.isVisible() and isinstance(widget, (QDialog, QMenu, CommandPalette)):
            widget.close()


@pytest.fixture(scope="module")
def full(qapp, phantom: Path, tmp_path_factory) -> Iterator[Harness]:
    """A window with a project that has labels and boxes."""
    import ais_app

    folder = tmp_path_factory.mktemp("full")
    tomogram = Path(shutil.copy(phantom / "tomogram.mrc", folder / "TS_01.mrc"))
    with ais_app.Project.create(folder / "lamella.aisproj") as made:
        entry = made.add_tomogram(tomogram)
        made.import_labels(entry, "membrane", phantom / "membrane.mrc", slices=[10, 16, 22])
        made.add_feature("ribosome")
        made.add_boxes(entry, "ribosome", [ais_app.Box((16, 40, 40)), ais_app.Box((16, 60, 70))])
    harness = Harness(folder, folder / "lamella.aisproj")
    yield harness
    harness.leave()


@pytest.fixture(scope="module")
def empty(qapp, tmp_path_factory) -> Iterator[Harness]:
    """A window as it is at the first start."""
    harness = Harness(tmp_path_factory.mktemp("empty"), None)
    yield harness
    harness.leave()


@pytest.fixture
def answered(monkeypatch, full: Harness) -> None:
    """Questions for files get an answer; what waits for one otherwise is closed."""
    dialogs = "PyQt6.QtWidgets.QFileDialog"
    tomogram = str(full.folder / "TS_01.mrc")
    monkeypatch.setattr(f"{dialogs}.getOpenFileNames", lambda *_, **__: ([tomogram], ""))
    monkeypatch.setattr(f"{dialogs}.getOpenFileName", lambda *_, **__: (tomogram, ""))
    monkeypatch.setattr(f"{dialogs}.getExistingDirectory", lambda *_, **__: str(full.folder))
    monkeypatch.setattr(f"{dialogs}.getSaveFileName", lambda *a, **k: (full.answer(_suffix(a, k)), ""))
    monkeypatch.setattr("PyQt6.QtWidgets.QInputDialog.getText", lambda *_, **__: ("answer", True))
    monkeypatch.setattr("PyQt6.QtGui.QDesktopServices.openUrl", lambda *_: True)


@pytest.fixture
def cancelled(monkeypatch) -> None:
    """Every question is cancelled."""
    dialogs = "PyQt6.QtWidgets.QFileDialog"
    monkeypatch.setattr(f"{dialogs}.getOpenFileNames", lambda *_, **__: ([], ""))
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(f"{dialogs}.{name}", lambda *_, **__: ("", ""))
    monkeypatch.setattr(f"{dialogs}.getExistingDirectory", lambda *_, **__: "")
    monkeypatch.setattr("PyQt6.QtWidgets.QInputDialog.getText", lambda *_, **__: ("", False))
    monkeypatch.setattr("PyQt6.QtGui.QDesktopServices.openUrl", lambda *_: True)


@pytest.fixture
def closing(qapp) -> Iterator[None]:
    """Whatever waits for an answer in a loop of its own is closed."""
    timer = QTimer()
    timer.setInterval(50)
    timer.timeout.connect(_close_modal)
    timer.start()
    yield
    timer.stop()


def _close_modal() -> None:
    widget: QWidget | None = QApplication.activeModalWidget()
    if widget is not None:
        widget.close()


def _suffix(arguments, named) -> str:
    start = str(arguments[2]) if len(arguments) > 2 else str(named.get("directory", ""))
    return Path(start).suffix or ".txt"


def check(harness: Harness, action: Action, qtbot) -> None:
    harness.begin()
    harness.window.actions_by_id.trigger(action.id)
    QApplication.processEvents()
    QApplication.processEvents()
    harness.end(lambda done: qtbot.waitUntil(done, timeout=20000))
    said = [note.text for note in harness.notes if any(word in note.text + note.details for word in BAD_WORDS)]
    assert said == []
    assert harness.window.isVisible()


@pytest.mark.filterwarnings("default::ais_app.core.errors.DataWarning")
@pytest.mark.parametrize("action", every(*LEAVES), ids=lambda action: action.id)
def test_every_action_can_be_done_in_a_project(full, answered, closing, action, qtbot):
    check(full, action, qtbot)


@pytest.mark.parametrize("action", every(*LEAVES), ids=lambda action: action.id)
def test_every_action_can_be_asked_for_in_an_empty_window(empty, cancelled, closing, action, qtbot):
    check(empty, action, qtbot)
    assert not empty.window.workbench.session.has_project


def test_quitting_closes_the_window(empty, qtbot, tmp_path):
    window = MainWindow(Workbench(tmp_path / "settings", tmp_path / "drafts"))
    window.show()
    window.actions_by_id.trigger("file.quit")
    assert not window.isVisible()
    window.deleteLater()


# the table


def test_every_action_is_in_a_menu_or_has_a_key():
    in_menus = {id for names in MENUS.values() for id in names} | set(TOOL_BAR)
    lost = [action.id for action in TABLE if action.id not in in_menus and not action.key]
    assert lost == []


@pytest.mark.parametrize("action", every(), ids=lambda action: action.id)
def test_every_action_explains_itself(action):
    assert action.tip and action.text
    assert action.icon == "" or action.icon.startswith("mdi6.")


def test_menus_and_tool_bar_name_actions_that_are_there():
    for id in (id for names in (*MENUS.values(), TOOL_BAR) for id in names if id != SEPARATOR):
        assert TABLE[id].id == id


# keys


@pytest.mark.parametrize("preset", KEY_PRESETS)
def test_no_key_belongs_to_two_actions(preset):
    assert keys.clashes(keys.all_keys(TABLE, Settings(key_preset=preset))) == []


@pytest.mark.parametrize("preset", KEY_PRESETS)
def test_presets_name_actions_and_keys_that_are_there(preset):
    for action in TABLE:
        several = keys.preset_keys(preset).get(action.id, action.key)
        for key in filter(None, several.split(keys.BETWEEN)):
            assert QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText), (action.id, key)
    assert set(keys.preset_keys(preset)) <= {action.id for action in TABLE}


def test_clashes_are_found():
    assert keys.clashes({"a": "Left; X", "b": "Right", "c": "X"}) == [("X", "a", "c")]


def test_a_key_that_is_taken_is_refused_with_its_owner():
    settings = Settings()
    with pytest.raises(ParameterProblem, match="Eraser"):
        keys.assign(TABLE, settings, "tool.brush", "E")
    keys.assign(TABLE, settings, "tool.eraser", "")
    keys.assign(TABLE, settings, "tool.brush", "E")
    assert keys.key_of(TABLE, settings, "tool.brush") == "E"
    with pytest.raises(ParameterProblem, match="Brush"):
        keys.reset(TABLE, settings, "tool.eraser")
    keys.reset_all(settings)
    assert keys.key_of(TABLE, settings, "tool.eraser") == "E"


def test_keys_do_what_they_say(full, qtbot):
    full.begin()
    window, view = full.window, full.window.workbench.session.view
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.slices.panes["z"].native.setFocus()
    QTest.keyClick(window, Qt.Key.Key_E)
    assert view.tool == "eraser"
    z = view.z
    QTest.keyClick(window, Qt.Key.Key_Right)
    assert view.z == z + 1
    QTest.keyClick(window, Qt.Key.Key_B)
    assert view.tool == "brush"


def test_tools_are_there_where_slices_are(full, qtbot):
    full.begin()
    window = full.window
    for tab in ("annotate", "train", "export", "render", "particles", "annotate"):
        window.actions_by_id.trigger(f"tab.{tab}")
        there = tab not in ("render", "particles")
        qtbot.waitUntil(lambda there=there: window.actions_by_id["tool.brush"].isEnabled() == there)
        assert window.actions_by_id["annotate.ball"].isEnabled() == there
    assert window.actions_by_id["tool.brush"].isChecked()


def test_arrows_belong_to_the_number_that_is_edited(full, qtbot):
    full.begin()
    window, view = full.window, full.window.workbench.session.view
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    field = window.side.contrast.black
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    z, before = view.z, field.value()
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert field.value() > before and view.z == z
    window.slices.panes["z"].native.setFocus()


@pytest.fixture
def dialog(full, qtbot) -> Iterator[KeysDialog]:
    full.begin()
    full.window.actions_by_id.trigger("help.keys")
    shown = full.window.findChild(KeysDialog)
    yield shown
    shown.close()
    keys.choose_preset(full.window.workbench.settings, "default")
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_a_key_is_given_by_pressing_it(full, dialog):
    bound = full.window.actions_by_id
    dialog.choose("tool.brush")
    QTest.mouseClick(dialog.change, Qt.MouseButton.LeftButton)
    QTest.keyClick(dialog.view, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert bound.key_of("tool.brush") == "Ctrl+K"
    assert bound["tool.brush"].shortcut().toString() == "Ctrl+K"
    assert "Ctrl+K" in bound["tool.brush"].toolTip()
    QTest.mouseClick(dialog.change, Qt.MouseButton.LeftButton)
    QTest.keyClick(dialog.view, Qt.Key.Key_E)
    assert "Eraser" in dialog.message.text()
    assert bound.key_of("tool.brush") == "Ctrl+K"
    QTest.mouseClick(dialog.change, Qt.MouseButton.LeftButton)
    QTest.keyClick(dialog.view, Qt.Key.Key_Escape)
    assert dialog.isVisible() and bound.key_of("tool.brush") == "Ctrl+K"
    QTest.mouseClick(dialog.remove, Qt.MouseButton.LeftButton)
    assert bound.key_of("tool.brush") == ""
    QTest.mouseClick(dialog.reset, Qt.MouseButton.LeftButton)
    assert bound.key_of("tool.brush") == "B"


def test_a_preset_changes_the_keys(full, dialog):
    dialog.preset.setCurrentText("3dmod")
    assert full.window.actions_by_id["slice.next"].shortcut().toString() == "PgUp"
    assert full.window.workbench.settings.key_preset == "3dmod"
    dialog.filter.setText("next slice")
    assert dialog.view.model().rowCount() == 1
