"""Files of the Particles tab: averages that are saved, maps that are placed, stacks that are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from gallery_view import LEFT, SHAPE, SIZE, WAIT, make_project, panel_of, settle, show
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog, QMessageBox

from ais_app.core.particle_set import Particles
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.state.commands import particles, render
from ais_app.state.gallery_table import PickSource, StackSource
from ais_app.state.scene_store import scene_of
from ais_app.views.main_window import MainWindow
from ais_app.workers.particle_lines import file_name

PICKS = Particles(np.array([(16, 14 + 18 * row, 14 + 18 * column) for row in range(6) for column in range(5)]) * SIZE)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def shown(window: MainWindow, tmp_path: Path, qtbot) -> MainWindow:
    """The window with thirty picks in noise."""
    window.open_files([make_project(tmp_path, PICKS, radius=50.0)])
    show(window, qtbot)
    return window


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Answer questions with the button of this name; returns what was asked."""

    def make(button: str) -> list[str]:
        asked: list[str] = []

        def exec_(box: QMessageBox) -> int:
            asked.append(f"{box.text()} {box.informativeText()}")
            next(each for each in box.buttons() if each.text() == button).click()
            return 0

        monkeypatch.setattr(QMessageBox, "exec", exec_)
        return asked

    return make


def averaged(window: MainWindow, qtbot) -> None:
    """Press *Average these now*, and wait for it."""
    panel = panel_of(window)
    before = panel.jobs.average
    QTest.mouseClick(panel.average.average, LEFT)
    qtbot.waitUntil(lambda: panel.jobs.average is not before and not panel.jobs.running("average"), timeout=WAIT)


def test_a_saved_average_is_not_replaced_without_a_question(shown, tmp_path, qtbot, monkeypatch, answer) -> None:
    session, out, said = shown.workbench.session, tmp_path / "out", []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(out))
    shown.workbench.notified.connect(lambda note: said.append(note.text))

    def save() -> None:
        QTest.mouseClick(panel_of(shown).average.save, LEFT)

    asked = answer("Keep it")
    particles.select(session, np.arange(10))
    averaged(shown, qtbot)
    save()
    qtbot.waitUntil(lambda: len(said) == 1, timeout=WAIT)
    assert not asked  # there was nothing
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    particles.select(session, np.arange(10, 30))
    averaged(shown, qtbot)
    save()
    qtbot.waitUntil(lambda: not shown.workbench.jobs.active, timeout=WAIT)
    assert len(asked) == 1 and "already" in asked[0] and "average.mrc" in asked[0] and "fsc.csv" in asked[0]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before and len(said) == 1
    assert answer("Replace") == []
    save()
    qtbot.waitUntil(lambda: len(said) == 2, timeout=WAIT)
    assert all((out / name).read_bytes() != before[name] for name in ("average.mrc", "particles.csv"))


def test_each_scene_shows_the_average_that_was_placed_in_it(shown, tmp_path, qtbot) -> None:
    """Two tomograms have a set of the same name."""
    session, panel = shown.workbench.session, panel_of(shown)
    with mrcfile.new(tmp_path / "second.mrc") as file:
        file.set_data(np.random.default_rng(1).normal(size=SHAPE).astype(np.float32))
        file.voxel_size = SIZE
    second = session.project.add_tomogram(tmp_path / "second.mrc").id
    session.project.add_picks(second, "found", PICKS, feature="ribosome", radius=50.0)
    maps, contents, cubes = [], [], []
    for tomogram in (1, second):
        session.gallery.show(PickSource("found", None, (tomogram,)))
        settle(shown, qtbot)
        averaged(shown, qtbot)
        cubes.append(panel.jobs.average.averages.average)
        QTest.mouseClick(panel.average.place, LEFT)
        assert session.view.tomogram == tomogram
        (picks,) = scene_of(session).picks
        maps.append(Path(picks.template))
        contents.append(maps[-1].read_bytes())
        session.view.tab = "particles"
    assert maps[0] != maps[1] and contents[0] != contents[1]
    assert maps[0].read_bytes() == contents[0]
    session.view.tomogram = 1
    assert [Path(picks.template) for picks in scene_of(session).picks] == maps[:1]
    # and each choice of particles has its own newest average
    session.gallery.show(PickSource("found", None, (1,)))
    qtbot.waitUntil(lambda: panel.jobs.average is not None, timeout=WAIT)
    assert np.array_equal(panel.jobs.average.averages.average, cubes[0])


def test_sets_that_would_cover_the_average_are_hidden_where_it_is_placed(shown, qtbot) -> None:
    session, panel = shown.workbench.session, panel_of(shown)
    moved = PICKS.positions_zyx + np.array([0.0, 20.0, 0.0])
    for name, positions in {
        "found by another": moved, "arrows": moved, "far away": PICKS.positions_zyx + np.array([0.0, 90.0, 0.0]),
        "a few": moved[:3], "hidden": moved,
    }.items():  # fmt: skip
        session.project.add_picks(1, name, Particles(positions), feature="membrane", radius=50.0)
    render.refresh(session)
    render.change_picks(session, "arrows", style="arrows")
    render.change_picks(session, "hidden", visible=False)
    session.gallery.show(PickSource("found", None, ()))
    settle(shown, qtbot)
    averaged(shown, qtbot)
    said: list[str] = []
    shown.workbench.notified.connect(lambda note: said.append(note.text))
    QTest.mouseClick(panel.average.place, LEFT)
    assert session.view.tab == "render"
    seen = {picks.name: picks.visible for picks in scene_of(session).picks}
    assert seen == {"found": True, "found by another": False, "arrows": True, "far away": True, "a few": True,
                    "hidden": False}  # fmt: skip
    assert said == [
        "“found by another” is hidden, which would cover the average at the same places: "
        "show it again in the list of picks"
    ]
    session.view.tab = "particles"
    qtbot.waitUntil(panel.average.place.isVisible, timeout=WAIT)
    QTest.mouseClick(panel.average.place, LEFT)
    assert session.view.tab == "render" and len(said) == 1  # nothing is in the way any more


def test_the_average_of_a_stack_or_of_several_sets_cannot_be_placed_and_that_is_said_before(
    shown, tmp_path, qtbot
) -> None:
    session, panel = shown.workbench.session, panel_of(shown)
    place, action = panel.average.place, shown.actions_by_id["particles.place"]
    averaged(shown, qtbot)
    assert place.isEnabled() and "at every pick" in place.toolTip()
    qtbot.waitUntil(action.isEnabled, timeout=WAIT)
    session.gallery.show(PickSource(feature=session.project.feature("ribosome").id))
    settle(shown, qtbot)
    averaged(shown, qtbot)
    assert not place.isEnabled() and "show one set" in place.toolTip() and panel.average.save.isEnabled()
    cubes = np.random.default_rng(0).normal(size=(6, 12, 12, 12)).astype(np.float32)
    inside = Particles(np.full((6, 3), 150.0), tomograms=np.full(6, "noise", object), voxel_size=10.0, shape_zyx=SHAPE)
    write_stack(tmp_path / "s.zarr", cubes, inside, [Wedge()], np.zeros(6, int), 10.0)
    panel.open_stack(tmp_path / "s.zarr")
    qtbot.waitUntil(lambda: isinstance(session.gallery.source, StackSource), timeout=WAIT)
    settle(shown, qtbot)
    averaged(shown, qtbot)
    assert not place.isEnabled() and "ais-app mapback" in place.toolTip() and panel.average.save.isEnabled()
    qtbot.waitUntil(lambda: not action.isEnabled(), timeout=WAIT)
    session.gallery.show(PickSource("found"))
    qtbot.waitUntil(lambda: place.isEnabled() and action.isEnabled(), timeout=WAIT)
    assert "at every pick" in place.toolTip()


def test_every_choice_of_particles_has_files_of_its_own() -> None:
    sources = [
        *(PickSource(name) for name in ("a b", "a_b", "a/b", "A b", "feature 1", "particles")),
        *(PickSource("a b", None, tomograms) for tomograms in ((1,), (2,), (1, 2))),
        *(PickSource(feature=id) for id in (1, 2)),
        *(PickSource(feature=1, tomograms=tomograms) for tomograms in ((1,), (2,))),
        *(StackSource(Path(folder) / "a b.zarr") for folder in ("one", "two")),
    ]
    names = [file_name(source) for source in sources]
    assert len({name.lower() for name in names}) == len(sources)
    assert names[0].startswith("a_b_") and file_name(PickSource("a b", 3)) == names[0]  # the set says it all
    assert file_name(PickSource("a b", None, (2, 1))) == file_name(PickSource("a b", None, (1, 2)))
    assert all(len(file_name(PickSource(letter * 300)).encode()) < 80 for letter in "xäあ")


def test_a_set_with_a_long_name_is_averaged(shown, qtbot) -> None:
    session, name = shown.workbench.session, "ä" * 300
    session.project.add_picks(1, name, PICKS, radius=50.0)
    session.gallery.show(PickSource(name))
    settle(shown, qtbot)
    averaged(shown, qtbot)
    assert panel_of(shown).jobs.average.worked.path.exists()
