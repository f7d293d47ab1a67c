"""What surrounds the data: status line, jobs, messages, palette, history, console, opening files."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QDialog, QMenu

from ais_app.core.errors import FileProblem
from ais_app.core.io import write_volume
from ais_app.core.jobs import Progress
from ais_app.core.tomogram import Tomogram
from ais_app.state.commands import features
from ais_app.state.project import Project
from ais_app.views.dialogs.crash import CrashDialog, show_crash
from ais_app.views.main_window import MainWindow
from ais_app.views.shell.demo import start_demo
from ais_app.views.shell.fuzzy import score
from ais_app.views.shell.history_window import HistoryWindow, as_python
from ais_app.views.shell.palette import CommandPalette
from ais_app.views.workbench import Workbench


@pytest.fixture(scope="module")
def shared(qapp, tmp_path_factory) -> Iterator[MainWindow]:
    """One window for all tests here: making it takes longer than any of them."""
    folder = tmp_path_factory.mktemp("shell")
    made = MainWindow(Workbench(folder / "settings", folder / "drafts"))
    made.resize(1280, 800)
    made.show()
    yield made
    made.shut_down()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def window(shared: MainWindow, qtbot) -> Iterator[MainWindow]:
    """The window as it is at the first start."""
    shared.activateWindow()
    for left in shared.workbench.drafts.glob("*"):
        left.unlink()
    shared.workbench.settings.recent = []
    yield shared
    for job in shared.workbench.jobs.active:
        job.stop()
    qtbot.waitUntil(lambda: not shared.workbench.jobs.active)
    shared.jobs_panel.clear()
    shared.jobs_panel.hide()
    for dialog in shared.findChildren((QDialog, CommandPalette)):
        dialog.close()
    shared.workbench.session.close()
    shared.notifications.dismiss_all()
    shared.notifications.history.clear()
    shared.workbench.session.log.lines.clear()
    shared.workbench.session.view.tab = "annotate"
    shared.set_unread(0)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def gate():
    """Jobs go on when this is set."""
    event = threading.Event()
    yield event
    event.set()


def waiting_job(gate: threading.Event, steps: int = 4):
    """A job that stands at 50 % until the gate opens."""
    yield Progress(steps / 2, steps, "half way", {"loss": 0.1})
    while not gate.wait(0.01):
        yield Progress(steps / 2, steps, "half way", {"loss": 0.1})
    return "result"


def failing_job():
    yield Progress(0, 2, "begin")
    raise FileProblem("/data/TS_09.mrc", "is truncated", "copy it again")


def texts(window) -> list[str]:
    return [note.notification.text for note in window.notifications.history]


# jobs


def test_the_status_line_shows_the_newest_job_and_its_buttons_act(window, qtbot, gate):
    line = window.status.jobs
    assert line.title.text() == "No jobs"
    job = window.workbench.jobs.start("Train membrane", lambda: waiting_job(gate))
    qtbot.waitUntil(lambda: line.percent.text() == "50 %")
    assert line.title.text() == "Train membrane"
    assert line.message.text() == "half way"
    places = [widget.geometry() for widget in (line.title, line.bar, line.percent, line.left, line.buttons.stop)]
    QTest.mouseClick(line.buttons.pause, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: line.left.text() == "paused")
    QTest.mouseClick(line.buttons.pause, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: job.state == "running")
    QTest.mouseClick(line.buttons.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: job.state == "cancelled")
    qtbot.waitUntil(lambda: line.left.text() == "stopped")
    after = [widget.geometry() for widget in (line.title, line.bar, line.percent, line.left, line.buttons.stop)]
    assert after == places  # nothing has moved


def test_a_click_on_the_job_shows_all_jobs_with_their_logs_and_errors(window, qtbot, gate):
    runner = window.workbench.jobs
    running = runner.start("Segment TS_01", lambda: waiting_job(gate))
    failed = runner.start("Segment TS_09", failing_job)
    qtbot.waitUntil(lambda: failed.state == "failed")
    QTest.mouseClick(window.status.jobs, Qt.MouseButton.LeftButton, pos=QPoint(20, 10))
    panel = window.jobs_panel
    assert panel.isVisible()
    qtbot.waitUntil(lambda: "half way" in panel.rows[running].message.text())
    row = panel.rows[failed]
    assert "copy it again" in row.message.text()
    row.fold.open()
    row.refresh()
    assert "Traceback" in row.log.toPlainText()
    panel.clear()
    assert failed not in panel.rows and running in panel.rows


def test_a_job_that_fails_says_why_unless_its_owner_does(window, qtbot):
    window.workbench.jobs.start("Segment TS_09", failing_job)
    heard = []
    window.workbench.jobs.start("Mesh TS_09", failing_job, on_error=heard.append)
    qtbot.waitUntil(lambda: bool(heard) and bool(texts(window)))
    qtbot.waitUntil(lambda: not window.workbench.jobs.active)
    assert [text for text in texts(window) if "failed" in text] == [
        "Segment TS_09 failed: /data/TS_09.mrc: is truncated; copy it again"
    ]


# messages


def in_lower_right(window, widget) -> bool:
    inside, corner = window.rect(), widget.mapTo(window, widget.rect().bottomRight())
    return inside.contains(corner) and corner.x() > inside.width() / 2 and corner.y() > inside.height() / 2


def test_messages_stack_wrap_and_go(window, qtbot):
    area = window.notifications
    area.fade_seconds = 0.3
    path = "/a/path/without/spaces/" + "x" * 200
    window.workbench.notify("Written", "info")
    window.workbench.notify(f"{path}: is truncated", "error", details="line 1\nline 2")
    assert [note.text for note in area.shown] == ["Written", f"{path}: is truncated"]
    error = area.card(area.shown[1])
    text = error.text
    assert text.document().size().width() <= text.width() + 1
    assert text.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    qtbot.waitUntil(lambda: in_lower_right(window, error))
    error.fold.open()
    assert "line 2" in error.fold.content.toPlainText() and error.fold.content.isVisible()
    qtbot.waitUntil(lambda: len(area.shown) == 1, timeout=3000)  # what informs has faded
    QTest.mouseClick(area.card(area.shown[0]).close_button, Qt.MouseButton.LeftButton)
    assert area.shown == [] and not area.isVisible()
    assert len(area.history) == 2  # both can be read again


def test_three_messages_at_most_and_the_same_one_is_counted(window):
    for number in range(5):
        window.workbench.notify(f"warning {number}", "warning")
    window.workbench.notify("warning 4", "warning")
    shown = [note.text for note in window.notifications.shown]
    assert shown == ["warning 2", "warning 3", "warning 4 (×2)"]
    window.notifications.dismiss(window.notifications.shown[-1])
    assert [note.text for note in window.notifications.shown] == ["warning 1", "warning 2", "warning 3"]


def test_the_button_of_a_message_acts(window):
    done = []
    window.workbench.notify("Not known", "warning", button="Set it", act=lambda: done.append(1))
    card = window.notifications.card(window.notifications.shown[0])
    QTest.mouseClick(card.button, Qt.MouseButton.LeftButton)
    assert done == [1] and window.notifications.shown == []


def test_the_bell_lists_earlier_messages(window):
    window.workbench.notify("TS_09 is truncated", "error", details="at byte 1024")
    window.notifications.dismiss_all()
    QTest.mouseClick(window.status.bell, Qt.MouseButton.LeftButton)
    history = window.findChild(HistoryWindow)
    assert history.tabs.currentWidget() is history.messages
    messages = history.messages
    messages.list.setCurrentIndex(messages.model.index(0, 0))
    assert "at byte 1024" in messages.details.toPlainText()
    assert window.unread == 0
    history.close()


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


# opening


def test_the_first_window_says_what_to_do(window, opened_later):
    assert window.welcome.isVisible()
    assert set(window.welcome.buttons) == {"file.open", "file.new", "help.demo"}
    opened_later()
    assert not window.welcome.isVisible()
    window.actions_by_id.trigger("file.close")
    window.welcome.repaint()
    assert window.workbench.session.view.tomogram is None


@pytest.fixture
def opened_later(window, tomogram, qtbot):
    def open_it():
        window.open_files([tomogram])
        qtbot.waitUntil(lambda: not window.welcome.isVisible())

    return open_it


def drop(window, *paths: Path) -> None:
    """Drop files on the window as a file manager does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 300), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), Qt.DropAction.CopyAction, data, buttons, keys))


def test_a_dropped_tomogram_opens_in_a_draft_that_can_be_saved(window, tomogram, tmp_path, monkeypatch, qtbot):
    drop(window, tomogram)
    session = window.workbench.session
    assert session.tomogram.name == "TS_01"
    qtbot.waitUntil(lambda: window.windowTitle() == "TS_01 (draft) – ais-app")
    assert window.side.draft.isVisible()
    target = tmp_path / "named"
    monkeypatch.setattr("PyQt6.QtWidgets.QFileDialog.getSaveFileName", lambda *_, **__: (str(target), ""))
    QTest.mouseClick(window.side.draft.button, Qt.MouseButton.LeftButton)
    assert session.project.path == target.with_suffix(".aisproj")
    assert session.tomogram.name == "TS_01"
    qtbot.waitUntil(lambda: window.windowTitle() == "named – ais-app")
    assert not window.side.draft.isVisible()
    assert list(window.workbench.drafts.glob("*.aisproj")) == []
    assert window.workbench.settings.recent[0] == str(target.with_suffix(".aisproj"))


def test_every_readable_format_can_be_dropped(window, tmp_path, rng, qtbot):
    volume = Tomogram(rng.normal(size=(6, 16, 20)).astype(np.float32), (8.0,) * 3)
    names = ("a.mrc", "b.tif", "c.ome.zarr")
    paths = [write_volume(tmp_path / name, volume.data, like=volume) for name in names]
    drop(window, *paths)
    assert [entry.name for entry in window.workbench.session.project.tomograms] == ["a", "b", "c"]
    assert window.workbench.session.tomogram.name == "a"  # the first is shown
    folder = tmp_path / "more"
    folder.mkdir()
    write_volume(folder / "d.mrc", volume.data, like=volume)
    drop(window, folder)
    assert [entry.name for entry in window.workbench.session.project.tomograms] == ["a", "b", "c", "d"]


def test_many_files_are_opened_between_events(window, tmp_path, rng, qtbot):
    volume = rng.normal(size=(2, 8, 8)).astype(np.float32)
    paths = [
        write_volume(tmp_path / f"TS_{n:02}.mrc", volume + n, like=Tomogram(volume, (8.0,) * 3)) for n in range(20)
    ]
    window.open_files(paths)
    assert window.opener.busy
    qtbot.waitUntil(lambda: not window.opener.busy)
    assert len(window.workbench.session.project.tomograms) == 20


def bad_files(folder: Path, tomogram: Path) -> dict[str, Path]:
    """Files that cannot be opened, by what is wrong with them."""
    made = {name: folder / name for name in ("empty.mrc", "empty.aisproj", "text.mrc", "text.aisproj", "gone.aisproj")}
    for path in made.values():
        if path.name != "gone.aisproj":
            path.write_text("" if path.name.startswith("empty") else "these are not the voxels you look for")
    (folder / "folder.mrc").mkdir()
    (folder / "folder.aisproj").mkdir()
    (folder / "nothing").mkdir()
    newer = folder / "newer.aisproj"
    with Project.create(newer):
        pass
    with sqlite3.connect(newer) as base:
        base.execute("PRAGMA user_version = 999")
    base.close()
    truncated = folder / "truncated.mrc"
    truncated.write_bytes(tomogram.read_bytes()[:3000])
    extra = ("folder.mrc", "folder.aisproj", "nothing", "newer.aisproj", "truncated.mrc")
    return made | {name: folder / name for name in extra}


BAD = ("empty.mrc", "empty.aisproj", "text.mrc", "text.aisproj", "gone.aisproj", "folder.mrc", "folder.aisproj",
       "nothing", "newer.aisproj", "truncated.mrc")  # fmt: skip


def test_what_cannot_be_opened_is_said_and_nothing_is_lost(opened, tomogram, tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    paths = bad_files(folder, tomogram)
    session = opened.workbench.session
    before = session.project.path
    for name in BAD:
        count = len(texts(opened))
        opened.open_files([paths[name]])
        assert len(texts(opened)) > count, name
        said = texts(opened)[-1]
        assert name in said and "Traceback" not in said and ("; " in said or ": " in said), said
    assert session.project.path == before and not session.project.read_only
    assert [feature.name for feature in session.project.features] == ["membrane", "ribosome"]
    assert str(paths["newer.aisproj"]) not in opened.workbench.settings.recent


def test_a_bad_file_leaves_no_draft_behind(window, tmp_path):
    bad = tmp_path / "text.mrc"
    bad.write_text("no voxels")
    window.open_files([bad])
    assert not window.workbench.session.has_project
    assert list(window.workbench.drafts.glob("*")) == []
    assert "text.mrc" in texts(window)[-1]


def test_a_project_that_is_open_elsewhere_is_opened_read_only_and_that_is_said(window, project, qtbot):
    with Project.open(project):
        window.open_files([project])
        assert window.workbench.session.project.read_only
        assert any("read-only" in text for text in texts(window))
        qtbot.waitUntil(lambda: "read-only" in window.windowTitle())
        window.workbench.session.close()


def test_the_open_project_is_not_opened_twice(opened, project):
    opened.open_files([project])
    assert not opened.workbench.session.project.read_only
    assert texts(opened)[-1] == "lamella.aisproj is open already"


def test_recent_files_open_again(opened, project, tomogram, qtbot):
    opened.actions_by_id.trigger("file.close")
    recent = next(menu for menu in opened.findChildren(QMenu) if "recent" in menu.title())
    recent.aboutToShow.emit()
    texts_of = [action.text() for action in recent.actions()]
    assert texts_of == [str(project)]
    recent.actions()[0].trigger()
    assert opened.workbench.session.project.path == project


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


# the demo


@pytest.mark.filterwarnings("default::ais_app.core.errors.DataWarning")
def test_the_demo_runs_in_the_window_and_opens_its_project(window, tmp_path, qtbot, monkeypatch):
    from ais_app.operations import demo as module

    folder = tmp_path / "demo"

    def short_job(out_dir, params):
        """Everything but the four minutes: the annotations, as the demo itself makes them."""
        yield Progress(0, 2, "simulate")
        source = shutil.copytree(tmp_path / "made", out_dir / module.TRAINED_ON)
        assert source.exists()
        with Project.create(out_dir / "demo.aisproj") as project:
            project.add_tomogram(out_dir / module.TRAINED_ON / "tomogram.mrc", name=module.TRAINED_ON)
        yield Progress(1, 2, "train")
        return module.DemoResult(out_dir / "report.html", out_dir / "demo.aisproj", {"membrane": 0.9}, None, {})

    made = tmp_path / "made"
    made.mkdir()
    volume = np.random.default_rng(0).normal(size=(4, 16, 16)).astype(np.float32)
    write_volume(made / "tomogram.mrc", volume, like=Tomogram(volume, (10.0,) * 3))
    monkeypatch.setattr(module, "demo_job", short_job)
    job = start_demo(window, folder)
    assert start_demo(window, folder) is job or job.state == "done"  # not twice
    qtbot.waitUntil(lambda: window.workbench.session.has_project, timeout=10000)
    assert window.workbench.session.project.path == folder / "demo.aisproj"
    assert any("0.90" in text for text in texts(window))
    asked = []
    monkeypatch.setattr(
        "PyQt6.QtWidgets.QFileDialog.getSaveFileName", lambda *rest, **_: asked.append(rest) or ("", "")
    )
    note = next(each for each in window.notifications.shown if str(folder) in each.text)
    QTest.mouseClick(window.notifications.card(note).button, Qt.MouseButton.LeftButton)
    assert len(asked) == 1  # for a name


def test_the_demo_can_be_taken_elsewhere(window, tmp_path, qtbot, monkeypatch):
    from ais_app.operations import demo as module

    places = []

    def endless_job(out_dir, params):
        out_dir.mkdir(parents=True)
        places.append(out_dir)
        while True:
            time.sleep(0.005)
            yield Progress(0, 2, "simulate")

    monkeypatch.setattr(module, "demo_job", endless_job)
    monkeypatch.setattr("PyQt6.QtWidgets.QFileDialog.getExistingDirectory", lambda *_, **__: str(tmp_path))
    window.actions_by_id.trigger("help.demo")
    qtbot.waitUntil(lambda: len(places) == 1)
    (note,) = window.notifications.shown
    assert str(places[0]) in note.text and places[0].parent == window.workbench.drafts
    QTest.mouseClick(window.notifications.card(note).button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(places) == 2)
    assert places[1].parent == tmp_path
    qtbot.waitUntil(lambda: not places[0].exists())


# jobs that nobody asked for


def test_short_and_quiet_jobs_do_not_flicker_in_the_status_line(window, qtbot, gate):
    line, runner, seen = window.status.jobs, window.workbench.jobs, []

    def short():
        yield Progress(0, 1, "soon done")

    was, refresh = line.title.text(), line.refresh
    line.refresh = lambda: (refresh(), seen.append((line.title.text(), line.buttons.stop.isVisible())))
    runner.changed.connect(line.refresh)
    done = runner.start("Short", short)
    quiet = runner.start("List networks", lambda: waiting_job(gate), quiet=True)
    qtbot.waitUntil(lambda: done.state == "done" and quiet.progress.done > 0)
    qtbot.wait(600)
    runner.changed.disconnect(line.refresh)
    line.refresh = refresh
    assert seen and {title for title, _ in seen} == {was} and not any(stop for _, stop in seen)
    assert not runner.active  # so that closing the window asks nothing
    QTest.mouseClick(line, Qt.MouseButton.LeftButton, pos=QPoint(20, 10))
    assert quiet not in window.jobs_panel.rows and done in window.jobs_panel.rows
    gate.set()
    qtbot.waitUntil(lambda: quiet.state == "done")


def test_a_quiet_job_that_fails_is_shown(window, qtbot):
    failed = window.workbench.jobs.start("List networks", failing_job, quiet=True)
    qtbot.waitUntil(lambda: failed.state == "failed")
    qtbot.waitUntil(lambda: any("List networks failed" in text for text in texts(window)))
    assert failed in window.workbench.jobs.listed
