"""Cropping, binning and rescaling keep every voxel where it is in space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.region import parse_region
from ais_app.core.volume.resample import binned, cropped, rescaled, rescaled_slices

ORIGIN = (-400.0, 30.0, 7.5)


def slope(positions_zyx: list[np.ndarray]) -> np.ndarray:
    """A field that is straight in space: whatever shifts a grid shifts its values."""
    z, y, x = np.meshgrid(*positions_zyx, indexing="ij")
    return 0.5 * z - 0.25 * y + 0.125 * x


def positions(tomogram: Tomogram) -> list[np.ndarray]:
    sizes = tomogram.require_voxel_size_zyx()
    return [o + v * np.arange(n) for o, v, n in zip(tomogram.origin_zyx, sizes, tomogram.shape, strict=True)]


def phantom(shape: tuple[int, int, int], voxel_size: float, **geometry: tuple) -> Tomogram:
    empty = Tomogram(np.zeros(shape), (voxel_size,) * 3, **{"origin_zyx": ORIGIN, **geometry})
    return Tomogram(slope(positions(empty)).astype(np.float32), empty.voxel_size_zyx, empty.origin_zyx, **geometry)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_binned_voxels_lie_where_their_cubes_are(factor: int, voxel_size: float) -> None:
    tomogram = phantom((13, 16, 18), voxel_size)
    small = binned(tomogram, factor)
    assert small.shape == (13 // factor, 16 // factor, 18 // factor)
    assert small.voxel_size_zyx == pytest.approx((voxel_size * factor,) * 3)
    np.testing.assert_allclose(small.read(), slope(positions(small)), rtol=1e-5, atol=1e-3)


def test_binning_takes_means_or_maxima() -> None:
    mask = np.zeros((4, 4, 4), np.int8)
    mask[0, 1, 1] = 1
    tomogram = Tomogram(mask, (10.0,) * 3)
    assert binned(tomogram, 2).read()[0, 0, 0] == 0.125
    highest = binned(tomogram, 2, "max").read()
    assert highest.dtype == np.int8
    assert highest.sum() == highest[0, 0, 0] == 1


@pytest.mark.parametrize("kernel", ["cubic", "linear"])
@pytest.mark.parametrize("factor", [0.61, 1.0, 1.06, 1.368, 2.5])
def test_rescaling_leaves_a_slope_in_its_place(kernel: str, factor: float, voxel_size: float) -> None:
    tomogram = phantom((30, 33, 36), voxel_size)
    new = rescaled(tomogram, voxel_size * factor, kernel)
    inside = tuple(slice(int(6 / factor) + 1, -int(6 / factor) - 1) for _ in range(3))
    truth = slope(positions(new))
    np.testing.assert_allclose(new.read()[inside], truth[inside], atol=2e-3)


def test_rescaling_there_and_slice_by_slice_back_is_about_the_same_centre(voxel_size: float) -> None:
    tomogram = phantom((20, 24, 28), voxel_size)
    new = rescaled(tomogram, voxel_size * 1.5)
    back = np.stack(list(rescaled_slices(iter(new.read()), new.shape, tomogram.shape, [1 / 1.5] * 3)))
    assert back.shape == tomogram.shape
    np.testing.assert_allclose(back[6:-6, 6:-6, 6:-6], tomogram.read()[6:-6, 6:-6, 6:-6], atol=1e-2)


@given(
    shape=st.tuples(*[st.integers(1, 14)] * 3),
    factor=st.tuples(*[st.floats(0.4, 3.0)] * 3),
    kernel=st.sampled_from(["cubic", "linear"]),
)
@settings(max_examples=60, deadline=None)
def test_slices_as_they_come_are_the_slices_of_the_whole(shape: tuple, factor: tuple, kernel: str) -> None:
    volume = np.random.default_rng(1).random(shape, dtype=np.float32)
    new = rescaled(Tomogram(volume, (10.0,) * 3), tuple(10 * f for f in factor), kernel)
    streamed = np.stack(list(rescaled_slices(iter(volume), shape, new.shape, factor, kernel)))
    np.testing.assert_allclose(new.read(), streamed, atol=1e-5)
    if kernel == "linear":
        assert streamed.min() >= volume.min() - 1e-5
        assert streamed.max() <= volume.max() + 1e-5


def test_a_rescaled_block_is_that_block_of_the_whole() -> None:
    tomogram = phantom((12, 30, 31), 10.0)
    new = rescaled(tomogram, 13.68)
    np.testing.assert_array_equal(new.data[2:5, 3:11, 4:9], new.read()[2:5, 3:11, 4:9])


def test_larger_voxels_do_not_alias() -> None:
    checks = np.indices((16, 16, 16)).sum(axis=0) % 2
    new = rescaled(Tomogram(checks.astype(np.float32), (10.0,) * 3), 20.0)
    assert np.abs(new.read()[2:-2, 2:-2, 2:-2] - 0.5).max() < 1e-3


def test_a_crop_moves_the_origin_or_nstart_as_the_file_counts() -> None:
    region = parse_region("2:5,3:8,4:", (10, 10, 10))
    by_origin = cropped(Tomogram(np.zeros((10, 10, 10)), (10.0,) * 3, origin_zyx=(1.0, 2.0, 3.0)), region)
    assert by_origin.shape == (3, 5, 6)
    assert by_origin.origin_zyx == (21.0, 32.0, 43.0)
    by_nstart = cropped(Tomogram(np.zeros((10, 10, 10)), (10.0,) * 3, nstart_zyx=(-5, 0, 1)), region)
    assert (by_nstart.origin_zyx, by_nstart.nstart_zyx) == ((0.0, 0.0, 0.0), (-3, 3, 5))
    both = Tomogram(np.zeros((10, 10, 10)), (10.0,) * 3, origin_zyx=(1.0, 0.0, 0.0), nstart_zyx=(1, 1, 1))
    assert cropped(both, region).origin_zyx == (21.0, 30.0, 40.0)
    assert cropped(both, region).nstart_zyx == (3, 4, 5)
    unknown = cropped(Tomogram(np.zeros((10, 10, 10))), region)
    assert (unknown.origin_zyx, unknown.nstart_zyx) == ((0.0, 0.0, 0.0), (2, 3, 4))


def test_a_binned_map_counts_from_its_origin_only() -> None:
    tomogram = Tomogram(np.zeros((8, 8, 8)), (10.0,) * 3, nstart_zyx=(-4, 0, 2))
    small = binned(tomogram, 2)
    assert (small.origin_zyx, small.nstart_zyx) == ((-35.0, 5.0, 25.0), (0, 0, 0))


@pytest.mark.parametrize("text", ["1:2", "a:b,:,:", "5:5,:,:", "9:2,:,:", "12:,:,:", "-1:3,:,:"])
def test_what_is_no_region_is_refused_in_words(text: str) -> None:
    with pytest.raises(ParameterProblem):
        parse_region(text, (10, 10, 10))


def test_what_cannot_be_binned_or_rescaled_is_refused_in_words() -> None:
    with pytest.raises(ParameterProblem, match="cannot be binned"):
        binned(Tomogram(np.zeros((2, 8, 8))), 3)
    with pytest.raises(ParameterProblem, match="voxel size is not known"):
        rescaled(Tomogram(np.zeros((2, 8, 8))), 10.0)
