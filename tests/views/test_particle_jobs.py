"""Averages, clusters and classes of the particles in the gallery; and a window that answers with 5,000 of them."""

from __future__ import annotations

import threading
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from gallery_view import (
    CTRL,
    LEFT,
    SHAPE,
    SIZE,
    WAIT,
    click,
    drag,
    grid_of,
    make_project,
    panel_of,
    place_at_rest,
    rows,
    show,
)
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog
from scipy.ndimage import label
from watchdog import STALL, Watchdog

from ais_app.core.errors import ProjectProblem
from ais_app.core.model.package import ModelCard, architecture, new_model, save_model
from ais_app.core.particle_set import Particles
from ais_app.core.particles.wedge import Wedge
from ais_app.core.scene.scene import ScenePicks
from ais_app.state.commands import particle_results, particles, projects
from ais_app.state.project import Project
from ais_app.state.scene_store import scene_of
from ais_app.views.main_window import MainWindow
from ais_app.views.particles.average_section import AverageSection

RINGS, BALLS = 15, 15


@pytest.fixture(scope="module")
def two_kinds() -> tuple[np.ndarray, Particles]:
    """A tomogram of 15 rings and 15 balls, dark, in noise; the picks of the rings come first."""
    random = np.random.default_rng(0)
    volume = random.normal(0, 0.3, SHAPE).astype(np.float32)
    places = [(16, 14 + 18 * row, 14 + 18 * column) for row in range(6) for column in range(5)]
    grid = np.indices(SHAPE)
    for number, place in enumerate(places):
        away = np.sqrt(sum((grid[axis] - place[axis]) ** 2 for axis in range(3)))
        volume -= np.exp(-(((away - 5) / 1.2) ** 2)) if number < RINGS else 1.5 * np.exp(-((away / 2.5) ** 2))
    return volume, Particles(np.array(places) * SIZE)


@pytest.fixture
def shown(window: MainWindow, two_kinds: tuple[np.ndarray, Particles], tmp_path: Path, qtbot) -> MainWindow:
    """The window with these particles in the gallery."""
    window.open_files([make_project(tmp_path, two_kinds[1], two_kinds[0], radius=50.0)])
    show(window, qtbot)
    return window


def again(window: MainWindow, qtbot) -> None:
    """Close the project and open it again, with the gallery in view."""
    path = window.workbench.session.project.path
    window.workbench.session.close()
    window.open_files([path])
    show(window, qtbot)


def average(window: MainWindow, qtbot) -> AverageSection:
    panel = panel_of(window)
    QTest.mouseClick(panel.average.average, LEFT)
    qtbot.waitUntil(lambda: panel.jobs.average is not None and not panel.jobs.running("average"), timeout=WAIT)
    return panel.average


def test_average_now_save_and_place(shown: MainWindow, tmp_path: Path, qtbot, monkeypatch) -> None:
    session = shown.workbench.session
    particles.select(session, np.arange(RINGS))
    section = average(shown, qtbot)
    found = panel_of(shown).jobs.average
    assert found is not None and found.rows.tolist() == list(range(RINGS))
    cube = found.averages.average
    middle = len(cube) // 2
    assert cube[middle, middle, middle + 5] > cube[middle, middle, middle] + cube.std()  # bright, a ring
    assert found.resolutions[0] is not None and found.resolutions[0] < 40
    assert f"{found.resolutions[0]:.1f} Å at 0.143" in section.words.text()
    assert not section.strip.is_empty
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "out"))
    QTest.mouseClick(section.save, LEFT)
    names = ["average.mrc", "fsc.csv", "half1.mrc", "half2.mrc"]
    qtbot.waitUntil(lambda: (tmp_path / "out" / "fsc.csv.json").exists(), timeout=WAIT)
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {*names, *(f"{name}.json" for name in names), "particles.csv"}
    with mrcfile.open(tmp_path / "out" / "average.mrc") as file:
        assert float(file.voxel_size.x) == pytest.approx(SIZE)
    line = next(line for line in session.log.lines if line.title == f"Average {RINGS} of 30 particles")
    assert line.shell == ""  # a terminal knows no selections
    exec(line.python.replace("'out_dir': 'average'", f"'out_dir': {str(tmp_path / 'again')!r}"), {})
    assert (tmp_path / "again" / "average.mrc").read_bytes() == (tmp_path / "out" / "average.mrc").read_bytes()
    QTest.mouseClick(section.place, LEFT)
    assert session.view.tab == "render"
    (picks,) = scene_of(session).picks
    assert isinstance(picks, ScenePicks) and picks.style == "map"
    with mrcfile.open(picks.template) as file:
        pieces, count = label(file.data >= picks.template_level)
    sizes = np.bincount(pieces.ravel())[1:]
    assert count and 10 * sizes.min() >= sizes.max()  # no specks of noise at every pick
    assert label(cube >= picks.template_level)[1] > count
    assert picks.template_level == float(f"{picks.template_level:.3g}")
    words = section.words.text()
    again(shown, qtbot)
    qtbot.waitUntil(lambda: panel_of(shown).jobs.average is not None, timeout=WAIT)
    assert section.words.text() == words and not section.strip.is_empty
    session.project.remove_picks(session.project.pick_sets[0])
    QTest.mouseClick(section.place, LEFT)  # what went into it is gone: nothing happens, or it is said


def test_rejected_ones_are_left_out_and_one_particle_has_no_halves(shown: MainWindow, qtbot) -> None:
    session = shown.workbench.session
    particles.reject(session, np.arange(1, 30))
    section = average(shown, qtbot)
    found = panel_of(shown).jobs.average
    assert found is not None and found.rows.tolist() == [0]
    assert "1 particle · no halves to compare" in section.words.text()
    particles.reject(session, [0])
    said: list[object] = []
    shown.workbench.notified.connect(lambda note: said.append(note.text))
    QTest.mouseClick(section.average, LEFT)
    assert "there is none to work on" in str(said[-1])


def test_what_is_below_the_average_stays_where_it_is_when_it_arrives(shown: MainWindow, qtbot) -> None:
    """Room for it is made when somebody asks for it."""
    panel = panel_of(shown)
    QTest.mouseClick(panel.average.average, LEFT)
    (job,) = shown.workbench.jobs.active
    job.pause()
    qtbot.waitUntil(lambda: panel.average.strip.isVisible())
    asked_at = place_at_rest(panel.clusters)
    assert not panel.average.save.isEnabled()
    job.resume()
    qtbot.waitUntil(lambda: panel.jobs.average is not None and not panel.jobs.running("average"), timeout=WAIT)
    assert place_at_rest(panel.clusters) == asked_at and panel.average.save.isEnabled()


def test_work_on_a_project_that_was_closed_says_nothing(shown: MainWindow, qtbot) -> None:
    panel, said = panel_of(shown), []
    shown.workbench.notified.connect(lambda note: said.append(note.text))
    QTest.mouseClick(panel.average.average, LEFT)
    assert panel.jobs.running("average")
    (job,) = shown.workbench.jobs.active
    shown.workbench.session.close()
    job.failed.emit(ProjectProblem("project", "none is open", "open one"))  # it looked for a tomogram just now
    qtbot.waitUntil(lambda: not panel.jobs.running("average"), timeout=WAIT)
    QTest.qWait(100)
    assert not said


def test_work_on_a_project_that_was_closed_is_stopped(shown: MainWindow, qtbot) -> None:
    panel = panel_of(shown)
    QTest.mouseClick(panel.average.average, LEFT)
    (job,) = shown.workbench.jobs.active
    job.pause()
    shown.workbench.session.close()
    qtbot.waitUntil(lambda: job.state == "cancelled", timeout=WAIT)


def test_a_project_saved_elsewhere_gets_what_is_under_way(shown: MainWindow, tmp_path: Path, qtbot) -> None:
    panel, session = panel_of(shown), shown.workbench.session
    box, source = session.gallery.box, session.gallery.source
    particles.select(session, [2, 3, 5, 7])
    QTest.mouseClick(panel.average.average, LEFT)
    (job,) = shown.workbench.jobs.active
    job.pause()
    session.view.tab = "annotate"  # nobody looks at the gallery meanwhile
    projects.save_as(session, tmp_path / "elsewhere.aisproj")
    assert session.gallery.source == source and session.gallery.box == box
    assert rows(shown) == [2, 3, 5, 7]
    QTest.qWait(50)
    job.resume()
    qtbot.waitUntil(lambda: panel.jobs.average is not None, timeout=WAIT)
    assert job.state == "done"
    assert [path.name for path in (tmp_path / "elsewhere_particles").glob("*_average.npz")]
    assert "elsewhere_particles" in session.log.lines[-1].python


def test_an_impossible_wedge_is_said(shown: MainWindow) -> None:
    section = panel_of(shown).average
    section.tilts.high.setValue(-70)
    said: list[str] = []
    shown.workbench.notified.connect(lambda note: said.append(note.text))
    QTest.mouseClick(section.average, LEFT)
    assert "nothing is measured" in said[-1]


def test_alignment_goes_into_the_picks_as_one_step_of_undo(shown: MainWindow, qtbot, monkeypatch) -> None:
    from ais_app.core.particles.halves_params import AverageParams
    from ais_app.views.particles import panel as module

    session, panel = shown.workbench.session, panel_of(shown)
    quick = AverageParams(iterations=1, angular_step=60.0, max_shift=20.0, seed=1)
    monkeypatch.setattr(module, "alignment", lambda symmetry: quick)
    particles.select(session, np.arange(4))
    before = session.gallery.table.positions_zyx.copy()
    QTest.mouseClick(panel.average.align, LEFT)
    qtbot.waitUntil(lambda: panel.jobs.average is not None, timeout=WAIT)
    assert session.project.undo_title == "Align 4 particles"
    turned = session.gallery.table.rotations
    assert turned is not None and np.isfinite(turned[:4]).all() and np.isnan(turned[4:]).all()
    assert np.abs(session.gallery.table.positions_zyx - before).max() < 50
    session.project.undo()
    assert np.array_equal(session.gallery.table.positions_zyx, before)


def test_clusters_are_found_named_and_drawn_around(shown: MainWindow, qtbot) -> None:
    session, panel = shown.workbench.session, panel_of(shown)
    panel.clusters.count.setValue(2)
    QTest.mouseClick(panel.clusters.group, LEFT)
    qtbot.waitUntil(lambda: len(panel.clusters.rows) == 2, timeout=WAIT)
    clusters = session.gallery.clusters
    assert len(set(clusters[:RINGS])) == 1 and len(set(clusters[RINGS:])) == 1
    row = panel.clusters.rows[int(clusters[0])]
    QTest.mouseClick(row.strip, LEFT)
    assert rows(shown) == list(range(RINGS))
    row.on.setChecked(True)
    QTest.keyClicks(panel.clusters.name, "ring")
    QTest.keyClick(panel.clusters.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: row.title.text().endswith("ring") and not row.on.isChecked(), timeout=WAIT)
    wide = panel.width(), row.width()
    particle_results.name_clusters(session, [1 - row.number], "a name that is far too long for the panel " * 3)
    qtbot.waitUntil(lambda: "panel" in panel.clusters.rows[1 - row.number].title.text(), timeout=WAIT)
    assert panel.clusters.rows[row.number] is row  # no map and no picture is drawn anew for a name
    QTest.qWait(50)
    assert (panel.width(), row.width()) == wide
    session.project.undo()
    assert (session.gallery.table.classes[:RINGS] == "ring").all()
    assert (session.gallery.table.classes[RINGS:] == "").all()
    panel.bring_into_view(panel.clusters.map)
    qtbot.waitUntil(lambda: panel.clusters.map.isVisible())
    points = [panel.clusters.map.point_of(number).toPoint() for number in range(RINGS, RINGS + BALLS)]
    left, right = min(p.x() for p in points) - 8, max(p.x() for p in points) + 8
    top, bottom = min(p.y() for p in points) - 8, max(p.y() for p in points) + 8
    around = [QPoint(left, top), QPoint(right, top), QPoint(right, bottom), QPoint(left, bottom), QPoint(left, top)]
    drag(panel.clusters.map, around)
    assert set(rows(shown)) >= set(range(RINGS, RINGS + BALLS))
    particles.reject(session, [0])
    assert session.gallery.grouping is not None  # what is marked is grouped all the same
    again(shown, qtbot)
    title = f"{row.number + 1} · ring"
    qtbot.waitUntil(lambda: title in [each.title.text() for each in panel.clusters.rows], timeout=WAIT)
    assert not panel.clusters.rows[0].strip.is_empty and panel.clusters.map.isVisibleTo(panel)
    np.testing.assert_array_equal(session.gallery.clusters, clusters)
    QTest.mouseClick(panel.clusters.rows[int(clusters[0])].strip, LEFT)
    assert rows(shown) == list(range(RINGS))
    pick_set = session.project.pick_sets[0]
    session.project.change_picks(pick_set, name="renamed")  # the list that is shown has gone
    session.project.pick_store(pick_set).remove([0, 1, 2])
    particles.show_picks(session, "renamed")
    sizes = {int(clusters[0]): str(RINGS - 3), int(clusters[-1]): str(BALLS)}
    qtbot.waitUntil(lambda: {row.number: row.count.text() for row in panel.clusters.rows} == sizes, timeout=WAIT)
    for _ in range(6):  # both, the rejection, the class, and the clusters themselves
        session.project.undo()
    qtbot.waitUntil(lambda: not panel.clusters.rows, timeout=WAIT)
    assert panel.clusters.nothing.isVisibleTo(panel)


def test_tilts_are_estimated_kept_and_doubted(window: MainWindow, tmp_path: Path, qtbot) -> None:
    noise = np.fft.fftn(np.random.default_rng(3).normal(size=SHAPE))
    z, _, x = np.meshgrid(*[np.fft.fftfreq(n) for n in SHAPE], indexing="ij")
    angle = np.degrees(np.arctan2(np.where(x < 0, -z, z), np.abs(x)))
    seen = np.fft.ifftn(noise * ((angle > -45) & (angle < 50))).real.astype(np.float32)
    window.open_files([make_project(tmp_path, Particles(np.full((3, 3), 150.0)), seen, radius=50.0)])
    show(window, qtbot)
    tilts, session = panel_of(window).average.tilts, window.workbench.session
    assert (tilts.low.number, tilts.high.number) == (-60, 60)
    QTest.mouseClick(tilts.estimate, LEFT)
    qtbot.waitUntil(lambda: "Seen clearly in" in tilts.words.text(), timeout=WAIT)
    assert tilts.low.number == pytest.approx(-45, abs=3) and tilts.high.number == pytest.approx(50, abs=3)
    found = tilts.wedge()
    again(window, qtbot)
    assert tilts.wedge() == found
    tilts.high.setFocus()
    tilts.high.selectAll()
    QTest.keyClicks(tilts.high, "55")
    QTest.keyClick(tilts.high, Qt.Key.Key_Return)
    assert session.log.lines[-1].python.startswith("commands.particle_results.set_tilts(session, -4")
    tilts.low.setValue(70)
    assert not tilts.words.isVisibleTo(tilts)
    again(window, qtbot)
    assert tilts.wedge() == Wedge(found.tilt_min, 55)  # what cannot be was not kept


def test_in_a_project_that_is_open_read_only_results_are_shown_and_not_kept(
    window: MainWindow, two_kinds: tuple[np.ndarray, Particles], tmp_path: Path, qtbot
) -> None:
    volume, picks = two_kinds
    spectrum = np.fft.fftn(volume)
    z, _, x = np.meshgrid(*[np.fft.fftfreq(n) for n in SHAPE], indexing="ij")
    angle = np.degrees(np.arctan2(np.where(x < 0, -z, z), np.abs(x)))
    seen = np.fft.ifftn(spectrum * ((angle > -45) & (angle < 50))).real.astype(np.float32)
    path = make_project(tmp_path, picks, seen, radius=50.0)
    with Project.open(path):  # by another window
        window.open_files([path])
        show(window, qtbot)
        panel, session = panel_of(window), window.workbench.session
        said: list[tuple[str, str]] = []
        window.workbench.notified.connect(lambda note: said.append((note.kind, note.text)))
        tilts, files = panel.average.tilts, sorted(tmp_path.rglob("*"))
        QTest.mouseClick(tilts.estimate, LEFT)
        qtbot.waitUntil(lambda: "Seen" in tilts.words.text(), timeout=WAIT)
        assert tilts.words.text().endswith(". Not kept: the project is open read-only.")
        assert tilts.words.property("role") == "hint" and tilts.low.number == pytest.approx(-45, abs=5)
        QTest.mouseClick(panel.clusters.group, LEFT)
        qtbot.waitUntil(lambda: bool(panel.clusters.rows) and bool(said), timeout=WAIT)
        QTest.mouseClick(panel.average.average, LEFT)
        qtbot.waitUntil(lambda: panel.jobs.average is not None and len(said) > 1, timeout=WAIT)
        why = "shown, and not kept, as the project is open read-only"
        assert said == [("info", f"30 particles were {done}; {why}") for done in ("grouped", "averaged")]
        tilts.low.setFocus()
        tilts.low.selectAll()
        QTest.keyClicks(tilts.low, "-40\r")
        assert tilts.words.text() == "Not kept: the project is open read-only." and tilts.wedge().tilt_min == -40
        assert sorted(tmp_path.rglob("*")) == files and len(said) == 2
        QTest.mouseClick(panel.average.align, LEFT)  # its orientations belong into picks that cannot be changed
        assert "is open read-only, and orientations belong into its picks" in said[2][1]
        assert not panel.jobs.running("align")
        session.close()


def test_where_no_wedge_is_seen_that_is_said_beside_the_fields(shown: MainWindow, qtbot) -> None:
    tilts, said = panel_of(shown).average.tilts, []
    shown.workbench.notified.connect(said.append)
    QTest.mouseClick(tilts.estimate, LEFT)
    qtbot.waitUntil(lambda: "no missing wedge is seen" in tilts.words.text(), timeout=WAIT)
    assert tilts.words.property("role") == "error" and tilts.wedge() == Wedge(-60, 60)
    assert tilts.estimate.isEnabled()
    qtbot.wait(100)
    assert not said  # once is enough


def test_a_network_says_the_classes(shown: MainWindow, tmp_path: Path, qtbot, monkeypatch) -> None:
    session, panel = shown.workbench.session, panel_of(shown)
    particles.set_box(session, edge=16)
    card = ModelCard("rb3d_pooled", {**architecture("rb3d_pooled").parameters, "classes": 2}, feature="subtomogram",
                     training={"data": {"classes": ["left", "right"]}})  # fmt: skip
    network = save_model(new_model(card), tmp_path / "classes.aismodel")
    particles.select(session, [0, 1, 2])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(network), ""))
    QTest.mouseClick(panel.classify, LEFT)
    qtbot.waitUntil(lambda: all(session.gallery.table.classes[:3]), timeout=WAIT)
    assert set(session.gallery.table.classes[:3]) <= {"left", "right"}
    assert not any(session.gallery.table.classes[3:])


def test_the_window_answers_with_5000_particles(window: MainWindow, tmp_path: Path, qtbot) -> None:
    """Scroll, sort, select all, draw around, reject, undo: nothing takes the program itself longer than promised."""
    random = np.random.default_rng(2)
    places = random.uniform(0, np.array(SHAPE) * SIZE, (5000, 3))
    found = Particles(places, scores=random.uniform(0, 1, 5000))
    window.open_files([make_project(tmp_path, found, radius=50.0)])
    session, grid = window.workbench.session, grid_of(window)
    show(window, qtbot)
    steps = {
        "scroll": lambda: [
            grid.verticalScrollBar().setValue(value) or qtbot.wait(1) for value in range(0, 30000, 1500)
        ],
        "sort": lambda: particles.change_look(session, sort="score"),
        "select all": lambda: QTest.keyClick(grid, Qt.Key.Key_A, CTRL),
        "one": lambda: click(grid, int(session.gallery.order[0])),
        "frame": lambda: drag(grid.viewport(), [QPoint(2, 2), QPoint(300, 200), QPoint(500, 300)]),
        "half": lambda: particles.select(session, np.flatnonzero(random.uniform(0, 1, 5000) < 0.5)),
        "reject": lambda: particles.reject(session, np.arange(0, 5000, 50)),
        "undo": lambda: session.project.undo(),
        "larger": lambda: grid.resize_tiles(32),
    }
    grid.verticalScrollBar().setValue(0)
    for name, act in steps.items():
        with Watchdog() as dog:
            act()
            qtbot.wait(60)
        assert dog.worst.own < 2 * STALL, f"{name}: {dog.worst.own:.3f} s at\n{dog.worst.where}"
    assert threading.active_count() < 60


@pytest.mark.parametrize("kind", ["average", "align", "group"])
def test_what_ends_when_another_project_is_open_does_not_go_there(shown, kind, tmp_path, qtbot, monkeypatch) -> None:
    """The other one is a copy: the same tomograms, picks and numbers."""
    from ais_app.core.particles.halves_params import AverageParams
    from ais_app.operations import particle_work
    from ais_app.views.particles import panel as module

    at_the_end, go_on, real = threading.Event(), threading.Event(), particle_work.kept_job

    def held(job, *others):
        def last_step():
            found = yield from job
            at_the_end.set()
            go_on.wait(WAIT / 1000)
            return found

        return (yield from real(last_step(), *others))

    monkeypatch.setattr(particle_work, "kept_job", held)
    quick = AverageParams(iterations=1, angular_step=60.0, max_shift=20.0, seed=1)
    monkeypatch.setattr(module, "alignment", lambda symmetry: quick)
    session, panel = shown.workbench.session, panel_of(shown)
    source, copy = session.gallery.source, tmp_path / "copies" / "copy.aisproj"
    session.project.save_copy(copy)
    particles.select(session, np.arange(12))
    panel.clusters.method.setCurrentIndex(panel.clusters.method.findData("components"))
    panel.compute(kind)
    (job,) = shown.workbench.jobs.active
    qtbot.waitUntil(at_the_end.is_set, timeout=WAIT)
    projects.open_project(session, copy)
    session.gallery.show(source)
    before = session.project.undo_title
    go_on.set()
    qtbot.waitUntil(lambda: not job.is_active, timeout=WAIT)
    QTest.qWait(50)
    assert session.project.undo_title == before and panel.jobs.average is None
    assert not list(copy.parent.rglob("*_average.npz")) and not list(copy.parent.rglob("lists/*"))
