import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.picking.masking import MaskParams, distances, grid_shift, keeper
from ais_app.core.tomogram import Tomogram

SIZES = [(10.0, 10.0, 10.0), (4.0, 5.0, 6.0)]


def volume(size, voxels=(), shape=(12, 14, 16)):
    data = np.zeros(shape, dtype=np.float32)
    for voxel in voxels:
        data[voxel] = 1
    return Tomogram(data, voxel_size_zyx=size)


@pytest.mark.parametrize("size", SIZES)
def test_sides_and_distances(size):
    mask = volume(size, [np.s_[4:6, 5:8, 5:8]])
    positions = np.array([[4, 6, 6], [5, 6, 9], [5, 12, 6]]) * size  # in it, 2 voxels off along x, 5 along y

    def kept(keep, distance=0.0):
        return keeper(mask, mask, MaskParams(mask_keep=keep, mask_distance=distance))(positions).tolist()

    assert kept("inside") == [True, False, False]
    assert kept("outside") == [False, True, True]
    assert kept("within", 2 * size[2]) == [True, True, False]
    assert kept("within", 1.9 * size[2]) == [True, False, False]
    assert kept("beyond", 2 * size[2]) == [False, False, True]
    assert kept("within", 5 * size[1]) == [True, True, True]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), limit=st.floats(1, 60), size=st.sampled_from(SIZES))
def test_distances_are_the_nearest_voxel_by_brute_force(seed, limit, size):
    rng = np.random.default_rng(seed)
    data = (rng.random((150, 6, 7)) > 0.995).astype(np.float32)
    positions = rng.integers(0, data.shape, (12, 3)) * np.array(size)
    there = np.argwhere(data) * np.array(size)
    wanted = np.linalg.norm(positions[:, None] - there, axis=2).min(axis=1, initial=np.inf)
    wanted = np.where(wanted <= limit, wanted, np.inf)
    np.testing.assert_allclose(distances(data, size, positions, limit), wanted, rtol=1e-5)


def test_an_empty_mask_keeps_nothing_inside_and_everything_outside():
    mask = volume(SIZES[0])
    for keep, expected in [("inside", False), ("within", False), ("outside", True), ("beyond", True)]:
        assert (
            keeper(mask, mask, MaskParams(mask_keep=keep, mask_distance=50))(np.zeros((2, 3))).tolist()
            == [expected] * 2
        )
        assert len(keeper(mask, mask, MaskParams(mask_keep=keep))(np.zeros((0, 3)))) == 0


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_binned_mask_lies_in_the_right_place(factor):
    fine = volume((5.0, 5.0, 5.0), shape=(24, 24, 24))
    data = np.zeros((24 // factor,) * 3, dtype=np.float32)
    data[1, 2, 3] = 1
    coarse = Tomogram(data, voxel_size_zyx=(5.0 * factor,) * 3)
    keep = keeper(coarse, fine, MaskParams())
    grid = np.stack(np.meshgrid(*[np.arange(24)] * 3, indexing="ij"), -1).reshape(-1, 3)
    inside = grid[keep(grid * 5.0)]
    expected = np.array([1, 2, 3]) * factor
    assert inside.min(axis=0).tolist() == expected.tolist()
    assert inside.max(axis=0).tolist() == (expected + factor - 1).tolist()


def test_another_tomogram_is_refused():
    with pytest.raises(ParameterProblem, match="same tomogram"):
        grid_shift(volume(SIZES[0], shape=(12, 14, 20)), volume(SIZES[0]))
    with pytest.raises(ParameterProblem, match="voxel size is not known"):
        grid_shift(volume(None), volume(SIZES[0]))
