"""Components against scipy's, for masks of any shape."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import center_of_mass, find_objects, label

from ais_app.core.picking.runs import label_components

STRUCTURES = {26: np.ones((3, 3, 3)), 6: None}


@settings(max_examples=150, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 14)] * 3),
    seed=st.integers(0, 2**32 - 1),
    filled=st.floats(0, 1),
    connectivity=st.sampled_from([6, 26]),
)
def test_the_same_components_in_the_same_order(shape, seed, filled, connectivity):
    mask = np.random.default_rng(seed).random(shape) < filled
    wanted, count = label(mask, structure=STRUCTURES[connectivity])
    found = label_components(mask, connectivity)
    np.testing.assert_array_equal(found.labels, wanted)
    np.testing.assert_array_equal(found.counts, np.bincount(wanted.ravel(), minlength=count + 1)[1:])
    boxes = [[[part.start, part.stop] for part in box] for box in find_objects(wanted)]
    np.testing.assert_array_equal(found.boxes_zyx, np.reshape(boxes, (count, 3, 2)))
    if count:
        np.testing.assert_allclose(found.centroids_zyx, center_of_mass(mask, wanted, range(1, count + 1)))


def test_views_and_extremes():
    volume = np.zeros((6, 7, 8), dtype=bool)
    assert len(label_components(volume).counts) == 0
    assert label_components(~volume).counts.tolist() == [6 * 7 * 8]
    volume[::2, ::2, ::2] = True
    np.testing.assert_array_equal(label_components(volume[::-1, :, ::-1]).counts, np.ones(3 * 4 * 4))
    checkers = np.indices((5, 5, 5)).sum(axis=0) % 2 == 0
    assert len(label_components(checkers, 26).counts) == 1
    assert len(label_components(checkers, 6).counts) == np.count_nonzero(checkers)
    many = label_components(np.indices((80, 80, 80)).sum(axis=0) % 2 == 0, 6)
    assert many.labels.dtype == np.uint32
    assert many.labels.max() == len(many.counts) == 256_000
