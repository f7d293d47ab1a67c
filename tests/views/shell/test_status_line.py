"""What the window says: jobs in the status line and their panel, messages in the corner."""

from __future__ import annotations

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from shell_view import failing_job, texts, waiting_job

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.jobs import Progress
from ais_app.state.project import Project
from ais_app.views.shell.history_window import HistoryWindow

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


def test_what_can_be_put_right_at_once_goes_by_itself_and_what_failed_stays(window, qtbot, monkeypatch):
    def refused():
        raise ParameterProblem("tilts", "are not known", "give the lowest and highest tilt")

    def failed():
        raise FileProblem("TS_01.mrc", "cannot be written", "see whether the disk is full")

    area = window.notifications
    monkeypatch.setattr(area, "fade_seconds", 0.1)
    window.workbench.notify("TS_09 has no voxel size", "warning")
    assert not window.workbench.attempt(failed) and not window.workbench.attempt(refused)
    kinds = [note.notification.kind for note in area.shown]
    assert kinds == ["warning", "error", "warning"]
    qtbot.waitUntil(lambda: len(area.shown) == 2, timeout=5000)
    qtbot.wait(600)
    assert [note.text.split(":")[0] for note in area.shown] == ["TS_09 has no voxel size", "TS_01.mrc"]
    assert "give the lowest" in texts(window)[-1]  # it can be read again


def test_the_same_words_are_shown_once_whatever_came_between(window):
    area, notify = window.notifications, window.workbench.notify
    for words in ("one", "two", "one", "three", "four", "five", "one"):
        notify(words, "warning")
    assert [note.text for note in area.shown] == ["four", "five", "one (×3)"]
    notify("four failed: x", "error", details="at byte 7")
    notify("four failed: x", "error", details="at byte 9")
    assert [note.text for note in area.shown] == ["five", "one (×3)", "four failed: x"]
    assert area.shown[-1].notification.details == "at byte 9"
    QTest.mouseClick(window.status.bell, Qt.MouseButton.LeftButton)
    model = window.findChild(HistoryWindow).messages.model
    listed = [model.index(row, 0).data().split("  ")[1] for row in range(model.rowCount())]
    assert listed == ["four failed: x", "four failed: x", "one (×3)", "five", "four", "three", "two"]
    notify("two", "warning")
    assert model.rowCount() == 7 and model.index(0, 0).data().endswith("two (×2)")


def test_a_message_that_comes_again_while_it_fades_stays(window, qtbot, monkeypatch):
    area = window.notifications
    monkeypatch.setattr(area, "fade_seconds", 0.1)
    window.workbench.notify("Written")
    card = area.card(area.shown[0])
    qtbot.waitUntil(lambda: card.graphicsEffect() is not None)
    window.workbench.notify("Written")
    assert card.graphicsEffect() is None and [note.text for note in area.shown] == ["Written (×2)"]


def test_another_project_begins_without_the_messages_of_the_one_before(window, tmp_path):
    names = [tmp_path / name for name in ("first.aisproj", "second.aisproj")]
    for path in names:
        Project.create(path).close()
    area = window.notifications
    window.workbench.notify("the graphics are slow", "warning")
    window.open_files([names[0]])
    assert [note.text for note in area.shown] == ["the graphics are slow"]  # no project was open before
    window.workbench.notify("TS_01 has no voxel size", "warning")
    window.workbench.notify("Training failed: no memory is left", "error")
    window.open_files([names[1]])
    assert [note.text for note in area.shown] == ["Training failed: no memory is left"]


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
