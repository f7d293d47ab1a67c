"""Labels from the plane before and from a prediction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.annotation.copying import copy_plane, from_probability
from ais_app.core.annotation.labels import Plane, TiledLabels
from ais_app.core.errors import ParameterProblem

SHAPE = (10, 40, 70)
EVERYTHING = (slice(None),) * 3
NOISE = np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)


def noisy() -> TiledLabels:
    labels = TiledLabels(SHAPE)
    labels.write(EVERYTHING, NOISE)
    return labels


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_a_plane_is_copied(axis: str, replace: bool) -> None:
    labels, along = noisy(), "zyx".index(axis)
    edit = copy_plane(labels, 4, 5, axis=axis, replace=replace)
    labels.apply(edit)
    source, target = NOISE.take(4, along), NOISE.take(5, along)
    expected = source if replace else np.where(target == 0, source, target)
    np.testing.assert_array_equal(labels.read_plane(Plane(axis, 5)), expected)
    np.testing.assert_array_equal(np.delete(labels.read(EVERYTHING), 5, along), np.delete(NOISE, 5, along))
    assert (edit.planes, edit.title) == ((Plane(axis, 5),), "Copy")
    labels.apply(edit.reversed())
    np.testing.assert_array_equal(labels.read(EVERYTHING), NOISE)


def truth(before: int, probability: float, threshold: float, label: int, replace: bool, keep: bool) -> int:
    """What a voxel becomes, in words."""
    if before == 2 and keep:
        return 2
    if np.isnan(probability):
        return before
    if probability >= threshold:
        return label
    gone = before == label or before == 2
    return 0 if replace and gone else before


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([np.float32, np.float64, np.float16]),
    st.floats(0, 1),
    st.sampled_from([1, 2]),
    st.booleans(),
    st.booleans(),
)
def test_a_prediction_becomes_labels(dtype, threshold: float, label: int, replace: bool, keep: bool) -> None:
    labels, start = noisy(), (3, 11, 20)
    probability = np.random.default_rng(1).random((4, 9, 13)).astype(dtype)
    probability[0, :4, :5] = np.nan
    probability[1, 0, :2] = threshold
    planes = [Plane("z", 3), Plane("z", 4)]
    options = {"label": label, "replace": replace, "keep_ignored": keep}
    edit = from_probability(labels, probability, threshold, start_zyx=start, planes=planes, **options)
    expected = NOISE.copy()
    for index in np.ndindex(probability.shape):
        at = tuple(np.add(index, start))
        expected[at] = truth(int(NOISE[at]), probability[index], threshold, label, replace, keep)
    labels.apply(edit)
    np.testing.assert_array_equal(labels.read(EVERYTHING), expected)
    assert edit.planes == tuple(planes)
    labels.apply(edit.reversed())
    np.testing.assert_array_equal(labels.read(EVERYTHING), NOISE)


def test_a_whole_volume_and_a_single_slice() -> None:
    labels = TiledLabels(SHAPE)
    probability = np.random.default_rng(1).random(SHAPE)
    labels.apply(from_probability(labels, probability))
    np.testing.assert_array_equal(labels.read(EVERYTHING), probability >= 0.5)
    labels.apply(from_probability(labels, np.zeros((1, 40, 70)), start_zyx=(9, 0, 0)))
    assert not labels.read_plane(Plane("z", 9)).any() and labels.read_plane(Plane("z", 8)).any()
    assert from_probability(labels, np.zeros((0, 40, 70))).after.size == 0


def test_what_cannot_be_copied() -> None:
    labels, slab = noisy(), np.zeros((2, 40, 70))
    for call, message in (
        (lambda: copy_plane(labels, 4, 4), "itself"),
        (lambda: copy_plane(labels, 4, 10), "outside"),
        (lambda: copy_plane(labels, -1, 0), "outside"),
        (lambda: copy_plane(labels, 1, 2, axis="t"), "axis"),
        (lambda: from_probability(labels, slab[0]), "2 axes"),
        (lambda: from_probability(labels, slab, 1.5), "between 0 and 1"),
        (lambda: from_probability(labels, slab, float("nan")), "between 0 and 1"),
        (lambda: from_probability(labels, slab, label=0), "label"),
        (lambda: from_probability(labels, slab, start_zyx=(9, 0, 0)), "beyond"),
        (lambda: from_probability(labels, slab, start_zyx=(-1, 0, 0)), "beyond"),
    ):
        with pytest.raises(ParameterProblem, match=message) as caught:
            call()
        assert caught.value.remedy
