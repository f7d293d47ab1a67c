"""What is opened: tomograms and projects, dropped or chosen, those that cannot be, and the demo."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QDragEnterEvent, QDropEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QMenu
from shell_view import texts

from ais_app.core.io import write_volume
from ais_app.core.jobs import Progress
from ais_app.core.tomogram import Tomogram
from ais_app.state.project import Project
from ais_app.views.shell.demo import start_demo


@pytest.fixture
def opened_later(window, tomogram, qtbot):
    def open_it():
        window.open_files([tomogram])
        qtbot.waitUntil(lambda: not window.welcome.isVisible())

    return open_it


def test_the_first_window_says_what_to_do(window, opened_later):
    assert window.welcome.isVisible()
    assert set(window.welcome.buttons) == {"file.open", "file.new", "help.demo"}
    opened_later()
    assert not window.welcome.isVisible()
    window.actions_by_id.trigger("file.close")
    window.welcome.repaint()
    assert window.workbench.session.view.tomogram is None


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
