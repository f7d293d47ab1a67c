"""Which points a lasso goes around."""

import numpy as np

from ais_app.core.particles.lasso import within_outline


def test_the_hollow_of_a_star_lies_outside():
    star = np.array([[0, 0], [10, 0], [10, 10], [5, 4], [0, 10]])
    points = np.array([[5, 2], [5, 8], [1, 7], [9, 7], [11, 5], [-1, 0]])
    assert within_outline(points, star).tolist() == [True, False, True, True, False, False]


def test_a_line_that_crosses_itself_leaves_out_what_it_goes_around_twice():
    twice = np.array([[0, 0], [10, 0], [10, 10], [0, 10], [0, 0], [8, 1], [8, 8], [1, 8]])
    assert within_outline(np.array([[5, 5], [9, 5]]), twice).tolist() == [False, True]


def test_no_line_goes_around_nothing():
    assert not within_outline(np.zeros((3, 2)), np.zeros((0, 2))).any()
