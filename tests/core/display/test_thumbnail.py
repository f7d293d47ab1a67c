"""Thumbnails show the middle of a tomogram and read little of it."""

import numpy as np
import pytest

from ais_app.core.display.thumbnail import thumbnail_job
from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.tomogram import Tomogram


class Lazy:
    def __init__(self, data):
        self._data, self.shape, self.dtype, self.read = data, data.shape, data.dtype, []

    def __getitem__(self, key):
        self.read.append(key[0])
        return self._data[key]


@pytest.fixture
def volume(rng):
    volume = rng.normal(0, 1, (40, 330, 250)).astype(np.float32)
    volume[15:25, 100:200, 50:100] -= 4
    return volume


@pytest.mark.parametrize("size", [96, 64, 250, 33])
def test_it_shows_the_central_slab(size, volume):
    data = Lazy(volume)
    picture = run(thumbnail_job(Tomogram(data), size))
    assert picture.dtype == np.uint8
    assert size / 2 < max(picture.shape) <= size
    assert picture.shape[0] / picture.shape[1] == pytest.approx(330 / 250, rel=0.1)
    rows, columns = (np.linspace(0, n, length + 1)[:-1] for n, length in zip((330, 250), picture.shape, strict=True))
    inside = np.ix_((rows > 110) & (rows < 185), (columns > 58) & (columns < 92))
    assert picture[inside].mean() < picture.mean() - 60
    assert sorted(data.read) == list(range(17, 22))


def test_each_pixel_is_the_mean_of_its_square():
    volume = np.zeros((1, 8, 12), np.float32)
    volume[0, :4, 4:8] = 1
    volume[0, 4:, 8:] = 2
    np.testing.assert_array_equal(run(thumbnail_job(Tomogram(volume), 3)), [[0, 128, 0], [0, 0, 255]])


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 200), (2, 97, 10), (7, 1000, 333)])
def test_any_shape_will_do(shape, rng):
    picture = run(thumbnail_job(Tomogram(rng.normal(size=shape).astype(np.float32))))
    assert max(picture.shape) <= 96
    assert min(picture.shape) >= 1


def test_missing_voxels_are_black_and_harm_nothing(volume):
    volume[:, :, :50] = np.nan
    volume[::2, 60, 60] = np.nan
    picture = run(thumbnail_job(Tomogram(volume)))
    assert not picture[:, :12].any()
    assert picture[:, 14:].std() > 20
    assert not run(thumbnail_job(Tomogram(np.full((2, 20, 20), np.nan, np.float32)))).any()


def test_it_tells_how_far_it_is(volume):
    steps = []
    run(thumbnail_job(Tomogram(volume)), steps.append)
    assert [step.done for step in steps] == [0, 1, 2, 3, 4]
    assert {step.total for step in steps} == {5}


def test_no_size_is_refused(volume):
    with pytest.raises(ParameterProblem, match="1 or more"):
        run(thumbnail_job(Tomogram(volume), 0))
