"""Peaks and thresholds."""

import numpy as np
import pytest

from ais_app.core.matching import peaks as module
from ais_app.core.matching.peaks import apart, local_maxima, noise_threshold, peaks, tail_threshold
from ais_app.core.matching.store import Scores


def test_peaks_lie_between_voxels():
    score = np.zeros((20, 30, 30), dtype=np.float32)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in score.shape], indexing="ij"), axis=-1)
    centres = np.array([(9.7, 10.2, 12.0), (10.0, 19.3, 12.4), (9.9, 22.0, 25.3)])
    for height, centre in zip((0.5, 0.4, 0.3), centres, strict=True):
        score += height * np.exp(-((grid - centre) ** 2).sum(axis=-1) / 8).astype(np.float32)
    scores = Scores(score, np.full(score.shape, 3, np.int32), np.eye(3)[None], 0.02, 1e6)
    maxima = local_maxima(score)
    found = peaks(scores, apart(maxima, 3.0))
    np.testing.assert_allclose(found.positions_zyx[:3], centres, atol=0.12)
    assert found.angles.tolist()[:3] == [3, 3, 3]
    assert (apart(maxima, 10.0)[1] >= 0.1).sum() == 2
    assert len(apart(maxima, 0.0, number=1)[0]) == 1
    assert len(apart(maxima, 0.0)[0]) == len(maxima[0])
    assert len(peaks(scores, apart(local_maxima(np.zeros_like(score)), 3.0))) == 0


@pytest.mark.parametrize("together", [7, 40, 10**6])
def test_of_two_that_are_close_the_higher_stays(together, rng, monkeypatch):
    """As one by one, the highest first, however many are looked at together; also where heights are equal."""
    monkeypatch.setattr(module, "_TOGETHER", together)
    voxels = np.argwhere(rng.random((14, 15, 16)) < 0.1)
    heights = rng.integers(1, 30, len(voxels)).astype(np.float32) / 30
    expected = []
    for row in np.lexsort((np.arange(len(voxels)), -heights)):
        if all(np.linalg.norm(voxels[row] - voxels[other]) >= 3 for other in expected):
            expected.append(row)
    found = apart((voxels, heights), 3.0)
    np.testing.assert_array_equal(found[0], voxels[expected])
    np.testing.assert_array_equal(found[1], heights[expected])
    np.testing.assert_array_equal(apart((voxels, heights), 3.0, number=9)[0], voxels[expected[:9]])


def test_noise_exceeds_its_threshold_as_often_as_it_says(rng):
    noise = rng.normal(size=(64, 64, 64)).astype(np.float32) * 0.05
    scores = Scores(noise, np.zeros(noise.shape, np.int32), np.eye(3)[None], float(noise.std()), float(noise.size))
    assert 70 <= (noise > noise_threshold(scores, 100)).sum() <= 130  # three deviations of the number


@pytest.mark.parametrize("particles", [0, 40, 150])
def test_false_peaks_exceed_their_threshold_as_often_as_it_says(particles, rng):
    """Of 500 that are normal one does, in the mean, however many particles stand out of them."""
    exceed = []
    for _ in range(40):
        others = rng.normal(0.07, 0.018, 500)
        threshold = tail_threshold(np.concatenate([others, rng.normal(0.2, 0.02, particles)]), 1)
        exceed.append((others > threshold).sum())
    assert 0.5 <= np.mean(exceed) <= 2.5
    assert tail_threshold(others[:50]) is None
    assert tail_threshold(np.full(200, 0.1)) == pytest.approx(0.1)
