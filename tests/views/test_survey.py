"""The survey of the tomograms goes on while a person opens and closes them."""

from __future__ import annotations

import shutil
import threading

import pytest

from ais_app.state.commands import tomograms
from ais_app.views.tomograms import survey as module

WAIT = 20_000  # milliseconds


@pytest.fixture
def gate(monkeypatch):
    """The survey waits for it wherever it looks for a file; `begun` is set when it does."""
    gate, begun, real = threading.Event(), threading.Event(), module.locate

    def locate(*arguments):
        begun.set()
        assert gate.wait(WAIT / 1000)
        return real(*arguments)

    monkeypatch.setattr(module, "locate", locate)
    gate.begun = begun
    yield gate
    gate.set()


def test_a_tomogram_is_closed_while_it_is_looked_for(gate, opened, phantom, tmp_path, qtbot):
    session, survey = opened.workbench.session, opened.side.survey
    entry = session.project.add_tomogram(shutil.copy(phantom / "tomogram.mrc", tmp_path / "TS_02.mrc"))
    gone = session.project.add_tomogram(shutil.copy(phantom / "tomogram.mrc", tmp_path / "TS_03.mrc"))
    gone.path.unlink()
    survey.look_again()
    qtbot.waitUntil(gate.begun.is_set, timeout=WAIT)
    first = session.project.tomograms[0]
    tomograms.close(session, [first.id, gone.id])
    gate.set()
    qtbot.waitUntil(lambda: survey.idle, timeout=WAIT)  # an error on the way would fail the test
    assert survey.findings(entry) is not None and survey.thumbnail(entry) is not None and not survey.missing
