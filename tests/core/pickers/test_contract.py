"""What every picker in the folder has to do."""

import numpy as np
import pytest

from ais_app.core.params import Params
from ais_app.core.pickers import pickers

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


@pytest.mark.parametrize("name", list(pickers()))
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
