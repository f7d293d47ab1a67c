import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from ais_app.core.errors import ParameterProblem
from ais_app.core.picking.labelling import at_least, components, depth, distance_to

masks = arrays(bool, st.tuples(*[st.integers(1, 9)] * 3))


@settings(max_examples=60, deadline=None)
@given(mask=masks, least=st.integers(0, 6), size=st.sampled_from([(1.0, 1.0, 1.0), (2.0, 3.0, 1.5)]))
def test_components_are_those_of_scipy(mask, least, size):
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    found = components(mask, size, least * float(np.prod(size)))
    assert sorted(found.voxel_counts) == sorted(n for n in sizes if n >= least)
    np.testing.assert_allclose(found.volumes, found.voxel_counts * np.prod(size))
    kept = np.zeros_like(mask)
    for index in range(len(found)):
        crop, region = found.crop(index)
        assert crop.sum() == found.voxel_counts[index]
        assert not kept[region][crop].any()
        kept[region] |= crop
        own = np.argwhere(crop) + [s.start for s in region]
        np.testing.assert_allclose(found.centroids_zyx[index], own.mean(axis=0), atol=1e-4)
        np.testing.assert_array_equal(found.boxes_zyx[index], np.stack([own.min(0), own.max(0) + 1], axis=1))
    np.testing.assert_array_equal(found.mask(), kept)


@settings(max_examples=40, deadline=None)
@given(mask=masks, size=st.sampled_from([(1.0, 1.0, 1.0), (2.0, 3.0, 1.5)]))
def test_distances_are_those_of_scipy(mask, size):
    if not mask.all():
        np.testing.assert_allclose(depth(mask, size), ndimage.distance_transform_edt(mask, size), rtol=1e-5)
    if mask.any():
        np.testing.assert_allclose(distance_to(mask, size), ndimage.distance_transform_edt(~mask, size), rtol=1e-5)
    else:
        assert np.isinf(distance_to(mask, size)).all()


def test_a_full_mask_is_deep_everywhere():
    assert depth(np.ones((3, 4, 5), bool), (1.0, 1.0, 1.0)).min() > 5


def test_a_box_grows_to_the_border_and_no_further():
    mask = np.zeros((4, 5, 6), bool)
    mask[1, 0, 3:] = True
    assert components(mask, (1.0, 1.0, 1.0)).region(0, pad=2) == (slice(0, 4), slice(0, 3), slice(1, 6))


@pytest.mark.parametrize("shape", [(0, 3, 3), (3, 3, 3)])
def test_nothing_there(shape):
    found = components(np.zeros(shape, bool), (1.0, 1.0, 1.0))
    assert len(found) == 0
    assert not found.mask().any()


def test_a_plane_is_refused():
    with pytest.raises(ParameterProblem, match="2 axes"):
        components(np.zeros((3, 3), bool), (1.0, 1.0, 1.0))


def test_threshold_includes_its_value_and_leaves_nan_out():
    volume = np.array([0.4, 0.5, 0.6, np.nan], dtype=np.float32).reshape(4, 1, 1)
    assert at_least(volume, 0.5).ravel().tolist() == [False, True, True, False]
