"""A search can be stopped after little work, wherever it is: work is counted between steps, not time."""

import contextlib
import threading

import numpy as np
import pytest
import torch
from matching_phantoms import FULL, SIZE, lump
from scipy import ndimage
from torch.overrides import TorchFunctionMode

from ais_app.core.jobs import JobCancelled, run
from ais_app.core.matching import search, steps
from ais_app.core.matching.match import match_job
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.steps import Workers
from ais_app.core.tomogram import Tomogram

SHAPE = (36, 80, 76)


class Counted(TorchFunctionMode):
    """Counts the voxels that are transformed, and those that `also` is told of."""

    def __init__(self):
        super().__init__()
        self.voxels = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and "fft" in function.__name__:
            self.voxels += result.numel()
        return result

    def also(self, function):
        def counted(*args, **kwargs):
            result = function(*args, **kwargs)
            if threading.current_thread() is threading.main_thread():  # others stop by themselves
                self.voxels += np.size(result)
            return result

        return counted


class Lazy:
    """A volume whose reading is counted."""

    def __init__(self, data, counted):
        self.shape, self.dtype, self._read = data.shape, data.dtype, counted.also(lambda region: data[region])

    def __getitem__(self, region):
        return self._read(region)


def size_of(folder):
    # what is put together goes to mapped files, which have their size from the start
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix == ".npz")


@pytest.mark.parametrize("own_mask", [False, True])
@pytest.mark.parametrize(("at_once", "options"), [(2**14, {}), (2**12, {"binning": 2, "low_pass": 60.0})])
def test_little_is_done_between_two_steps(at_once, options, own_mask, tmp_path, rng, monkeypatch):
    monkeypatch.setattr(steps, "AT_ONCE", at_once)
    monkeypatch.setattr(search, "_KERNEL_VOXELS", at_once)
    monkeypatch.setattr(search, "CHECKPOINT", -1.0)
    monkeypatch.setattr(search, "CHECKPOINT_COST", 0.0)
    params = MatchParams(angular_step=180, mask_radius=60, refine=False, number=20, **options)
    mask = (lump() > 0).astype(np.float32) if own_mask else None
    most, grown = [], []
    with Counted() as counted:
        monkeypatch.setattr(ndimage, "maximum_filter", counted.also(ndimage.maximum_filter))
        volume = Lazy(rng.normal(size=SHAPE).astype(np.float32), counted)
        tomogram = Tomogram(volume, (SIZE,) * 3)
        job = match_job(tomogram, lump(), SIZE, FULL, params, mask=mask, folder=tmp_path)
        run_through(job, counted, tmp_path, most, grown)
    # a step ends after so many voxels, or one slab of two slices; some steps transform there and back
    assert max(most) <= 8 * at_once
    assert sum(most) > 100 * max(most)
    assert max(grown) <= 8 * at_once
    assert sum(grown) > 20 * max(grown)


def run_through(job, counted, folder, most, grown):
    written = 0
    with contextlib.suppress(StopIteration):
        while True:
            counted.voxels = 0
            next(job)
            most.append(counted.voxels)
            now = size_of(folder)
            grown.append(max(0, now - written))
            written = now


def test_a_search_is_stopped_at_any_step(rng):
    """Nothing of it goes on, and torch has its threads back; two find what one finds."""
    volume = rng.normal(size=(30, 40, 40)).astype(np.float32)
    tomogram = Tomogram(volume, (SIZE,) * 3)
    params = MatchParams(angular_step=180, number=2, mask_radius=50)
    count = 0

    def counting(_):
        nonlocal count
        count += 1

    alone = run(match_job(tomogram, lump(), SIZE, FULL, params)).particles
    torch.set_num_threads(2)
    found = run(match_job(tomogram, lump(), SIZE, FULL, params), counting).particles
    np.testing.assert_array_equal(found.positions_zyx, alone.positions_zyx)
    np.testing.assert_array_equal(found.rotations, alone.rotations)
    for last in range(0, count, 9):
        seen = []
        with pytest.raises(JobCancelled):
            run(match_job(tomogram, lump(), SIZE, FULL, params), seen.append, lambda s=seen, n=last: len(s) > n)
        assert torch.get_num_threads() == 2
        assert len(seen) == last + 1
    torch.set_num_threads(1)


def test_what_was_being_written_when_it_was_stopped_is_gone(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(steps, "AT_ONCE", 2**12)
    tomogram = Tomogram(rng.normal(size=(30, 40, 40)).astype(np.float32), (SIZE,) * 3)
    params = MatchParams(angular_step=180, number=2, mask_radius=50)
    with pytest.raises(JobCancelled):
        job = match_job(tomogram, lump(), SIZE, FULL, params, folder=tmp_path)
        run(job, stop=lambda: any(".part" in path.name for path in tmp_path.iterdir()))
    assert [path.name for path in tmp_path.iterdir()] == ["search.json"]


def test_workers_pause_after_so_many_voxels(monkeypatch):
    monkeypatch.setattr(steps, "AT_ONCE", 1000)
    with Workers() as workers:
        job = workers.steps(lambda item: -item, range(10), 300)
        pauses = 0
        try:
            while True:
                next(job)
                pauses += 1
        except StopIteration as ended:
            assert ended.value == [-item for item in range(10)]
    assert pauses == 3
