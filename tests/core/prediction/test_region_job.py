"""A part of a volume, binned: what the Render tab asks for."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from tiny_networks import EXACT, level, make_model, make_tomogram

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.prediction.interactions import InteractionGraph, Rule
from ais_app.core.prediction.predict import predict_volume
from ais_app.core.prediction.region_job import predict_region_job
from ais_app.core.volume.binning import bin_mean

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("binning", [1, 3])
def test_a_region_as_a_volume(binning):
    models = [make_model(f, s) for s, f in enumerate("ab")]
    tomogram, region = make_tomogram(), np.s_[2:10, 5:40, 3:33]
    graph = InteractionGraph((Rule("avoid", "a", "b", level(models[1], tomogram), 20.0, "ball"),))
    slices = predict_volume(models, tomogram, region=region, interactions=graph, params=EXACT)
    whole = np.stack([current.planes["a"] for current in slices])
    seen = []
    found = run(predict_region_job(models, graph, tomogram, region, binning, params=EXACT), seen.append)
    assert sorted(found) == ["a", "b"] and found["a"].dtype == np.float32
    np.testing.assert_allclose(found["a"], bin_mean(whole, binning), atol=1e-6)
    assert [progress.done for progress in seen] == list(range(9))
    coarse = run(predict_region_job(models, graph, tomogram, region, binning, as_bytes=True, params=EXACT))
    assert coarse["a"].dtype == np.uint8
    assert abs(coarse["a"] / 255 - found["a"]).max() <= 0.5 / 255 + 1e-6


def test_a_region_can_be_stopped_and_leaves_no_thread():
    before = set(threading.enumerate())
    job = predict_region_job([make_model()], None, make_tomogram((50, 40, 40)), params=EXACT)
    asked = iter([False, False, True])
    with pytest.raises(JobCancelled):
        run(job, stop=lambda: next(asked))
    assert set(threading.enumerate()) <= before
    with pytest.raises(ParameterProblem, match="binning"):
        run(predict_region_job([make_model()], None, make_tomogram(), binning=0))
