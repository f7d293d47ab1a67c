"""Cubes of a gallery that several jobs want at once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.jobs import run
from ais_app.core.particles.extract import SubtomogramParams
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.operations.particle_cubes import CubeRequest, cubes_job
from ais_app.state.gallery_table import ParticleTable

SIZE = (10.0, 10.0, 10.0)
SHAPE = (24, 60, 60)


def write(path: Path, seed: int) -> Path:
    data = np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)
    return write_volume(path, data, like=Tomogram(data, SIZE))


@pytest.fixture
def wanted(tmp_path: Path) -> CubeRequest:
    """All of twelve particles in two tomograms, to be cut into a stack."""
    paths = [write(tmp_path / f"T{number}.mrc", number) for number in (0, 1)]
    places = np.random.default_rng(0).uniform(90, 130, (12, 3)) * (1, 3, 3)
    table = ParticleTable(
        np.zeros(12, np.int64), np.arange(12), np.repeat([0, 1], 6), np.repeat(["T0", "T1"], 6).astype(object), places,
        np.full(12, np.nan), np.zeros(12, dtype=bool), np.full(12, "", dtype=object),
    )  # fmt: skip
    params = SubtomogramParams(box=8, edge="pad", dark=False)
    cache = tmp_path / "particles" / "spots.zarr"
    return CubeRequest(table, np.arange(12), lambda id: open_tomogram(paths[id]), params, Wedge(), cache)


def ended(job):
    """Take the remaining steps of a job, and return its result."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def test_two_jobs_cut_a_stack_once(wanted: CubeRequest) -> None:
    first, second = cubes_job(wanted), cubes_job(replace(wanted, rows=np.arange(3, 12)))
    while next(first).message != "cutting subtomograms":
        pass
    said = [next(second).message for _ in range(5)]
    assert said[-1] == "waiting for the job that cuts these subtomograms"
    one = ended(first).stack.read(slice(None))
    other = ended(second).stack.read(slice(None))
    in_memory = run(cubes_job(replace(wanted, cache=None))).stack.read(slice(None))
    assert np.array_equal(one, in_memory) and np.array_equal(other, in_memory[3:])
    assert len(list(wanted.cache.parent.iterdir())) == 1


def test_a_job_that_is_stopped_lets_the_others_cut(wanted: CubeRequest) -> None:
    first, second = cubes_job(wanted), cubes_job(wanted)
    while next(first).message != "cutting subtomograms":
        pass
    while not next(second).message.startswith("waiting"):
        pass
    first.close()
    assert len(ended(second).rows) == 12


def test_a_stack_that_is_read_is_not_removed(wanted: CubeRequest) -> None:
    first = run(cubes_job(wanted))
    expected = first.stack.read(slice(None))
    path = first.stack.path
    os.utime(path, (0, 0))  # the oldest

    def others(boxes: range) -> None:
        for box in boxes:
            run(cubes_job(replace(wanted, params=replace(wanted.params, box=box))))

    others(range(10, 18, 2))
    assert np.array_equal(first.stack.read(slice(None)), expected)
    del first
    others(range(18, 20, 2))
    assert not path.exists()
    assert len(list(wanted.cache.parent.iterdir())) == 2


def test_a_tomogram_that_was_replaced_is_cut_anew(wanted: CubeRequest, tmp_path: Path) -> None:
    before = run(cubes_job(wanted)).stack.read(slice(None))
    write(tmp_path / "T1.mrc", 7)
    now = run(cubes_job(wanted)).stack.read(slice(None))
    assert np.array_equal(now[:6], before[:6]) and not np.array_equal(now[6:], before[6:])
