"""Outlines are closed, run half-way between voxels, and hold the area of the mask."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage.measure import find_contours

from ais_app.core.annotation.contours import outlines, segments
from ais_app.core.errors import ParameterProblem

masks = arrays(np.bool_, st.tuples(st.integers(0, 12), st.integers(0, 12)))


def signed_area(curve: np.ndarray) -> float:
    y, x = curve[:-1].T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def points(curves) -> set[tuple[float, float]]:
    return {(float(y), float(x)) for curve in curves for y, x in np.round(curve, 5) + 0.0}


def lines(pairs) -> list[tuple[tuple[float, ...], ...]]:
    """Segments without their direction and order."""
    return sorted(tuple(sorted(map(tuple, np.round(pair, 5) + 0.0))) for pair in np.asarray(pairs, dtype=float))


@settings(deadline=None, max_examples=200)
@given(masks)
def test_any_mask(mask: np.ndarray) -> None:
    curves = outlines(mask)
    assert all((curve[0] == curve[-1]).all() and len(curve) >= 5 for curve in curves)
    # one curve around each object, one in each hole, and together they hold the area less the corners cut
    corners = ndimage.label(mask, np.ones((3, 3)))[1] if mask.size else 0
    holes = ndimage.label(np.pad(~mask, 1, constant_values=True))[1] - 1
    areas = [signed_area(curve) for curve in curves]
    assert sum(area > 0 for area in areas) == corners
    assert sum(area < 0 for area in areas) == holes
    reference = find_contours(np.pad(mask, 1).astype(float), 0.5, fully_connected="high")
    assert len(reference) == len(curves)
    assert points(curves) == points(np.array(curve) - 1 for curve in reference)
    # the segments are those of the curves
    steps = [pair for curve in curves for pair in np.stack([curve[:-1], curve[1:]], axis=1)]
    assert lines(segments(mask)) == lines(steps)
    np.testing.assert_array_equal(segments(mask), segments(mask.astype(np.uint8)))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.floats(0.1, 0.9))
def test_any_values(seed: int, level: float) -> None:
    plane = np.random.default_rng(seed).random((9, 11))
    curves = outlines(plane, level)
    reference = find_contours(plane, level, fully_connected="high")
    inner = {p for p in points(curves) if 0 <= p[0] <= 8 and 0 <= p[1] <= 10}
    border = {p for p in inner if (p[0] in (0, 8) and p[1] % 1 == 0) or (p[1] in (0, 10) and p[0] % 1 == 0)}
    assert inner - border == points(reference) - border
    assert all((curve[0] == curve[-1]).all() for curve in curves)


def test_a_disk_has_its_area_and_its_place() -> None:
    y, x = np.ogrid[:50, :60]
    away = np.hypot(y - 20, x - 30)
    (curve,) = outlines(away <= 12)
    assert abs(signed_area(curve) / np.sum(away <= 12) - 1) < 0.05
    np.testing.assert_allclose(curve[:-1].mean(axis=0), (20, 30), atol=1e-6)
    (curve,) = outlines(-away, -12.3)  # between voxels by what they hold
    np.testing.assert_allclose(np.hypot(*(curve - (20, 30)).T), 12.3, atol=0.05)


def test_at_the_border_and_where_there_is_no_number() -> None:
    (curve,) = outlines(np.ones((3, 4)))
    assert points([curve]) == {(-0.5, x) for x in range(4)} | {(2.5, x) for x in range(4)} | {
        (y, side) for y in range(3) for side in (-0.5, 3.5)
    }
    plane = np.ones((5, 5))
    plane[2, 2] = np.nan
    assert points(outlines(plane)) >= {(2, 1.5), (2, 2.5), (1.5, 2), (2.5, 2)}
    assert outlines(np.full((3, 3), np.nan)) == []


def test_nothing_and_what_is_no_plane() -> None:
    assert outlines(np.zeros((4, 4), dtype=bool)) == []
    assert segments(np.zeros((4, 4), dtype=bool)).shape == (0, 2, 2)
    assert segments(np.eye(4, dtype=bool)).dtype == np.float32
    for call in (outlines, segments):
        with pytest.raises(ParameterProblem, match="give one plane"):
            call(np.zeros((3, 4, 5)))


def test_a_slice_is_drawn_at_once() -> None:
    """1000 x 1000 with some hundred objects: at most 10 ms."""
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(1000, 1000)), 10)
    mask, fastest = noise > noise.std(), np.inf
    for _ in range(8):
        begin = time.thread_time()
        found = segments(mask)
        fastest = min(fastest, time.thread_time() - begin)
    assert len(found) > 10_000
    assert fastest < 0.01
