"""The flood brush takes the object under the cursor, whatever the grey scale of the image."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.annotation.flood import FloodStroke, flood
from ais_app.core.annotation.labels import Plane, TiledLabels
from ais_app.core.errors import ParameterProblem

SHAPE = (12, 90, 110)
EVERYTHING = (slice(None),) * 3
Y, X = np.mgrid[:90, :110].astype(float)
SQUARE = (np.abs(Y - 45) <= 8) & (np.abs(X - 50) <= 12)
RING = np.abs(np.hypot(Y - 45, X - 50) - 25) <= 3


def image(mask: np.ndarray, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Dark objects of contrast 1."""
    return (np.random.default_rng(seed).normal(size=mask.shape) * noise - mask).astype(np.float32)


def flooded(grey: np.ndarray, points, radius: float, **options) -> np.ndarray:
    labels = TiledLabels(SHAPE)
    labels.apply(flood(labels, grey, points, radius, **options))
    return labels.read_plane(Plane("z", 5)).astype(bool)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


@pytest.mark.parametrize("sensitivity", [0.05, 0.5, 0.6])
def test_a_clean_object_is_taken_exactly(sensitivity: float) -> None:
    found = flooded(image(SQUARE), (5, 45, 50), 20, smoothing_voxels=0, sensitivity=sensitivity)
    np.testing.assert_array_equal(found, SQUARE)


def test_nothing_is_taken_beyond_the_brush_and_all_of_it_at_most() -> None:
    disk = np.hypot(Y - 40, X - 50) <= 11.5
    noise = image(SQUARE, noise=2.0)
    np.testing.assert_array_equal(flooded(noise, (5, 40, 50), 11.5, sensitivity=1), disk)
    np.testing.assert_array_equal(flooded(np.full(SQUARE.shape, 3.0), (5, 40, 50), 11.5, sensitivity=0), disk)
    assert not flooded(noise, (5, 40, 50), 11.5)[~disk].any()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.integers(15, 75), st.integers(15, 95), st.lists(st.floats(0, 1), min_size=2))
def test_more_sensitivity_takes_more(seed: int, y: int, x: int, sensitivities) -> None:
    noise = image(SQUARE, noise=1.0, seed=seed)
    found = [flooded(noise, (5, y, x), 15, sensitivity=value) for value in sorted(sensitivities)]
    assert all(not (less & ~more).any() for less, more in pairwise(found))


def test_in_noise_an_object_is_found_and_its_edges_hold() -> None:
    for seed in range(5):
        found = flooded(image(SQUARE, noise=0.7, seed=seed), (5, 45, 50), 22)
        assert dice(found, SQUARE) > 0.85


def test_a_stroke_along_a_membrane_takes_the_membrane() -> None:
    turn = np.linspace(0, 2 * np.pi, 40)
    path = np.stack([np.full(40, 5), 45 + 25 * np.sin(turn), 50 + 25 * np.cos(turn)], axis=1)
    found = flooded(image(RING, noise=0.5), path, 8)
    assert dice(found, RING) > 0.85
    # from far fewer places, for it grows again on its way
    assert dice(flooded(image(RING, noise=0.5), path[::4], 8), RING) > 0.7


def test_it_is_connected_to_the_cursor() -> None:
    pair = ((np.abs(Y - 45) <= 4) & (np.abs(X - 40) <= 4)) | ((np.abs(Y - 45) <= 4) & (np.abs(X - 56) <= 4))
    found = flooded(image(pair, noise=0.2), (5, 45, 40), 25, smoothing_voxels=1)
    assert dice(found, pair & (X < 48)) > 0.9
    assert not found[:, 50:].any()


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.sampled_from([-64.0, -1.0, 0.25, 1.0, 1024.0]),
    st.integers(-1000, 1000),
    st.integers(5, 85),
    st.integers(5, 105),
    st.floats(0.1, 0.8),
)
def test_neither_offset_nor_scale_nor_sign_matters(seed: int, scale: float, offset: int, y, x, sensitivity) -> None:
    grey = np.random.default_rng(seed).integers(-100, 100, SQUARE.shape) - 120 * SQUARE
    found = flooded(grey, (5, y, x), 15, sensitivity=sensitivity)
    np.testing.assert_array_equal(flooded(grey * scale + offset, (5, y, x), 15, sensitivity=sensitivity), found)
    assert found[y, x]


def test_a_great_offset_of_a_float_image_does_not_matter() -> None:
    grey = image(SQUARE, noise=0.5).astype(np.float64)
    np.testing.assert_array_equal(flooded(grey, (5, 45, 50), 20), flooded(grey * 7.3 + 1e6, (5, 45, 50), 20))


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_in_any_plane_and_point_by_point(axis: str) -> None:
    along = "zyx".index(axis)
    shape = np.insert(SQUARE.shape, along, 12)
    labels = TiledLabels(shape)
    labels.write(EVERYTHING, np.random.default_rng(0).integers(0, 3, shape))
    before = labels.read(EVERYTHING)
    path = np.insert([(45.0, 45.0), (40.0, 52.0), (44.0, 60.0)], along, 5, axis=1)
    grey = image(SQUARE, noise=0.5)
    edit = flood(labels, grey, path, 9, axis=axis, label=2)
    stroke = FloodStroke(labels, grey, 9, axis=axis, label=2)
    shown = before.copy()
    for point in path:
        region, seen = stroke.to(point)
        shown[region] = seen
    labels.apply(edit)
    np.testing.assert_array_equal(labels.read(EVERYTHING), shown)
    assert dice(labels.read_plane(Plane(axis, 5)) == 2, (before.take(5, along) == 2) | SQUARE) > 0.8
    assert edit.planes == (Plane(axis, 5),)
    labels.apply(edit.reversed())
    np.testing.assert_array_equal(labels.read(EVERYTHING), before)


def test_voxels_that_are_no_cubes() -> None:
    disk = np.hypot(2 * (Y - 45), X - 50) <= 20
    found = flooded(np.zeros(SQUARE.shape), (5, 45, 50), 20, voxel_size_zyx=(1, 2, 1))
    np.testing.assert_array_equal(found, disk)


def test_a_mask_holds_it_back() -> None:
    labels = TiledLabels(SHAPE)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, :, :50] = True
    stroke = FloodStroke(labels, image(SQUARE), 20, allowed=mask)
    stroke.to((5, 45, 45))
    labels.apply(stroke.edit())
    found = labels.read_plane(Plane("z", 5))
    assert found[45, 49] == 1 and not found[:, 50:].any()


def test_where_there_is_no_image_nothing_grows() -> None:
    grey = image(SQUARE)
    grey[:, 55:] = np.nan
    found = flooded(grey, (5, 45, 50), 20, smoothing_voxels=0)
    np.testing.assert_array_equal(found, SQUARE & (X < 55))
    assert not flooded(grey, (5, 45, 60), 20).any()
    assert not flooded(np.full(SQUARE.shape, np.nan), (5, 45, 60), 20).any()
    assert not flooded(grey, (5, 45, -4), 20).any()
    far = flooded(grey, [(5, 45, -1e8), (5, 45, 1e8)], 5)  # a path that only passes by
    assert far[45, 10] and not far[:, 55:].any()


def test_parameters_out_of_bounds() -> None:
    labels, grey = TiledLabels(SHAPE), image(SQUARE)
    for call, message in (
        (lambda: flood(labels, grey.T, (5, 5, 5), 3), "plane"),
        (lambda: flood(labels, grey, (5, 5, 5), 3, axis="x"), "perpendicular"),
        (lambda: flood(labels, grey, (5, 5, 5), 3, sensitivity=1.5), "between 0 and 1"),
        (lambda: flood(labels, grey, (5, 5, 5), 3, sensitivity=float("nan")), "between 0 and 1"),
        (lambda: flood(labels, grey, (5, 5, 5), 3, smoothing_voxels=-1), "smoothing"),
        (lambda: flood(labels, grey, (5, 5, 5), -3), "radius"),
        (lambda: flood(labels, grey, [], 3), "at least 1"),
    ):
        with pytest.raises(ParameterProblem, match=message) as caught:
            call()
        assert caught.value.remedy


def test_it_is_fast_and_looks_only_at_the_window() -> None:
    """Radius 50 on a slice of 2000 x 2000: at most 8 ms."""
    labels, fastest = TiledLabels((3, 2000, 2000)), np.inf
    grey = np.random.default_rng(0).normal(size=(2000, 2000)).astype(np.float32)
    stroke = FloodStroke(labels, grey, 50)
    for step in range(10):
        begin = time.thread_time()
        stroke.to((1, 1000, 800 + 10 * step))
        fastest = min(fastest, time.thread_time() - begin)
    assert fastest < 8e-3
