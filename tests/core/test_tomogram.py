"""Tomograms: slabs, statistics, names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import Tomogram, tomogram_name


@given(
    data=arrays.arrays(np.int16, st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 5))),
    z=st.integers(0, 5),
    depth=st.sampled_from([1, 3, 5, 9]),
)
def test_a_slab_repeats_the_end_slices(data, z, depth):
    z = min(z, len(data) - 1)
    slab = Tomogram(data).slab(z, depth)
    wanted = np.clip(np.arange(z - depth // 2, z + depth // 2 + 1), 0, len(data) - 1)
    assert slab.dtype == np.float32
    assert np.array_equal(slab, data[wanted])


def test_a_slab_is_a_copy():
    data = np.zeros((3, 4, 4), dtype=np.float32)
    Tomogram(data).slab(1)[:] = 7
    assert not data.any()


def test_a_slab_of_a_region(rng):
    data = rng.normal(size=(3, 6, 7)).astype(np.float32)
    region = (slice(1, 4), slice(2, 6))
    assert np.array_equal(Tomogram(data).slab(1, 3, region), data[:, 1:4, 2:6])


def test_a_slice_outside_is_refused():
    with pytest.raises(ParameterProblem, match="slices run from 0 to 2"):
        Tomogram(np.zeros((3, 2, 2))).slab(3)


def test_a_first_voxel_far_off_costs_the_others_no_digits():
    data = np.full((4, 5, 6), 1.34375, dtype=np.float32)
    data[0, 0, 0] = -8885.879
    assert Tomogram(data).statistics.mean == pytest.approx(data.mean(dtype=np.float64), abs=1e-5)


@given(
    arrays.arrays(np.float32, (4, 5, 6), elements=st.floats(-1e4, 1e4, width=32)),
    st.floats(-1e6, 1e6, width=32),
)
def test_statistics_are_exact_also_on_a_large_offset(data, offset):
    shifted = data + np.float32(offset)
    statistics = Tomogram(shifted).statistics
    exact = shifted.astype(np.float64)
    assert statistics.mean == pytest.approx(exact.mean(), abs=1e-3 + 1e-6 * abs(exact.mean()))
    assert statistics.deviation == pytest.approx(exact.std(), abs=2e-2, rel=1e-3)


def test_statistics_of_many_slices_agree_with_numpy(rng):
    data = rng.normal(1000, 3, size=(20, 300, 400)).astype(np.float32)
    statistics = Tomogram(data).statistics
    assert statistics.mean == pytest.approx(data.mean(dtype=np.float64), rel=1e-7)
    assert statistics.deviation == pytest.approx(data.std(dtype=np.float64), rel=1e-5)


def test_an_unknown_voxel_size_is_never_guessed():
    with pytest.raises(ParameterProblem, match="not known"):
        _ = Tomogram(np.zeros((2, 2, 2))).voxel_size


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/TS_01.mrc.gz", "TS_01"), ("TS_2_10.00Apx.mrc", "TS_2_10.00Apx"), ("x.ome.zarr", "x"), ("a.st", "a"),
     ("run.5.rec", "run.5"), ("noend", "noend"), ("B.MRC", "B"), (".mrc", ".mrc")],
)  # fmt: skip
def test_names_are_stems(path, name):
    assert tomogram_name(path) == name
