"""Marks drawn in one go, against each drawn by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ais_app.core.display.stamps import disc, ring, stamped

RED, BLUE = (255, 0, 0, 255), (0, 0, 255, 128)


def test_a_disc_covers_its_area_and_a_ring_the_rest_of_it():
    for radius in (1.5, 2.5, 6.0):
        assert disc(radius).sum() == pytest.approx(np.pi * radius**2, rel=0.05)
        assert disc(radius).shape[0] % 2 == 1
    assert ring(4.5, 1.5).sum() == pytest.approx(2 * np.pi * 4.5 * 1.5, rel=0.05)
    assert ring(4.5, 1.5)[len(ring(4.5, 1.5)) // 2, len(ring(4.5, 1.5)) // 2] == 0


def test_colours_are_multiplied_by_how_opaque_they_are():
    drawn = stamped((9, 9), np.array([[4, 4]]), disc(2), np.array([BLUE], np.uint8), np.array([0]))
    assert drawn[4, 4].tolist() == [0, 0, 128, 128]
    assert drawn[0, 0].tolist() == [0, 0, 0, 0]


def test_x_goes_to_the_right_and_y_down():
    drawn = stamped((20, 30), np.array([[22.0, 5.0]]), disc(1), np.array([RED], np.uint8), np.array([0]))
    assert np.argwhere(drawn[..., 3] == 255).mean(axis=0).tolist() == [5, 22]


@given(
    st.lists(st.tuples(st.integers(-9, 40), st.integers(-9, 30), st.integers(0, 1)), max_size=12),
    st.sampled_from([disc(2.5), ring(4.5, 1.5)]),
)
def test_each_pixel_shows_the_mark_that_covers_it_most(marks, coverage):
    colours = np.array([RED, BLUE], np.uint8)
    places, kinds = np.array([mark[:2] for mark in marks]).reshape(-1, 2), np.array([mark[2] for mark in marks], int)
    drawn = stamped((24, 32), places, coverage, colours, kinds)
    expected, best, reach = np.zeros((24, 32, 4)), np.zeros((24, 32)), len(coverage) // 2
    for (x, y), kind in zip(places, kinds, strict=True):
        if not (0 <= x < 32 and 0 <= y < 24):
            continue
        for row in range(max(0, y - reach), min(24, y + reach + 1)):
            for column in range(max(0, x - reach), min(32, x + reach + 1)):
                share = coverage[row - y + reach, column - x + reach]
                if share > 0 and share >= best[row, column]:
                    best[row, column] = share
                    red, green, blue, opacity = colours[kind].astype(float)
                    expected[row, column] = share * np.array([red, green, blue, 255.0]) * opacity / 255
    assert np.abs(drawn - expected).max(initial=0) <= 1


def test_nothing_is_drawn_of_nothing():
    assert not stamped((5, 6), np.zeros((0, 2)), disc(2), np.array([RED], np.uint8), np.zeros(0, int)).any()
