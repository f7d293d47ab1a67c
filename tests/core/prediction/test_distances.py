"""Distances to masks in several slices, computed once for each content."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ais_app.core.prediction.distances import KeptDistances, squared_distances
from ais_app.core.prediction.plane_cache import PlaneCache

pytestmark = pytest.mark.usefixtures("one_thread")
spacings = st.sampled_from([(13.6, 13.6, 13.6), (27.2, 13.6, 10.0), (3.0, 7.7, 20.0)])


@settings(max_examples=40, deadline=None)
@given(
    masks=arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)), elements=st.booleans()),
    centre=st.integers(0, 4),
    spacing=spacings,
)
def test_distances_to_masks_in_several_slices(masks, centre, spacing):
    layers = [(z - centre, mask) for z, mask in enumerate(masks) if mask.any()]
    assume(layers)
    places = np.argwhere(masks) * spacing
    grid = np.argwhere(np.ones(masks.shape[1:], bool)) * spacing[1:]
    squares = ((grid[:, None] - places[None, :, 1:]) ** 2).sum(-1) + (places[:, 0] - centre * spacing[0]) ** 2
    expected = squares.min(axis=1).reshape(masks.shape[1:])
    np.testing.assert_allclose(squared_distances(layers, spacing), expected, rtol=1e-6, atol=1e-6)


def test_distances_are_kept_by_content():
    masks = np.random.default_rng(0).random((4, 70, 33)) > 0.98
    cache, size = PlaneCache(2**20), (3.0, 7.7, 13.6)
    kept = KeptDistances(cache)
    for layers in ([(0, masks[0])], [(-1, masks[0]), (0, masks[1])], [(0, masks[0].copy())]):
        np.testing.assert_array_equal(kept(layers, size), squared_distances(layers, size))
    assert cache.bytes == 2 * 70 * 33 * 4
    kept([(0, masks[0])], (3.0, 7.7, 13.7))
    assert cache.bytes == 3 * 70 * 33 * 4
