"""What the slice view shows, against the whole volume worked on at once."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.display.view_slice import FilterSetting, SliceRequest, plane_shape, read_slice
from ais_app.core.errors import ParameterProblem
from ais_app.core.filters import filters
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.tomogram import Tomogram

SHAPE = (12, 20, 28)
SIZES = (10.0, 12.0, 8.0)
AXES = {"z": (0, 1, 2), "y": (1, 0, 2), "x": (2, 0, 1)}


class Lazy:
    """Counts what is read of it."""

    def __init__(self, data):
        self._data, self.shape, self.dtype, self.voxels = data, data.shape, data.dtype, 0

    def __getitem__(self, key):
        part = self._data[key]
        self.voxels += part.size
        return part


@pytest.fixture
def volume(rng):
    return rng.normal(20, 5, SHAPE).astype(np.float32)


def shown(volume, request):
    """The same by brute force: mean over the slab everywhere, then each filter on everything."""
    turned = volume.transpose(AXES[request.axis])
    sizes = tuple(SIZES[axis] for axis in AXES[request.axis])
    half = request.slab // 2
    means = np.stack([turned[max(0, i - half) : i + half + 1].mean(axis=0) for i in range(len(turned))])
    for setting in request.filters:
        if setting.enabled:
            found = filters()[setting.name]
            means = found.apply(means.astype(np.float32), sizes, found.params(**setting.params))
    return means[request.index]


CHAINS = [
    (),
    (FilterSetting("gaussian", {"sigma": 15.0}),),
    (FilterSetting("gaussian", {"sigma": 8.0, "three_d": True}),),
    (FilterSetting("median", {"radius": 12.0, "three_d": True}), FilterSetting("unsharp", {"sigma": 10.0})),
    (FilterSetting("median", enabled=False), FilterSetting("gaussian", {"sigma": 5.0, "three_d": True})),
]


@settings(max_examples=60, deadline=None)
@given(
    axis=st.sampled_from("zyx"),
    index=st.integers(0, 11),
    slab=st.sampled_from([1, 3, 7]),
    chain=st.sampled_from(CHAINS),
)
def test_a_plane_is_that_of_the_averaged_and_filtered_volume(axis, index, slab, chain):
    volume = np.random.default_rng(3).normal(20, 5, SHAPE).astype(np.float32)
    request = SliceRequest(axis, index, slab, chain)
    plane = read_slice(Tomogram(volume, SIZES), request)
    assert plane.dtype == np.float32
    assert plane.shape == plane_shape(SHAPE, axis)
    np.testing.assert_allclose(plane, shown(volume, request), rtol=1e-4)


@pytest.mark.parametrize("dtype", ["int8", "uint8", ">i2", "uint16", "float16", ">f4", "float64"])
@pytest.mark.parametrize("axis", "zyx")
def test_any_type_becomes_float32(dtype, axis, volume):
    stored = volume.astype(dtype)
    plane = read_slice(Tomogram(stored), SliceRequest(axis, 4, 3))
    assert plane.dtype == np.dtype(np.float32)
    np.testing.assert_allclose(plane, shown(stored.astype(np.float32), SliceRequest(axis, 4, 3)), rtol=1e-5)


@pytest.mark.parametrize("suffix", [".mrc", ".ome.zarr", ".tif"])
@pytest.mark.parametrize("axis", "zyx")
def test_planes_of_files(suffix, axis, volume, tmp_path):
    path = write_volume(tmp_path / f"a{suffix}", volume, like=Tomogram(volume, SIZES))
    tomogram = open_tomogram(path)
    for slab in (1, 5):
        request = SliceRequest(axis, 9, slab, CHAINS[2])
        np.testing.assert_allclose(read_slice(tomogram, request), shown(volume, request), rtol=1e-4)


@pytest.mark.parametrize("axis", "zyx")
def test_no_more_is_read_than_needed(axis, volume):
    plane = np.prod(plane_shape(SHAPE, axis))
    for slab, chain, planes in [(1, (), 1), (5, (), 5), (3, CHAINS[1], 3), (1, CHAINS[3], 3)]:
        data = Lazy(volume)
        read_slice(Tomogram(data, SIZES), SliceRequest(axis, 6, slab, chain))
        assert data.voxels == planes * plane


def test_the_result_can_be_changed_without_harm(volume):
    before = volume.copy()
    read_slice(Tomogram(volume), SliceRequest("z", 3))[:] = 0
    np.testing.assert_array_equal(volume, before)


def test_missing_voxels_are_left_out_of_the_mean(volume):
    volume[5, 2, 3] = np.nan
    volume[:, 4, 4] = np.nan
    plane = read_slice(Tomogram(volume, SIZES), SliceRequest("z", 4, 3))
    assert plane[2, 3] == pytest.approx(volume[3:5, 2, 3].mean())
    assert np.isnan(plane[4, 4])
    assert np.isnan(plane).sum() == 1


def test_requests_are_keys():
    one = SliceRequest("z", 3, 1, (FilterSetting("gaussian", {"sigma": 20.0}),))
    same = SliceRequest("z", 3, 1, (FilterSetting("gaussian", {"sigma": 20.0}),))
    other = SliceRequest("z", 3, 1, (FilterSetting("gaussian", {"sigma": 21.0}),))
    assert {one: 1}[same] == 1
    assert other not in {one}


@pytest.mark.parametrize(
    ("values", "says"),
    [({"axis": "w"}, "choose z, y or x"), ({"slab": 2}, "odd"), ({"slab": 0}, "odd"), ({"slab": -1}, "odd")],
)
def test_requests_that_make_no_sense_are_refused(values, says):
    with pytest.raises(ParameterProblem, match=says):
        SliceRequest(**{"axis": "z", "index": 0, **values})


def test_planes_outside_are_refused(volume):
    for axis, index in [("z", 12), ("y", 20), ("x", -1)]:
        with pytest.raises(ParameterProblem, match=f"no plane {axis} = {index}.*from 0 to"):
            read_slice(Tomogram(volume), SliceRequest(axis, index))


def test_filters_need_a_voxel_size_and_nothing_else_does(volume):
    read_slice(Tomogram(volume), SliceRequest("z", 0, 1, (FilterSetting("gaussian", enabled=False),)))
    with pytest.raises(ParameterProblem, match="voxel size is not known"):
        read_slice(Tomogram(volume), SliceRequest("z", 0, 1, (FilterSetting("gaussian"),)))


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        (FilterSetting("gausian"), "did you mean gaussian"),
        (FilterSetting("gaussian", {"sgma": 3}), "did you mean sigma"),
        (FilterSetting("gaussian", {"sigma": -3}), "out of bounds"),
    ],
)
def test_filters_that_do_not_fit_are_named(setting, says, volume):
    with pytest.raises(ParameterProblem, match=says):
        read_slice(Tomogram(volume, SIZES), SliceRequest("z", 0, 1, (setting,)))


def test_settings_as_text_and_as_values():
    setting = FilterSetting("gaussian", {"sigma": 25.0, "three_d": True}, enabled=False)
    assert FilterSetting.from_dict(setting.to_dict()) == setting
    assert setting.text == "gaussian:sigma=25.0,three_d=True"
    assert FilterSetting.from_text(setting.text).params == setting.params
    assert FilterSetting("median").text == "median"
    assert FilterSetting.from_text("median") == FilterSetting("median")
    assert FilterSetting.from_text("band_pass:low-pass=40, high_pass=none").params == {
        "low_pass": 40.0,
        "high_pass": None,
    }
    for text, says in [("gaussian:sigma=x", "no float"), ("gaussian:sigma", "name=value"), ("what", "known: ")]:
        with pytest.raises(ParameterProblem, match=says):
            FilterSetting.from_text(text)


def test_a_slice_is_there_at_once(tmp_path):
    """1000 x 1000 float32 from the page cache: 10 ms on a quiet machine, the best of several on a busy one."""
    volume = np.zeros((40, 1000, 1000), np.float32)
    tomogram = open_tomogram(write_volume(tmp_path / "a.mrc", volume))
    for axis in "zyx":
        taken = []
        for index in range(10, 20):
            start = time.perf_counter()
            read_slice(tomogram, SliceRequest(axis, index))
            taken.append(time.perf_counter() - start)
        assert min(taken) < 0.01, axis
