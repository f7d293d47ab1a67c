"""A stroke point by point is the same as the whole path at once, and paints only where it may."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.annotation import brush
from ais_app.core.annotation.labels import Edit, Plane, TiledLabels
from ais_app.core.annotation.restrict import OverLabels, restrict
from ais_app.core.annotation.stroke import Stroke
from ais_app.core.errors import ParameterProblem

SHAPE = (19, 70, 131)
EVERYTHING = (slice(None),) * 3
NOISE = np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)


def noisy() -> TiledLabels:
    labels = TiledLabels(SHAPE)
    labels.write(EVERYTHING, NOISE)
    return labels


def points(plane_is_inside: bool = True) -> st.SearchStrategy[np.ndarray]:
    inside = [st.floats(0, n - 1) for n in SHAPE]
    beyond = [st.floats(-20, n + 20) for n in SHAPE]
    first, rest = st.tuples(*(inside if plane_is_inside else beyond)), st.lists(st.tuples(*beyond), max_size=5)
    return st.tuples(first, rest).map(lambda parts: np.array([parts[0], *parts[1]]))


def assert_same(edit: Edit, other: Edit) -> None:
    assert (edit.start_zyx, edit.planes, edit.title) == (other.start_zyx, other.planes, other.title)
    np.testing.assert_array_equal(edit.before, other.before)
    np.testing.assert_array_equal(edit.after, other.after)


spacings = st.sampled_from([(1.0, 1.0, 1.0), (2.0, 1.0, 1.5)])


@settings(deadline=None, max_examples=60)
@given(points(), st.floats(0.3, 15), st.integers(0, 2), st.sampled_from("zyx"), spacings)
def test_a_disk_point_by_point(path, radius: float, label: int, axis: str, spacing) -> None:
    labels = noisy()
    stroke = Stroke(labels, radius, label=label, axis=axis, voxel_size_zyx=spacing)
    shown = NOISE.copy()
    for point in path:
        region, seen = stroke.to(point)
        shown[region] = seen
    whole = brush.disk(labels, path, radius, label=label, axis=axis, voxel_size_zyx=spacing)
    assert_same(stroke.edit(), whole)
    np.testing.assert_array_equal(labels.read(EVERYTHING), NOISE)  # nothing is written before the end
    labels.apply(stroke.edit())
    np.testing.assert_array_equal(labels.read(EVERYTHING), shown)
    labels.apply(stroke.edit().reversed())
    np.testing.assert_array_equal(labels.read(EVERYTHING), NOISE)


@settings(deadline=None, max_examples=40)
@given(points(plane_is_inside=False), st.floats(0.3, 15), spacings)
def test_a_ball_point_by_point(path, radius: float, spacing) -> None:
    labels = noisy()
    stroke = Stroke(labels, radius, shape="ball", voxel_size_zyx=spacing)
    for point in path:
        stroke.to(point)
    assert_same(stroke.edit(), brush.ball(labels, path, radius, voxel_size_zyx=spacing))


@settings(deadline=None, max_examples=40)
@given(points(plane_is_inside=False), st.floats(0.3, 15), spacings)
def test_a_ball_is_what_is_within_its_radius(path, radius: float, spacing) -> None:
    labels = TiledLabels(SHAPE)
    labels.apply(brush.ball(labels, path, radius, voxel_size_zyx=spacing))
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), -1) * spacing
    distance = np.full(SHAPE, np.inf)
    path = path * spacing
    for a, b in zip(path, path[1:] if len(path) > 1 else path, strict=False):
        t = np.clip(((grid - a) @ (b - a)) / max(float((b - a) @ (b - a)), 1e-300), 0, 1)
        distance = np.minimum(distance, np.linalg.norm(grid - a - t[..., None] * (b - a), axis=-1))
    clear = np.abs(distance - radius) > 1e-6
    np.testing.assert_array_equal(labels.read(EVERYTHING)[clear], (distance <= radius)[clear])


@pytest.mark.parametrize(("shape", "axis"), [("disk", "z"), ("disk", "y"), ("ball", "z")])
def test_a_stroke_paints_only_where_it_may(shape: str, axis: str) -> None:
    labels = noisy()
    path = [(9, 30, 40), (9, 30, 80.5)]
    mask = np.random.default_rng(1).random(SHAPE) < 0.5
    for allowed, may in ((OverLabels(labels), NOISE == 0), (mask, mask), (mask.astype(np.float32), mask)):
        stroke = Stroke(labels, 6, shape=shape, axis=axis, allowed=allowed)
        for point in path:
            region, seen = stroke.to(point)
        whole = brush.ball(labels, path, 6) if shape == "ball" else brush.disk(labels, path, 6, axis=axis)
        expected = NOISE.copy()
        expected[whole.region] = np.where(may[whole.region], whole.after, whole.before)
        np.testing.assert_array_equal(seen, expected[region])
        assert_same(stroke.edit(), restrict(whole, allowed, SHAPE))
        labels.apply(stroke.edit())
        np.testing.assert_array_equal(labels.read(EVERYTHING), expected)
        labels.apply(stroke.edit().reversed())


def test_a_mask_that_is_no_number_allows_nothing() -> None:
    stroke = Stroke(noisy(), 5, allowed=np.full(SHAPE, np.nan))
    stroke.to((5, 30, 30))
    assert not stroke.edit().changed.any()


def test_erasing_keeps_what_is_to_be_ignored() -> None:
    labels = noisy()
    stroke = Stroke(labels, 8, label=0, allowed=OverLabels(labels, over=(1,)))
    stroke.to((5, 30, 30))
    edit = stroke.edit()
    assert edit.title == "Erase"
    np.testing.assert_array_equal(edit.after == 2, edit.before == 2)
    assert (edit.after == 1).sum() < (edit.before == 1).sum()


def test_a_stroke_belongs_to_the_labels_it_met() -> None:
    labels = noisy()
    stroke = Stroke(labels, 4)
    stroke.to((5, 30, 30))
    met = labels.read(EVERYTHING)
    labels.write((slice(5, 6), slice(28, 33), slice(28, 33)), np.full((1, 5, 5), 2))  # by an undo, in the meantime
    edit = stroke.edit()
    np.testing.assert_array_equal(edit.before, met[edit.region])


def test_what_is_no_stroke() -> None:
    labels = noisy()
    for make, message in (
        (lambda: Stroke(labels, 0), "radius"),
        (lambda: Stroke(labels, 3, shape="square"), "shape"),
        (lambda: Stroke(labels, 3, axis="t"), "axis"),
        (lambda: Stroke(labels, 3, label=3), "label"),
        (lambda: Stroke(labels, 3, voxel_size_zyx=(0, 1, 1)), "voxel size"),
        (lambda: Stroke(labels, 3, allowed=np.ones((3, 3, 3))), "same tomogram"),
        (lambda: Stroke(labels, 3).edit(), "no points"),
        (lambda: Stroke(labels, 3).to((1, 2)), "z, y, x"),
        (lambda: Stroke(labels, 3).to((99, 2, 2)), "outside"),
        (lambda: restrict(brush.disk(labels, [(1, 2, 3)], 2), np.ones((3, 3, 3)), SHAPE), "same tomogram"),
    ):
        with pytest.raises(ParameterProblem, match=message) as caught:
            make()
        assert caught.value.remedy


def test_the_plane_is_annotated_where_nothing_changes() -> None:
    stroke = Stroke(TiledLabels(SHAPE), 3, label=0, axis="x")
    region, seen = stroke.to((5, -40, 30))
    assert seen.size == 0 and all(part.stop >= part.start for part in region)
    assert stroke.edit().planes == (Plane("x", 30),)


@pytest.mark.parametrize("filled", [False, True])
def test_painting_is_smooth(filled: bool) -> None:
    """One movement of 20 pixels of a brush of radius 200 on a slice of 2000 x 2000: at most 4 ms."""
    labels = TiledLabels((20, 2000, 2000))
    if filled:
        labels.apply(brush.disk(labels, [(5, 1000, 200), (5, 1000, 1800)], 600))
    stroke = Stroke(labels, 200)
    took = []
    for step in range(25):
        begin = time.thread_time()
        stroke.to((5, 900 + 10 * step, 700 + 17 * step))
        took.append(time.thread_time() - begin)
    assert np.median(took[1:]) < 4e-3
    begin, fastest = 0.0, np.inf
    for _ in range(10):
        begin = time.thread_time()
        brush.disk(labels, [(5, 1000, 1000), (5, 1010, 1017)], 200)
        fastest = min(fastest, time.thread_time() - begin)
    assert fastest < 4e-3
