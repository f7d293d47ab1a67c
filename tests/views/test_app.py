"""The program as a process: how fast it is up, what it imports, how it ends, what it says without a screen."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, qWarning
from PyQt6.QtWidgets import QApplication

from ais_app.__main__ import main
from ais_app.core.errors import DataWarning
from ais_app.core.jobs import Progress
from ais_app.core.scoring import PickScore
from ais_app.operations import demo
from ais_app.views.app import Hooks
from ais_app.views.dialogs.crash import CrashDialog
from ais_app.views.main_window import MainWindow
from ais_app.views.workbench import Workbench

EXITS, AT_ONCE = 10, 2
MOST_OF_BARE = 3  # times what the libraries alone take for an empty window, in the same minute on the same machine

# Runs the program; says when its window is on screen, then does what the second argument says.
CHILD = """
import gc, sys, time
gc.disable()  # as the command line does
from PyQt6.QtCore import QEvent, QObject, QTimer
from ais_app.core.jobs import Progress

manner, files = sys.argv[1], sys.argv[2:]

def forever():
    while True:
        time.sleep(0.002)
        yield Progress(1, 2, "works")

def leave(window):
    if manner == "jobs":
        for number in range(3):
            window.workbench.jobs.start(f"job {number}", forever)
    if manner == "close":
        QTimer.singleShot(300, window.close)
    print("leave", flush=True)

class Watch(QObject):
    def eventFilter(self, window, event):
        if event.type() == QEvent.Type.Paint:
            window.removeEventFilter(self)
            QTimer.singleShot(0, lambda: self.up(window))
        return False

    def up(self, window):
        heavy = sorted({"torch", "sklearn"} & set(sys.modules))
        print("up", time.thread_time(), heavy, flush=True)
        QTimer.singleShot(200, lambda: leave(window))

import ais_app.views.app as app
watch = Watch()
make = app.MainWindow
def made(workbench):
    window = make(workbench)
    window.installEventFilter(watch)
    return window
app.MainWindow = made
sys.exit(app.run_window(files))
"""

# The least a window on these libraries takes: they are imported and draw one empty slice.
BARE = """
import gc, time
gc.disable()
import numpy, OpenGL.GL, psygnal, pyqtgraph, qtawesome, superqt, vispy
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication, QMainWindow
from vispy import scene

vispy.use("pyqt6", "gl+")
application, window = QApplication([]), QMainWindow()
canvas = scene.SceneCanvas(keys=None, show=False)
view = canvas.central_widget.add_view(camera="panzoom")
scene.visuals.Image(numpy.zeros((64, 64), "f4"), parent=view.scene)
window.setCentralWidget(canvas.native)
window.show()
canvas.native.repaint()
QTimer.singleShot(0, application.quit)
application.exec()
print(time.thread_time())
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("app") / "child.py"
    path.write_text(CHILD)
    return path


def environment(folder: Path) -> dict[str, str]:
    """Settings and drafts of its own for a child; compiled modules are kept, as where the program is installed."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    own = {"XDG_CONFIG_HOME": folder / "config", "XDG_DATA_HOME": folder / "data"}
    return {**variables, **{name: str(path) for name, path in own.items()}}


def start(script: Path, folder: Path, manner: str, *files: Path) -> tuple[float, list[str], int, str]:
    """Run a child; return how long it took to be up, what it had imported, its exit code, and its stderr.

    Times are of the processor, on the main thread: what else the machine does is left out.
    """
    folder.mkdir()
    arguments = [sys.executable, str(script), manner, *map(str, files)]
    child = subprocess.Popen(
        arguments, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    word, seconds, heavy = child.stdout.readline().split(maxsplit=2)
    assert word == "up"
    assert child.stdout.readline() == "leave\n"
    if manner != "close":
        time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
    _, errors = child.communicate(timeout=60)
    return float(seconds), eval(heavy), child.returncode, errors


@pytest.fixture(scope="module")
def runs(qapp, script, phantom, tmp_path_factory) -> list[tuple[float, list[str], int, str]]:
    """Ten runs: closed by a person, ended by the system, ended by the system while jobs run."""
    folder = tmp_path_factory.mktemp("runs")
    manners = [("close", "term", "jobs")[turn % 3] for turn in range(EXITS)]
    tomogram = phantom / "tomogram.mrc"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        turns = [pool.submit(start, script, folder / str(n), how, tomogram) for n, how in enumerate(manners)]
        return [turn.result() for turn in turns]


def test_ten_clean_exits_in_a_row_also_while_jobs_run(runs):
    assert [run[2:] for run in runs] == [(0, "")] * EXITS


def test_the_window_is_up_soon_and_without_torch(runs, tmp_path):
    assert all(heavy == [] for _, heavy, _, _ in runs)
    child = [sys.executable, "-c", BARE]
    bare = [
        float(subprocess.run(child, env=environment(tmp_path), capture_output=True, check=True, timeout=60).stdout)
        for _ in range(3)
    ]
    assert min(seconds for seconds, *_ in runs) < MOST_OF_BARE * min(bare)


@pytest.mark.parametrize("display", [None, ":987"])
def test_without_a_screen_it_says_so_in_one_line(tmp_path, display):
    variables = {name: value for name, value in environment(tmp_path).items() if name != "WAYLAND_DISPLAY"}
    variables.pop("DISPLAY", None)
    if display is not None:
        variables["DISPLAY"] = display
    ended = subprocess.run(
        [sys.executable, "-m", "ais_app", "gui"], env=variables, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1 and "display" in ended.stderr and "ais-app --help" in ended.stderr


def test_a_project_can_be_given_and_is_closed_in_order(qapp, tmp_path, project):
    child = subprocess.Popen(
        [sys.executable, "-m", "ais_app", "gui", "--project", str(project)],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    )
    lock = project.with_name(f".{project.name}.lock")
    end = time.monotonic() + 30
    while time.monotonic() < end and not lock.exists():
        time.sleep(0.05)
    time.sleep(0.3)
    child.send_signal(signal.SIGTERM)
    _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (0, "")
    assert not lock.exists()
    settings = tmp_path / "config" / "ais-app" / "settings.json"
    assert str(project) in settings.read_text(encoding="utf-8")


def test_the_program_alone_opens_the_window(monkeypatch):
    asked = []
    monkeypatch.setattr("ais_app.cli.app.run", lambda arguments: asked.append(arguments) or 0)
    monkeypatch.setattr(sys, "argv", ["ais-app"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (asked, ended.value.code) == ([["gui"]], 0)


@pytest.mark.parametrize("options", [[], ["--open"]])
def test_the_demo_ends_by_offering_the_window(ais, tmp_path, monkeypatch, options):
    made = demo.DemoResult(
        tmp_path / "report.html",
        tmp_path / "demo.aisproj",
        {"membrane": 0.9},
        PickScore(9, 10, 9, 12.0),
        {"train": 1.0},
    )

    def job(out_dir, params):
        yield Progress(0, 1)
        return made

    opened = []
    monkeypatch.setattr(demo, "demo_job", job)
    monkeypatch.setattr("ais_app.cli.gui.gui", lambda files, project: opened.append(project))
    code, out, error = ais("demo", "-o", tmp_path, *options)
    assert code == 0, error
    assert f"ais-app gui --project {made.project}" in out
    assert opened == ([made.project] if options else [])


# errors that nobody caught


@pytest.fixture
def hooked(window, qtbot):
    hooks = Hooks(window)
    yield window
    hooks.remove()


def test_an_error_on_any_thread_is_shown_and_the_program_goes_on(hooked, qtbot):
    def fail():
        raise RuntimeError("on a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: hooked.findChild(CrashDialog) is not None)
    dialog = hooked.findChild(CrashDialog)
    assert "on a thread" in dialog.sentence.text()
    try:
        raise ValueError("in a slot")
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    assert "2 times" in dialog.sentence.text() and "in a slot" in dialog.details.toPlainText()
    assert any("on a thread" in line for line in hooked.log_tail.lines)
    dialog.close()


def test_a_warning_about_data_is_a_message_whatever_thread_it_comes_from(hooked, qtbot):
    def warn():
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(DataWarning("TS_01.mrc: has changed"), stacklevel=1)

    thread = threading.Thread(target=warn)
    # catch_warnings puts the hook back as it was when it was entered: ours
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: [n.notification.kind for n in hooked.notifications.history] == ["warning"])


def test_what_qt_says_goes_to_the_log(qapp):
    from PyQt6.QtCore import qInstallMessageHandler

    from ais_app.views import app

    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger = logging.getLogger("ais_app.qt")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    before = qInstallMessageHandler(app.log_qt)
    try:
        qWarning(b"something about a font")
    finally:
        qInstallMessageHandler(before)
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert ["something about a font"] == [record.getMessage() for record in records]


# nothing stays behind


def live_and_leave(folder: Path, project: Path, qtbot) -> None:
    window = MainWindow(Workbench(folder / "settings", folder / "drafts"))
    window.show()
    window.open_files([project])
    qtbot.waitUntil(lambda: window.slices.panes["z"].shown_index is not None, timeout=10000)
    for name in ("help.keys", "help.history", "help.console", "help.palette", "help.about"):
        window.actions_by_id.trigger(name)
    assert threading.active_count() > 1
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_a_window_leaves_no_threads_and_no_windows_behind(qapp, tmp_path, project, qtbot):
    before = set(threading.enumerate())
    known = set(QApplication.topLevelWidgets())
    live_and_leave(tmp_path, project, qtbot)
    gc.collect()
    assert [thread for thread in threading.enumerate() if thread not in before] == []
    left = [widget for widget in QApplication.topLevelWidgets() if widget not in known]
    assert [widget for widget in left if isinstance(widget, MainWindow) or widget.isVisible()] == []


def test_the_layout_comes_back(qapp, tmp_path):
    folders = (tmp_path / "settings", tmp_path / "drafts")
    first = MainWindow(Workbench(*folders))
    first.resize(1400, 900)
    first.show()
    first.side.splitter.setSizes([300, 500])
    sizes = first.side.splitter.sizes()
    first.close()
    second = MainWindow(Workbench(*folders))
    second.show()
    try:
        assert (second.width(), second.height()) == (1400, 900)
        assert second.side.splitter.sizes() == sizes
    finally:
        second.close()
        for window in (first, second):
            window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
