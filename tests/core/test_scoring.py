"""Scores against the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.scoring import dice, score_curves, score_picks


def test_dice_of_known_overlaps():
    a, b = np.zeros((2, 10), bool), np.zeros((2, 10), bool)
    a[0], b[0, 5:] = True, True
    assert dice(a, b) == pytest.approx(2 * 5 / 15)
    assert dice(a, b, ignore=~b) == 1.0
    assert dice(a, ~a) == 0.0
    assert dice(np.zeros(3), np.zeros(3)) == 1.0
    with pytest.raises(ParameterProblem, match="shapes"):
        dice(a, a[:1])


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 1000))
def test_matching_is_one_to_one_and_within_the_radius(found, truth, seed):
    rng = np.random.default_rng(seed)
    score = score_picks(rng.uniform(0, 100, (found, 3)), rng.uniform(0, 100, (truth, 3)), 30)
    assert score.matched <= min(found, truth)
    assert 0 <= score.precision <= 1
    assert 0 <= score.recall <= 1
    assert not score.distance > 30


def test_two_picks_on_one_particle_count_once():
    score = score_picks(np.array([[0, 0, 0], [0, 0, 1.0]]), np.array([[0, 0, 0.4]]), 5)
    assert (score.matched, score.precision, score.recall) == (1, 0.5, 1.0)
    assert score.f1 == pytest.approx(2 / 3)


def test_matching_finds_the_assignment_that_pairs_everything():
    # greedy nearest-first would pair the middle pick with the left particle and leave the right one alone
    score = score_picks(np.array([[0, 0, 0], [0, 0, 4.0]]), np.array([[0, 0, 3.0], [0, 0, 8.0]]), 4.5)
    assert score.matched == 2


def test_a_shifted_line_has_the_shift_as_its_error():
    line = np.array([[0, 0, 0], [0, 0, 100.0]])
    score = score_curves([line + [0, 3, 0]], [line], tolerance=5)
    assert score.median == pytest.approx(3, abs=0.3)
    assert score.worst == pytest.approx(3, abs=0.3)
    assert score.coverage == 1.0
    half = score_curves([line * [1, 1, 0.5]], [line], tolerance=5)
    assert half.coverage == pytest.approx(0.6, abs=0.02)
    assert score_curves([], [line], 5).coverage == 0.0
