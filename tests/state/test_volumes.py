"""The open volumes of a session, asked for from another thread while something changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ais_app.core.io import write_volume
from ais_app.core.tomogram import Tomogram
from ais_app.state.project import Project
from ais_app.state.session import Session


def made(folder: Path, name: str) -> Project:
    data = np.zeros((4, 8, 8), np.float32)
    write_volume(folder / f"{name}.mrc", data, like=Tomogram(data, (10.0,) * 3))
    project = Project.create(folder / f"{name}.aisproj")
    project.add_tomogram(folder / f"{name}.mrc")
    return project


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch):
    """Tomograms are open, and not handed over before `gate` is set: a packed one takes seconds."""
    gate, opened, real = threading.Event(), threading.Event(), Project.open_tomogram

    def wait(project: Project, which: int) -> Tomogram:
        found = real(project, which)
        if threading.current_thread() is not threading.main_thread():
            opened.set()
            gate.wait(30)
        return found

    monkeypatch.setattr(Project, "open_tomogram", wait)
    return gate, opened


def asked_while(session: Session, slow, change: Callable[[], object]) -> int:
    """Ask for the tomogram in view on a thread, change something before it is handed over; return its id."""
    gate, opened = slow
    id = session.view.tomogram
    assert id is not None
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(session.volume, id)
        assert opened.wait(30)
        change()
        gate.set()
        asked.result()
    return id


def test_a_tomogram_of_the_project_before_is_not_shown_as_one_of_this_one(tmp_path: Path, slow) -> None:
    session = Session(made(tmp_path, "A"))
    id = asked_while(session, slow, lambda: session.open(made(tmp_path, "B")))
    assert session.view.tomogram == id and session.volume(id).path == tmp_path / "B.mrc"
    session.close()


def test_a_voxel_size_that_is_set_meanwhile_counts(tmp_path: Path, slow) -> None:
    session = Session(made(tmp_path, "A"))
    size = (20.0, 20.0, 20.0)
    id = asked_while(session, slow, lambda: session.project.set_voxel_size(session.project.tomograms[0], size))
    assert session.volume(id).voxel_size_zyx == size
    session.close()
