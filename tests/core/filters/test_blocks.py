"""Volumes that do not fit into memory are filtered block by block, with the same result."""

import numpy as np
import pytest

from ais_app.core.errors import ParameterProblem
from ais_app.core.filtering.blocks import block_size, filtered_slabs
from ais_app.core.filtering.chain import FilterSetting
from ais_app.core.filters import filters
from ais_app.core.tomogram import Tomogram

GAUSSIAN = FilterSetting("gaussian", {"sigma": 12.0, "three_d": True})


@pytest.mark.parametrize("block_voxels", [1, 3000, 10_000, 10**9])
@pytest.mark.parametrize("chain", [(GAUSSIAN,), (FilterSetting("median"), GAUSSIAN), (FilterSetting("median"),), ()])
def test_the_result_does_not_depend_on_the_blocks(block_voxels, chain, voxel_size, rng):
    volume = rng.normal(size=(23, 40, 9)).astype(np.float32)
    whole, sizes = volume, (voxel_size,) * 3
    for setting in chain:
        whole = filters()[setting.name].apply(whole, sizes, setting.parameters())
    found = list(filtered_slabs(Tomogram(volume, sizes), chain, block_voxels))
    assert [z for z, _ in found] == np.cumsum([0, *(len(slab) for _, slab in found)])[:-1].tolist()
    np.testing.assert_allclose(np.concatenate([slab for _, slab in found]), whole, atol=1e-5)
    assert len(found) > 1 or block_voxels > 1


def test_blocks_fit_into_memory_and_read_little_twice():
    shape = (300, 1000, 1000)
    for margin in [(0, 80, 80), (8, 8, 8), (40, 40, 40)]:
        slices, rows = block_size(shape, margin)
        padded = min(300, slices + 2 * margin[0]) * min(1000, rows + 2 * margin[1]) * 1000
        assert padded <= 2**25
        blocks = -(-300 // slices) * -(-1000 // rows)
        assert margin[0] == 0 or padded * blocks < 6 * 3e8
    assert block_size(shape, (0, 0, 0))[1] == 1000  # whole slices where nothing is gained by parts
    assert block_size((5, 6, 7), (99, 99, 99)) == (5, 6)
    assert min(block_size((300, 4000, 4000), (150, 150, 150))) >= 1  # no way to fit: the smallest there is


def test_the_voxel_size_must_be_known():
    with pytest.raises(ParameterProblem, match="voxel size is not known"):
        list(filtered_slabs(Tomogram(np.zeros((2, 3, 4))), [GAUSSIAN]))
    assert len(list(filtered_slabs(Tomogram(np.zeros((2, 3, 4))), []))) == 1
