"""Where noise ends among the values of maxima."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.picking.thresholds import automatic_threshold, gap_threshold


def noise(kind: str, seed: int, count: int = 400) -> np.ndarray:
    random = np.random.default_rng(seed)
    drawn = {
        "normal": lambda: random.normal(10, 1, count),
        "halved": lambda: np.abs(random.normal(size=count)),
        "uniform": lambda: random.uniform(size=count),
    }
    return drawn[kind]()


@pytest.mark.parametrize("kind", ["normal", "halved", "uniform"])
def test_noise_has_a_gap_once_in_a_thousand(kind):
    assert sum(gap_threshold(noise(kind, seed)) is not None for seed in range(500)) <= 2


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), count=st.integers(8, 150), kind=st.sampled_from(["normal", "halved"]))
def test_those_above_a_gap_are_told_from_noise_however_few(seed, count, kind):
    rest = noise(kind, seed)
    particles = np.random.default_rng(seed + 1).uniform(2.5, 3, count) * rest.max()
    values = np.random.default_rng(seed + 2).permutation(np.concatenate([rest, particles]))
    assert gap_threshold(values) == particles.min()
    assert automatic_threshold(values, "gap") == particles.min()


def test_where_no_gap_is_two_groups_are_divided():
    values = noise("normal", 3)
    assert automatic_threshold(values, "gap") == automatic_threshold(values, "mixture")


def test_particles_are_found_below_gold():
    random = np.random.default_rng(4)
    values = np.concatenate([noise("halved", 6), random.uniform(12, 13, 50), random.uniform(60, 66, 10)])
    assert gap_threshold(values) == values[400:450].min()


def test_a_few_beads_of_gold_are_no_group():
    values = np.concatenate([noise("halved", 5), [30, 31, 32, 33]])
    assert gap_threshold(values) is None


@pytest.mark.parametrize("values", [[], [1.0], [2.0] * 30, [2.0] * 300, [1.0] * 290 + [5.0] * 10])
def test_few_or_equal_values_tell_nothing(values):
    assert gap_threshold(np.array(values)) is None
