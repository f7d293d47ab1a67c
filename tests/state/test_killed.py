"""Killing the process at any moment loses at most the stroke in progress."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest

from ais_app.core.annotation.boxes import Box
from ais_app.core.annotation.labels import TiledLabels
from ais_app.state.project import Project

PAINTER = Path(__file__).with_name("painter.py")
ROUNDS = 200
LIMIT = 60.0  # seconds until a painter must have finished its first stroke, on the busiest machine


@pytest.fixture(scope="module")
def painter() -> ModuleType:
    spec = importlib.util.spec_from_file_location("painter", PAINTER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def painters() -> Iterator[Painters]:
    with Painters() as started:
        yield started


class Painters:
    """Starts painters quickly: where there is fork, one process imports the program and forks for each round."""

    def __enter__(self) -> Painters:
        self._server = None
        if hasattr(os, "fork"):
            self._server = subprocess.Popen([sys.executable, PAINTER], stdin=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None and self._server.stdin is not None:
            self._server.stdin.close()
            self._server.wait()

    def paint_and_kill(self, path: Path, report: Path, first: int, seconds: float) -> list[int]:
        """Kill a painter `seconds` after its first finished stroke; return the strokes that it has finished."""
        if self._server is not None and self._server.stdin is not None:
            self._server.stdin.write(f"{path}|{report}|{first}\n".encode())
            self._server.stdin.flush()
        else:
            subprocess.Popen([sys.executable, PAINTER, path, report, str(first)])
        end = time.monotonic() + LIMIT
        while len(lines(report)) < 2:
            assert time.monotonic() < end, "the painter does not paint"
            time.sleep(0.001)
        time.sleep(seconds)
        process = psutil.Process(lines(report)[0])
        process.kill()
        process.wait(LIMIT)
        return lines(report)[1:]


def lines(report: Path) -> list[int]:
    return [int(line) for line in report.read_text().split("\n")[:-1]] if report.exists() else []


class Expected:
    """What must be in the file, made in memory from the same strokes."""

    def __init__(self, painter: ModuleType) -> None:
        self.painter = painter
        self.labels = TiledLabels((20, 70, 90))
        self.boxes: list[Box] = []

    def do(self, number: int) -> None:
        if self.painter.is_box(number):
            self.boxes.append(self.painter.box(number))
        else:
            self.labels.apply(self.painter.stroke(self.labels, number))

    def is_in(self, project: Project) -> bool:
        everything = (slice(None),) * 3
        return np.array_equal(self.labels.read(everything), project.labels("T1", "membrane").read()) and [
            box.centre_zyx for box in project.boxes("T1", "membrane")
        ] == [box.centre_zyx for box in self.boxes]


@pytest.fixture
def fast_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what was written survives a kill there too, and rounds are quick."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def test_a_killed_process_keeps_every_finished_stroke(project, painter, painters, fast_folder: Path) -> None:
    project.close()
    path = fast_folder / "P.aisproj"
    shutil.copy(project.path, path)
    interrupted = 0
    rng = random.Random(5)
    expected = Expected(painter)
    first = 0
    for turn in range(ROUNDS):
        finished = painters.paint_and_kill(path, fast_folder / f"report{turn}", first, rng.uniform(0, 0.03))
        interrupted += path.with_name("P.aisproj-journal").exists()
        assert finished == list(range(first, first + len(finished)))
        for number in finished:
            expected.do(number)
        first += len(finished)
        with Project.open(path, read_only=turn % 2 == 0) as again:  # whoever is first, reader or writer, tidies up
            assert [entry.name for entry in again.tomograms] == ["T1", "T2"]
        with Project.open(path) as again:
            assert not again.read_only
            assert again.check() == []
            if not expected.is_in(again):
                # the stroke in progress may be there as well, whole, but not yet reported
                expected.do(first)
                first += 1
                assert expected.is_in(again)
            # undo takes back the last stroke, redo brings it again
            assert again.undo() is not None
            assert again.redo() is not None
            assert expected.is_in(again)
    assert first > 2 * ROUNDS
    assert interrupted > 0  # strokes that were cut short and rolled back
    with Project.open(path) as again:
        while again.undo() is not None:
            pass
        assert (again.features, again.tomograms) == ([], [])
    assert [p.name for p in fast_folder.iterdir() if not p.name.startswith("report")] == ["P.aisproj"]
