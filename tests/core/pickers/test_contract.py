"""What every picker in the folder has to do."""

import numpy as np
import pytest

from ais_app.core.params import Params
from ais_app.core.pickers import DENSITY, PROBABILITY, Picker, pickers

SIZE = (10.0, 8.0, 9.0)


class Lazy:
    """A volume that can only be sliced."""

    def __init__(self, data):
        self._data, self.shape, self.dtype = data, data.shape, data.dtype

    def __getitem__(self, key):
        return self._data[key]


@pytest.fixture
def rod():
    volume = np.zeros((24, 28, 60), dtype=np.float32)
    z, y, x = np.ogrid[:24, :28, :60]
    volume[((z - 12) * 10.0) ** 2 + ((y - 14) * 8.0) ** 2 + 0 * x <= 40**2] = 0.9
    return volume


def test_each_picker_says_what_it_reads():
    assert set(pickers(PROBABILITY)) | set(pickers(DENSITY)) == set(pickers())
    assert {"blobs", "filaments"} <= set(pickers(PROBABILITY))
    assert "dog" in pickers(DENSITY)
    assert not set(pickers(PROBABILITY)) & set(pickers(DENSITY))
    with pytest.raises(ValueError, match="labels"):
        Picker("x", "X", Params, lambda *_: None, reads="labels")


@pytest.mark.parametrize("name", list(pickers(DENSITY)))
def test_contract_of_those_that_read_tomograms(name, rng):
    """A dark ball in noise is found where it is, by defaults but for its size."""
    picker = pickers()[name]
    assert picker.name == name
    assert picker.title
    z, y, x = np.ogrid[:36, :44, :48]
    inside = ((z - 18) * 10.0) ** 2 + ((y - 25) * 8.0) ** 2 + ((x - 22) * 9.0) ** 2 <= 80**2
    volume = (rng.normal(5, 0.3, inside.shape) - 2.0 * inside).astype(np.float32)
    params = picker.params(diameter=160.0, number=1)
    assert isinstance(params, Params)
    found = picker.pick(volume, SIZE, params)
    np.testing.assert_allclose(found.positions_zyx, [[180, 200, 198]], atol=20)
    assert len(found.scores) == 1
    np.testing.assert_array_equal(picker.pick(volume, SIZE, params).positions_zyx, found.positions_zyx)
    np.testing.assert_array_equal(picker.pick(Lazy(volume), SIZE, params).positions_zyx, found.positions_zyx)
    assert len(picker.pick(np.zeros_like(volume), SIZE, params)) == 0


@pytest.mark.parametrize("name", list(pickers(PROBABILITY)))
def test_contract(name, rod):
    picker = pickers()[name]
    assert picker.name == name
    assert picker.title
    assert issubclass(picker.params, Params)
    params = picker.params()
    found = picker.pick(rod, SIZE, params)
    assert len(found) > 0
    assert (found.positions_zyx >= -np.array(SIZE) / 2).all()
    assert (found.positions_zyx <= (np.array(rod.shape) - 0.5) * SIZE).all()
    np.testing.assert_allclose(found.positions_zyx[:, :2], [[120, 112]] * len(found), atol=10)
    np.testing.assert_array_equal(picker.pick(rod, SIZE, params).positions_zyx, found.positions_zyx)
    np.testing.assert_array_equal(picker.pick(Lazy(rod), SIZE, params).positions_zyx, found.positions_zyx)
    assert len(picker.pick(np.zeros_like(rod), SIZE, params)) == 0
