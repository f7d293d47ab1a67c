"""What every filter in the folder has to do."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.filtering.chain import FilterSetting, chain_margin, filtered
from ais_app.core.filters import filters
from ais_app.core.params import Params

ALL = list(filters())
SIZES = (8.0, 13.68)


def parameters(name, three_d):
    return filters()[name].params(three_d=three_d)


def close(value, truth):
    np.testing.assert_allclose(value, truth, rtol=2e-4, atol=2e-4, equal_nan=True)


@pytest.mark.parametrize("name", ALL)
def test_the_record_is_complete(name):
    found = filters()[name]
    assert found.name == name
    assert found.title
    assert issubclass(found.params, Params)
    for field in dataclasses.fields(found.params):
        assert field.metadata["help"]
        if "float" in str(field.type):
            assert field.metadata["low"] is not None
            assert field.metadata["high"] is not None


def test_the_filters_that_people_know_are_there():
    known = {"gaussian", "median", "band_pass", "difference_of_gaussians", "non_local_means", "unsharp"}
    assert known | {"anisotropic_diffusion", "perona_malik", "coherence_diffusion"} <= set(ALL)
    assert {"deconvolution", "membrane_strength"} <= set(ALL)


@pytest.mark.parametrize("three_d", [False, True], ids=["2D", "3D"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ALL)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_a_filtered_slab_is_that_slab_of_the_filtered_volume(name, size, three_d, data):
    found, params, sizes = filters()[name], parameters(name, three_d), (size, size * 1.1, size)
    margin = found.margin(params, sizes)
    assert three_d or margin[0] == 0
    axis = data.draw(st.integers(0 if three_d else 1, 2), "axis")
    # long enough along one axis that neither end of the volume is within reach of a region in the middle
    shape = [5, 6, 7]
    shape[axis] = 2 * margin[axis] + 26
    rng = np.random.default_rng(data.draw(st.integers(0, 99), "seed"))
    volume = rng.normal(5, 2, shape).astype(np.float32)
    missing = data.draw(st.sampled_from([0.0, 0.02, 0.4]), "missing")
    volume[rng.random(shape) < missing] = np.nan
    start = data.draw(st.sampled_from([0, 3, margin[axis] + 8]), "start")
    region = [slice(0, length) for length in shape]
    region[axis] = slice(start, start + 10)
    reads = []

    def read(part):
        reads.append(part)
        return volume[part]

    whole = found.apply(volume, sizes, params)
    close(
        filtered(read, volume.shape, sizes, [FilterSetting(name, params.to_dict())], tuple(region)),
        whole[tuple(region)],
    )
    length = reads[0][axis].stop - reads[0][axis].start
    assert length <= 10 + 2 * margin[axis] < shape[axis]


@pytest.mark.parametrize("three_d", [False, True], ids=["2D", "3D"])
@pytest.mark.parametrize("name", ALL)
def test_shape_type_and_input_are_kept(name, three_d, rng):
    found = filters()[name]
    volume = rng.normal(size=(3, 9, 11)).astype(np.float32)
    before = volume.copy()
    result = found.apply(volume, (10.0,) * 3, parameters(name, three_d))
    assert result.shape == volume.shape
    assert result.dtype == np.float32
    assert not np.shares_memory(result, volume)
    np.testing.assert_array_equal(volume, before)
    np.testing.assert_array_equal(found.apply(volume, (10.0,) * 3, parameters(name, three_d)), result)


@pytest.mark.parametrize("name", ALL)
def test_in_2d_every_slice_is_by_itself(name, rng):
    found = filters()[name]
    volume = rng.normal(size=(4, 20, 21)).astype(np.float32)
    whole = found.apply(volume, (10.0,) * 3, parameters(name, False))
    each = [found.apply(volume[z : z + 1], (10.0,) * 3, parameters(name, False)) for z in range(4)]
    close(whole, np.concatenate(each))


@pytest.mark.parametrize("name", ALL)
def test_lengths_are_in_angstroms(name, rng):
    """Twice the voxel size with twice the lengths is the same on the voxels."""
    found = filters()[name]
    volume = rng.normal(size=(6, 20, 21)).astype(np.float32)
    params = parameters(name, True)
    if name == "deconvolution":  # the wavelength of electrons is a length that does not double
        params = dataclasses.replace(params, defocus=0.0)
    lengths = {f.name: 2 * getattr(params, f.name) for f in dataclasses.fields(params) if f.metadata["unit"] == "Å"}
    assert lengths
    doubled = dataclasses.replace(params, **lengths)
    close(found.apply(volume, (26.0, 20.0, 24.0), doubled), found.apply(volume, (13.0, 10.0, 12.0), params))


@pytest.mark.parametrize("three_d", [False, True], ids=["2D", "3D"])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ALL)
def test_missing_voxels_stay_missing_and_do_not_spread(name, odd, three_d, rng):
    found = filters()[name]
    volume = np.full((5, 24, 24), 7, np.float32)
    missing = rng.random(volume.shape) < 0.1
    missing[:, :6] = True  # a padded face
    volume[missing] = odd
    result = found.apply(volume, (10.0,) * 3, parameters(name, three_d))
    np.testing.assert_array_equal(np.isfinite(result), ~missing)
    assert np.ptp(result[~missing]) < 1e-4  # what is constant stays so beside them: nothing is mixed in
    assert np.isnan(found.apply(np.full((1, 5, 5), odd, np.float32), (10.0,) * 3, parameters(name, three_d))).all()


@pytest.mark.parametrize("name", ALL)
def test_grey_values_have_no_origin(name, rng):
    """A constant that is added comes out again, or goes with the mean; nothing else changes."""
    found = filters()[name]
    volume = rng.normal(size=(1, 30, 30)).astype(np.float32)
    params = parameters(name, False)
    shift = found.apply(volume + 50, (10.0,) * 3, params) - found.apply(volume, (10.0,) * 3, params)
    np.testing.assert_allclose(shift, np.median(shift), atol=2e-3)
    assert min(abs(np.median(shift) - 50), abs(np.median(shift))) < 1e-3


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 40), (1, 300, 2), (7, 1, 3)])
def test_any_shape_will_do(name, shape, rng):
    volume = rng.normal(size=shape).astype(np.float32)
    result = filters()[name].apply(volume, (10.0,) * 3, parameters(name, True))
    assert result.shape == shape
    assert np.isfinite(result).all()


def test_margins_of_a_chain_add_up():
    chain = [FilterSetting("gaussian", {"sigma": 20, "three_d": True}), FilterSetting("median", {"radius": 30})]
    assert chain_margin(chain, (10.0, 10.0, 20.0)) == (8, 8 + 3, 4 + 1)
    assert chain_margin([*chain, FilterSetting("gaussian", enabled=False)], (10.0,) * 3) == (8, 11, 11)
    assert chain_margin([], (10.0,) * 3) == (0, 0, 0)
