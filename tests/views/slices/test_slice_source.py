"""Slices are read off the main thread: none is stale, few are kept, and files that go are said."""

from __future__ import annotations

import random
import threading
import time

import numpy as np
import psutil
from slice_view import SHAPE, known_volume, make_project, opened, settle, wheel

from ais_app.core.tomogram import Tomogram
from ais_app.state.commands import tomograms, view
from ais_app.views.slices.quads import GreyQuad


class SlowArray:
    """An array that answers late, and says how often it was asked."""

    def __init__(self, data: np.ndarray, seconds: float) -> None:
        self.shape, self.dtype, self._data, self._seconds = data.shape, data.dtype, data, seconds
        self.threads: set[str] = set()

    def __getitem__(self, key):
        self.threads.add(threading.current_thread().name)
        time.sleep(self._seconds)
        return self._data[key]


def test_stale_slices_are_never_shown(area, state, qtbot, monkeypatch):
    slow = SlowArray(known_volume(), 0.03)
    session = area.workbench.session
    monkeypatch.setattr(session, "volume", lambda _: Tomogram(slow, (10.0,) * 3))
    area.presenter.source.clear()
    wanted, wrong = [], []
    area.shown.connect(lambda axis: wrong.append(state.z) if area.panes[axis].shown_index != state.z else None)
    for z in (3, 9, 4, 15, 20, 2, 18):
        tomograms.go_to(session, z=z)
        wanted.append(z)
        qtbot.wait(10)
    settle(area, qtbot)
    assert area.panes["z"].shown_index == 18
    assert area.value_at((18, 5, 6)) == known_volume()[18, 5, 6]
    assert not wrong
    assert slow.threads == {"slices"}  # a file has one reader, and never the main thread


def test_two_hundred_fast_changes_end_at_the_right_slice(area, state, qtbot):
    rng = random.Random(1)
    for _ in range(200):
        tomograms.go_to(area.workbench.session, z=rng.randrange(SHAPE[0]))
        if rng.random() < 0.3:
            area.window().repaint()
            qtbot.wait(1)
    settle(area, qtbot)
    assert area.panes["z"].shown_index == state.z
    np.testing.assert_array_equal(area.panes["z"].image, known_volume()[state.z])


def test_the_cache_is_bounded(area, state, qtbot, monkeypatch):
    source, cache = area.presenter.source, area.presenter.source.cache
    monkeypatch.setattr(source, "most_bytes", 1)  # then there is room for what is on screen, and as much again
    limit = 2 * (61 * 83 * (4 + 2) + 4096)
    for z in range(SHAPE[0]):
        tomograms.go_to(area.workbench.session, z=z)
        settle(area, qtbot)
        assert area.panes["z"].shown_index == z
        assert cache.most_bytes == limit
        assert cache.bytes <= limit


def test_neighbours_are_read_ahead(area, state, qtbot, monkeypatch):
    wheel(area.panes["z"], 1)
    settle(area, qtbot)

    def refuse(_):
        raise AssertionError("this slice should have been read already")

    monkeypatch.setattr(area.workbench.session, "volume", refuse)
    for _ in range(3):
        z = state.z
        wheel(area.panes["z"], 1)
        area.presenter.refresh()
        assert area.panes["z"].shown_index == z + 1
        area.presenter.source.forget_failures()


def test_a_wait_is_said_and_ends(area, state, qtbot, monkeypatch):
    slow = SlowArray(known_volume(), 0.6)
    monkeypatch.setattr(area.workbench.session, "volume", lambda _: Tomogram(slow, (10.0,) * 3))
    area.presenter.source.clear()
    tomograms.go_to(area.workbench.session, z=2)
    qtbot.waitUntil(lambda: area.panes["z"].waiting == "Reading z = 2 …", timeout=2000)
    qtbot.waitUntil(lambda: area.panes["z"].shown_index == 2 and not area.panes["z"].waiting, timeout=5000)


# files that go


def test_a_file_that_goes_is_said_and_comes_back(area, state, qtbot, tmp_path):
    file, away = tmp_path / "TS_1.mrc", tmp_path / "away.mrc"
    file.rename(away)
    tomograms.go_to(area.workbench.session, z=0)
    message = area.panes["z"].message
    qtbot.waitUntil(lambda: "TS_1.mrc" in message.text, timeout=5000)
    assert "no longer there" in message.text
    assert "Look for missing tomograms" in message.text
    for z in (1, 2, 3):  # no endless errors, no crash
        tomograms.go_to(area.workbench.session, z=z)
        qtbot.wait(20)
    away.rename(file)
    area.retry()
    settle(area, qtbot)
    assert area.panes["z"].shown_index == 3
    assert message.text == ""


def test_a_file_that_was_cut_short_does_not_end_the_program(area, state, qtbot, tmp_path):
    file = tmp_path / "TS_1.mrc"
    whole = file.read_bytes()
    with file.open("r+b") as stream:
        stream.truncate(len(whole) // 3)
    tomograms.go_to(area.workbench.session, z=SHAPE[0] - 1)
    qtbot.waitUntil(lambda: "has become shorter" in area.panes["z"].message.text, timeout=5000)
    with file.open("r+b") as stream:
        stream.write(whole)


def test_filters_without_a_voxel_size_say_what_to_do(shared, tmp_path, qtbot):
    path = make_project(tmp_path, known_volume(), voxel_size=None)
    with opened(shared, path, qtbot) as area:
        view.add_filter(area.workbench.session, "gaussian")
        qtbot.waitUntil(lambda: "voxel size" in area.panes["z"].message.text, timeout=5000)
        area.workbench.session.view.filters_on = False
        settle(area, qtbot)
        assert area.panes["z"].message.text == ""


def test_closing_the_project_empties_the_panes(area, qtbot):
    area.workbench.session.close()
    qtbot.waitUntil(lambda: area.panes["z"].shown_index is None)
    assert area.value_at((12, 5, 5)) is None
    assert not area.bar.isEnabled()


def test_planes_of_changing_size_leave_no_memory_behind(area):
    pane, process = area.panes["z"], psutil.Process()
    quad = GreyQuad(parent=pane.scene)

    def private() -> int:
        now = process.memory_info()
        return now.rss - now.shared

    for round in range(40):
        for side in (600, 590, 610):  # most are replaced before they are drawn
            quad.set_plane(np.ones((side, 600), np.float32))
        pane.picture()
        if round == 10:
            before = private()
    grown = private() - before
    quad.parent = None
    assert grown < 10 * 2**20  # each plane takes 1.4 MB
