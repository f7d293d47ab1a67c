"""Moments of pieces join to those of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ais_app.core.jobs import run
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.moments import Moments, moments, moments_job
from ais_app.core.volume.preflight import preflight


@given(
    block=arrays(np.float32, array_shapes(min_dims=3, max_dims=3), elements=st.floats(-1e3, 1e3, width=32)),
    cut=st.integers(0, 10),
)
@settings(deadline=None)
def test_parts_join_to_the_whole(block: np.ndarray, cut: int) -> None:
    whole, joined = moments(block), moments(block[:cut]) + moments(block[cut:])
    exact = block.astype(np.float64)
    for found in (whole, joined):
        assert (found.count, found.low, found.high) == (block.size, block.min(), block.max())
        assert found.mean == pytest.approx(exact.mean(), abs=1e-3)
        assert found.deviation == pytest.approx(exact.std(), abs=1e-2)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", ">i2", "uint16", "float16", ">f4", "float64"])
def test_every_type_and_byte_order(rng: np.random.Generator, dtype: str) -> None:
    volume = rng.integers(0, 100, (5, 40, 50)).astype(dtype)
    found = run(moments_job(volume))
    assert (found.low, found.high) == (volume.min(), volume.max())
    assert found.mean == pytest.approx(volume.astype(float).mean(), rel=1e-6)
    assert found.deviation == pytest.approx(volume.astype(float).std(), rel=1e-5)


def test_a_large_offset_does_not_swallow_the_deviation(rng: np.random.Generator) -> None:
    volume = (rng.normal(30000, 2, (8, 300, 300))).astype(np.float32)
    assert run(moments_job(volume)).deviation == pytest.approx(2.0, rel=0.01)


def test_the_largest_floats_have_a_deviation() -> None:
    volume = np.array([[[-3e38, 3e38]]], np.float32)
    assert moments(volume).deviation == pytest.approx(3e38)


def test_what_is_no_number_is_counted_and_left_out(rng: np.random.Generator) -> None:
    volume = rng.normal(size=(4, 30, 30)).astype(np.float32)
    volume[1, 2, 3:6] = np.nan
    volume[2, 0, 0] = -np.inf
    found = run(moments_job(volume))
    rest = volume[np.isfinite(volume)]
    assert (found.nans, found.infinities, found.count) == (3, 1, rest.size)
    assert found.mean == pytest.approx(rest.mean(), abs=1e-6)
    assert Tomogram(volume).statistics.mean == pytest.approx(rest.mean(), abs=1e-6)


def test_nothing_has_no_moments() -> None:
    assert moments(np.zeros((0, 3, 3))) == Moments()
    assert run(moments_job(np.full((2, 3, 3), np.nan, np.float32))).count == 0
    assert {finding.code for finding in preflight(Tomogram(np.full((2, 3, 3), np.nan, np.float32)))} >= {"not-finite"}
