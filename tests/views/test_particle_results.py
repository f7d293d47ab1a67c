"""What work on particles has found goes to the picks that it was asked about, whatever the gallery shows by then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gallery_view import LEFT, SIZE, WAIT, make_project, panel_of, settle, show
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog

from ais_app.core.model.package import ModelCard, architecture, new_model, save_model
from ais_app.core.particle_set import Particles
from ais_app.core.particles.halves_params import AverageParams
from ais_app.state import commands
from ais_app.state.commands import particles
from ais_app.state.gallery_table import PickSource
from ais_app.views.main_window import MainWindow
from ais_app.views.particles import panel as panel_module
from ais_app.workers.job_runner import JobHandle

PICKS = Particles(np.array([(16, 14 + 18 * row, 14 + 18 * column) for row in range(6) for column in range(5)]) * SIZE)
COUNT = len(PICKS)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def shown(window: MainWindow, tmp_path: Path, qtbot, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """The window with thirty picks of the set *found* in view, and a set *others* of four; alignments are quick."""
    quick = AverageParams(iterations=1, angular_step=60.0, max_shift=20.0, seed=1)
    monkeypatch.setattr(panel_module, "alignment", lambda symmetry: quick)
    window.open_files([make_project(tmp_path, PICKS, radius=50.0)])
    window.workbench.session.project.add_picks(1, "others", PICKS[:4], feature="membrane", radius=50.0)
    show(window, qtbot)
    choose(window, "found", qtbot)
    return window


@pytest.fixture
def said(shown: MainWindow) -> list[tuple[str, str]]:
    """What notifications say, with their kinds."""
    heard: list[tuple[str, str]] = []
    shown.workbench.notified.connect(lambda note: heard.append((note.kind, note.text)))
    return heard


def choose(window: MainWindow, name: str, qtbot) -> None:
    """Choose a set under *Particles*, with the keys."""
    box = panel_of(window).source.source
    qtbot.waitUntil(lambda: any(box.itemText(place).startswith(f"{name} ·") for place in range(box.count())))
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(box.count()):
        if not box.currentText().startswith(f"{name} ·"):
            QTest.keyClick(box, Qt.Key.Key_Down)
    assert window.workbench.session.gallery.source == PickSource(name)
    settle(window, qtbot)


def pressed(window: MainWindow, button) -> JobHandle:
    """Press a button that begins work, and hold the work at its first step."""
    QTest.mouseClick(button, LEFT)
    (job,) = window.workbench.jobs.active
    job.pause()
    return job


def ended(window: MainWindow, job: JobHandle, qtbot) -> None:
    """Let the work go on to its end."""
    job.resume()
    qtbot.waitUntil(lambda: not job.is_active, timeout=WAIT)
    assert job.state == "done"


def store(window: MainWindow, name: str = "found"):
    project = window.workbench.session.project
    return project.pick_store(next(each for each in project.pick_sets if each.name == name))


def test_poses_and_average_of_a_set_that_is_not_in_view(shown: MainWindow, said, qtbot) -> None:
    session, panel = shown.workbench.session, panel_of(shown)
    job = pressed(shown, panel.average.align)
    choose(shown, "others", qtbot)
    ended(shown, job, qtbot)
    assert session.project.undo_title == f"Align {COUNT} particles"
    posed = store(shown).read().rotations
    assert posed is not None and np.isfinite(posed).all() and store(shown, "others").read().rotations is None
    assert said == [("info", f"{COUNT} particles were aligned; the result is in “found”")]
    assert panel.jobs.average is None and not panel.average.save.isEnabled()
    choose(shown, "found", qtbot)
    qtbot.waitUntil(panel.average.save.isEnabled, timeout=WAIT)
    assert panel.average.words.text().startswith(f"{COUNT} particles · ")
    QTest.mouseClick(panel.average.place, LEFT)
    assert session.view.tab == "render" and len(said) == 1


def test_an_average_is_not_placed_where_its_alignment_was_undone(shown: MainWindow, said, tmp_path, qtbot) -> None:
    session, panel = shown.workbench.session, panel_of(shown)
    ended(shown, pressed(shown, panel.average.align), qtbot)
    session.project.undo()
    QTest.mouseClick(panel.average.place, LEFT)
    assert "turned otherwise" in said[-1][1] and session.view.tab == "particles"
    session.close()
    shown.open_files([tmp_path / "noise.aisproj"])  # and what is kept knows it as well
    show(shown, qtbot)
    qtbot.waitUntil(panel.average.save.isEnabled, timeout=WAIT)
    QTest.mouseClick(panel.average.place, LEFT)
    assert len(said) == 2 and "turned otherwise" in said[-1][1]
    session.project.redo()
    settle(shown, qtbot)
    QTest.mouseClick(panel.average.place, LEFT)
    assert session.view.tab == "render"


def test_what_is_left_of_the_picks_gets_its_poses(shown: MainWindow, said, qtbot) -> None:
    session, panel = shown.workbench.session, panel_of(shown)
    job = pressed(shown, panel.average.align)
    store(shown).remove([0, 7])
    moved = PICKS.positions_zyx[3] + 31.0
    store(shown).change([3], positions_zyx=moved[None])
    ended(shown, job, qtbot)
    picks = store(shown).read()
    assert picks.rotations is not None
    assert picks.ids[np.isnan(picks.rotations).any(axis=(1, 2))].tolist() == [3]  # a person knew better
    assert picks.positions_zyx[picks.ids == 3].tolist() == [moved.tolist()]
    away = np.abs(picks.positions_zyx - PICKS.positions_zyx[picks.ids])[picks.ids != 3]
    assert away.max() < 90.0  # each has its own: they are 180 Å apart
    assert said == [
        ("info", "30 particles were aligned; 3 of them got nothing, as they were removed or moved meanwhile")
    ]
    session.project.undo()
    assert store(shown).read().rotations is None


@pytest.mark.parametrize("kind", ["average", "align", "group"])
def test_where_all_picks_are_gone_that_is_said_and_nothing_is_kept(shown: MainWindow, said, kind, qtbot) -> None:
    session, panel = shown.workbench.session, panel_of(shown)
    panel.clusters.count.setValue(2)
    buttons = {"average": panel.average.average, "align": panel.average.align, "group": panel.clusters.group}
    job = pressed(shown, buttons[kind])
    session.project.remove_picks(store(shown).entry)
    before = session.project.undo_title
    ended(shown, job, qtbot)
    ((sort, words),) = said
    assert sort == "info" and words.startswith("30 particles were ") and "nothing was kept" in words
    assert session.project.undo_title == before and panel.jobs.average is None


def listed(window: MainWindow, job: JobHandle, words: str, qtbot) -> None:
    """Wait until the list of jobs says this of one."""
    window.jobs_panel.toggle()
    qtbot.waitUntil(lambda: window.jobs_panel.rows[job].message.text() == words, timeout=WAIT)


def test_the_list_of_jobs_says_that_nothing_is_kept_of_a_closed_project(shown: MainWindow, said, qtbot) -> None:
    job = pressed(shown, panel_of(shown).average.align)
    shown.workbench.session.close()
    qtbot.waitUntil(lambda: job.state == "cancelled", timeout=WAIT)
    listed(shown, job, "its project was closed: nothing is kept", qtbot)
    assert not said


def test_work_that_ends_just_as_the_project_is_closed_says_so_as_well(shown: MainWindow, said, qtbot) -> None:
    job, found = pressed(shown, panel_of(shown).average.average), []
    job.finished.connect(found.append)
    ended(shown, job, qtbot)
    shown.workbench.session.close()
    job.finished.emit(found[0])
    listed(shown, job, "its project was closed: nothing is kept", qtbot)
    assert not said


def test_clusters_of_a_set_that_is_not_in_view(shown: MainWindow, said, qtbot) -> None:
    session, panel = shown.workbench.session, panel_of(shown)
    panel.clusters.count.setValue(3)
    job = pressed(shown, panel.clusters.group)
    choose(shown, "others", qtbot)
    store(shown).remove([0])
    ended(shown, job, qtbot)
    assert session.project.undo_title == "Group 30 particles"
    words = "30 particles were grouped; 1 of them got nothing, as they were removed meanwhile"
    assert said == [("info", f"{words}; the result is in “found”")]
    assert not panel.clusters.rows
    choose(shown, "found", qtbot)
    qtbot.waitUntil(lambda: len(panel.clusters.rows) == 3, timeout=WAIT)
    assert (session.gallery.clusters >= 0).all() and len(session.gallery.clusters) == COUNT - 1


def test_classes_of_a_set_that_is_not_in_view(shown: MainWindow, said, tmp_path, qtbot, monkeypatch) -> None:
    session, panel = shown.workbench.session, panel_of(shown)
    particles.set_class(session, [1, 2, 4], "by hand")
    particles.set_box(session, edge=16)
    card = ModelCard("rb3d_pooled", {**architecture("rb3d_pooled").parameters, "classes": 2}, feature="subtomogram",
                     training={"data": {"classes": ["left", "right"]}})  # fmt: skip
    network = save_model(new_model(card), tmp_path / "classes.aismodel")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(network), ""))
    job = pressed(shown, panel.classify)
    choose(shown, "others", qtbot)
    store(shown).remove([0])
    project = session.project
    project.change_picks(store(shown).entry, name="renamed")
    ended(shown, job, qtbot)
    picks = store(shown, "renamed").read()
    assert set(picks.columns["class_name"]) <= {"left", "right"} and len(picks) == COUNT - 1
    assert "class_name" not in store(shown, "others").read().columns
    before = "3 of them had another class before: undo brings it back"
    words = f"30 particles were classified; {before}; 1 of them got nothing, as they were removed meanwhile"
    assert said == [("info", f"{words}; the result is in “renamed”")]
    line = next(line.python for line in session.log.lines if "class_picks" in line.python)
    project.undo()
    before = store(shown, "renamed").read().columns["class_name"]
    assert {name for name in before if name} == {"by hand"}
    exec(line, {"commands": commands, "session": session})
    assert store(shown, "renamed").read().columns["class_name"] == picks.columns["class_name"]
