"""Live picks are the picks of the picker, in any order of settings."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.pickers.blobs import BlobParams, pick_blobs
from ais_app.core.scene.thresholding import LivePicks

SIZE = (10.0, 8.0, 9.0)


def soft_noise(shape=(24, 30, 28), seed=0):
    noise = gaussian_filter(np.random.default_rng(seed).random(shape), 1.5)
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)


def same(found, wanted):
    np.testing.assert_array_equal(found.positions_zyx, wanted.positions_zyx)
    np.testing.assert_array_equal(found.scores, wanted.scores)
    pd.testing.assert_frame_equal(found.table, wanted.table)
    assert (found.rotations is None) == (wanted.rotations is None)
    if wanted.rotations is not None:
        np.testing.assert_array_equal(found.rotations, wanted.rotations)
    assert found.voxel_size == wanted.voxel_size


PARAMS = st.builds(
    BlobParams,
    threshold=st.sampled_from([0.5, 0.6, 0.7]),
    min_volume=st.sampled_from([0.0, 720.0, 3 * 720.0, 30_000.0]),
    min_spacing=st.sampled_from([0.0, 40.0, 90.0]),
    neck=st.sampled_from([0.0, 0.85]),
    one_per_component=st.booleans(),
    position=st.sampled_from(["centroid", "deepest"]),
    border_margin=st.sampled_from([0.0, 35.0]),
    max_count=st.sampled_from([None, 1, 7]),
    binning=st.sampled_from([1, 1, 2]),
    orientation=st.sampled_from(["none", "long-axis", "short-axis"]),
)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 50), asked=st.lists(PARAMS, min_size=2, max_size=5), masked=st.booleans())
def test_the_same_as_the_picker(seed, asked, masked):
    volume = soft_noise(seed=seed)
    live = LivePicks(volume, SIZE)
    keep = (lambda positions: positions[:, 2] > 90) if masked else None
    for params in asked:
        same(live.pick(params, keep), pick_blobs(volume, SIZE, params, keep))
        assert live.is_quick(params)


def test_what_is_quick():
    live = LivePicks(soft_noise(), SIZE)
    params = BlobParams(threshold=0.6, min_volume=5000)
    assert not live.is_quick(params)
    live.pick(params)
    filters = {"min_volume": 6000.0, "min_spacing": 50.0, "border_margin": 20.0, "max_count": 3}
    for name, value in filters.items():
        assert live.is_quick(replace(params, **{name: value}))
    for name, value in {"min_volume": 0.0, "threshold": 0.61, "binning": 2, "neck": 0.5, "position": "deepest"}.items():
        assert not live.is_quick(replace(params, **{name: value}))


def test_stopping_keeps_what_was_measured():
    volume = soft_noise()
    live, params = LivePicks(volume, SIZE), BlobParams(threshold=0.55)
    messages = []
    with pytest.raises(JobCancelled):
        run(live.pick_job(params), lambda p: messages.append(p.message), lambda: "blobs" in messages)
    assert messages[0] == "components"
    again = []
    same(run(live.pick_job(params), lambda p: again.append(p.message)), pick_blobs(volume, SIZE, params))
    assert again
    assert "components" not in again


def test_old_thresholds_are_forgotten():
    live = LivePicks(soft_noise(), SIZE)
    for threshold in (0.5, 0.6, 0.7, 0.8):
        live.pick(BlobParams(threshold=threshold))
    assert [live.is_quick(BlobParams(threshold=t)) for t in (0.5, 0.6, 0.7, 0.8)] == [False, True, True, True]


def test_filters_take_less_than_50_ms():
    """600 blobs, as many as ribosomes in a full tomogram; the time does not depend on the volume."""
    rng = np.random.default_rng(1)
    ball = np.clip(5.5 - np.sqrt((np.mgrid[-6:7, -6:7, -6:7] ** 2).sum(axis=0)), 0, 1)
    volume = np.zeros((60, 210, 210), np.float32)
    for z, y, x in rng.permutation(
        np.stack(np.meshgrid([2, 16, 30, 44], range(2, 190, 14), range(2, 190, 14)), -1).reshape(-1, 3)
    )[:600]:
        volume[z : z + 13, y : y + 13, x : x + 13] = ball * rng.uniform(0.7, 1)
    live, params = LivePicks(volume, (13.0,) * 3), BlobParams(threshold=0.4)
    assert len(live.pick(params)) == 600
    seconds = []
    for change in ({"min_volume": 3e5}, {"min_spacing": 250.0}, {"min_volume": 1e6, "min_spacing": 200.0}):
        start = time.perf_counter()
        live.pick(replace(params, **change))
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.05


def test_two_axes_are_refused():
    with pytest.raises(ParameterProblem, match="2 axes"):
        LivePicks(np.ones((4, 5), np.float32), SIZE)
