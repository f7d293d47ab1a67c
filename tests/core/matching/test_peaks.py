"""Peaks and thresholds."""

import numpy as np
import pytest

from ais_app.core.matching.peaks import local_maxima, noise_threshold, peaks, tail_threshold
from ais_app.core.matching.store import Scores


def test_peaks(rng):
    score = np.zeros((20, 30, 30), dtype=np.float32)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in score.shape], indexing="ij"), axis=-1)
    centres = np.array([(9.7, 10.2, 12.0), (10.0, 19.3, 12.4), (9.9, 22.0, 25.3)])
    for height, centre in zip((0.5, 0.4, 0.3), centres, strict=True):
        score += height * np.exp(-((grid - centre) ** 2).sum(axis=-1) / 8).astype(np.float32)
    scores = Scores(score, np.full(score.shape, 3, np.int32), np.eye(3)[None], 0.02, 1e6)
    maxima = local_maxima(score)
    found = peaks(scores, maxima, 3.0)
    np.testing.assert_allclose(found.positions_zyx[:3], centres, atol=0.12)
    assert found.angles.tolist()[:3] == [3, 3, 3]
    assert len(peaks(scores, maxima, 10.0, lowest=0.1)) == 2
    assert len(peaks(scores, maxima, 0.0, number=1)) == 1
    assert len(peaks(scores, maxima, 3.0, lowest=0.45)) == 1
    assert len(peaks(scores, local_maxima(np.zeros_like(score)), 3.0)) == 0


def test_thresholds_let_through_what_they_say(rng):
    noise = rng.normal(size=(64, 64, 64)).astype(np.float32) * 0.05
    scores = Scores(noise, np.zeros(noise.shape, np.int32), np.eye(3)[None], float(noise.std()), float(noise.size))
    assert 1 <= (noise > noise_threshold(scores, 10)).sum() <= 30
    heights = local_maxima(noise + 1)[1] - 1
    lifted = np.concatenate([heights, rng.uniform(0.3, 0.5, len(heights) // 20)])  # particles among them
    assert tail_threshold(lifted, 1) == pytest.approx(tail_threshold(heights, 1), rel=0.1)
    assert tail_threshold(heights[:50]) is None
