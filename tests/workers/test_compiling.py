"""The process that compiles beside the window: begun where there is need, gone with the window."""

from __future__ import annotations

import sys

import pytest

from ais_app.core import compiled
from ais_app.workers.compiling import Compiling


@pytest.fixture
def compiling(qtbot, monkeypatch):
    """Begin with a program in place of the compiler, and whether it was done before."""
    made = []

    def begin(program: str, is_current: bool = False) -> Compiling:
        monkeypatch.setattr(compiled, "is_current", lambda: is_current)
        monkeypatch.setattr(compiled, "command", lambda: [sys.executable, "-c", program])
        made.append(Compiling())
        made[-1].begin()
        return made[-1]

    yield begin
    for each in made:
        each.close()


def test_nothing_is_begun_where_it_was_done_before(compiling, tmp_path, qtbot):
    compiling(f"open({str(tmp_path / 'mark')!r}, 'w')", is_current=True)
    qtbot.wait(300)
    assert not (tmp_path / "mark").exists()


def test_closing_does_not_wait_for_it(compiling, tmp_path, qtbot):
    mark = tmp_path / "mark"
    begun = compiling(f"import time; open({str(mark)!r}, 'w'); time.sleep(600)")
    qtbot.waitUntil(mark.exists, timeout=20_000)
    begun.close()
    assert not begun.is_running


def test_what_goes_wrong_is_in_the_log(compiling, qtbot, caplog):
    compiling("raise SystemExit('no room on the disk')")
    qtbot.waitUntil(lambda: "no room on the disk" in caplog.text, timeout=20_000)
