"""Polygons paint what is inside them, fills stop at the outline."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.annotation.brush import disk
from ais_app.core.annotation.labels import Plane, TiledLabels
from ais_app.core.annotation.polygon import fill_enclosed, fill_polygon
from ais_app.core.errors import ParameterProblem

SHAPE = (19, 40, 71)
EVERYTHING = (slice(None),) * 3
coordinate = st.floats(-10, 80, width=32) | st.integers(-10, 80).map(float)


def placed(corners, axis: str, index: int) -> np.ndarray:
    return np.insert(np.asarray(corners, dtype=float), "zyx".index(axis), index, axis=1)


def painted(edit) -> np.ndarray:
    labels = TiledLabels(SHAPE)
    labels.apply(edit)
    return labels.read(EVERYTHING)


def brute_force(corners: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Even-odd rule centre by centre, and the distance of each centre to the outline."""
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    odd, nearest = np.zeros(size, dtype=bool), np.full(size, np.inf)
    for (y0, x0), (y1, x1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            odd ^= ((y0 <= y) != (y1 <= y)) & (x0 + (y - y0) * (x1 - x0) / (y1 - y0) < x)
        length = (y1 - y0) ** 2 + (x1 - x0) ** 2
        t = np.clip(((y - y0) * (y1 - y0) + (x - x0) * (x1 - x0)) / (length or 1.0), 0, 1)
        nearest = np.minimum(nearest, np.hypot(y - y0 - t * (y1 - y0), x - x0 - t * (x1 - x0)))
    return odd, nearest


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=9), st.sampled_from("zyx"))
def test_any_polygon_is_filled_by_the_even_odd_rule(corners, axis: str) -> None:
    edit = fill_polygon(TiledLabels(SHAPE), placed(corners, axis, 7), axis=axis)
    along = "zyx".index(axis)
    plane = painted(edit).take(7, along)
    odd, nearest = brute_force(np.array(corners), plane.shape)
    clear = nearest > 1e-4
    np.testing.assert_array_equal(plane[clear], odd[clear])
    assert plane[nearest < 1e-9].all()
    assert edit.planes == (Plane(axis, 7),)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 39), st.integers(0, 39), st.integers(0, 70), st.integers(0, 70), st.integers(0, 3))
def test_a_rectangle_is_exact(top: int, bottom: int, left: int, right: int, turn: int) -> None:
    (top, bottom), (left, right) = sorted((top, bottom)), sorted((left, right))
    corners = np.roll([(top, left), (top, right), (bottom, right), (bottom, left)], turn, axis=0)
    expected = np.zeros(SHAPE, dtype=np.uint8)
    expected[3, top : bottom + 1, left : right + 1] = 1
    np.testing.assert_array_equal(painted(fill_polygon(TiledLabels(SHAPE), placed(corners, "z", 3))), expected)
    # half a voxel more on all sides reaches no other centre
    outside = corners + np.where(corners == (top, left), -0.499, 0.499)
    if top < bottom and left < right:
        np.testing.assert_array_equal(painted(fill_polygon(TiledLabels(SHAPE), placed(outside, "z", 3))), expected)


def test_a_bow_tie_leaves_out_its_sides() -> None:
    plane = painted(fill_polygon(TiledLabels(SHAPE), placed([(5, 5), (5, 25), (25, 5), (25, 25)], "z", 3)))[3]
    assert plane[6, 15] == plane[24, 15] == plane[15, 15] == 1
    assert plane[15, 6] == plane[15, 24] == 0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=9), st.integers(0, 2))
def test_a_polygon_can_be_taken_back(corners, label: int) -> None:
    labels = TiledLabels(SHAPE)
    labels.write(EVERYTHING, np.random.default_rng(0).integers(0, 3, SHAPE))
    before = labels.read(EVERYTHING)
    edit = fill_polygon(labels, placed(corners, "y", 20), label=label, axis="y")
    labels.apply(edit)
    assert (labels.read(edit.region)[edit.changed] == label).all()
    labels.apply(edit.reversed())
    np.testing.assert_array_equal(labels.read(EVERYTHING), before)


@pytest.mark.parametrize(
    ("points", "label", "message"),
    [
        ([(3, 1, 1), (3, 9, 9)], 1, "at least 3"),
        ([(3, 1, 1), (3, 9, 9), (3, np.nan, 5)], 1, "no numbers"),
        ([(99, 1, 1), (99, 9, 9), (99, 1, 5)], 1, "outside"),
        ([(3, 1), (9, 9), (1, 5)], 1, "not z, y, x"),
        ([(3, 1, 1), (3, 9, 9), (3, 1, 5)], 3, "label"),
    ],
)
def test_outlines_that_are_none(points, label: int, message: str) -> None:
    with pytest.raises(ParameterProblem, match=message) as caught:
        fill_polygon(TiledLabels(SHAPE), points, label=label)
    assert caught.value.remedy


def ring(axis: str, index: int, gap: bool = False) -> TiledLabels:
    labels = TiledLabels((40, 40, 40))
    turn = np.linspace(0.4 if gap else 0, 2 * np.pi, 60)
    path = np.stack([20 + 12 * np.sin(turn), 20 + 12 * np.cos(turn)], axis=1)
    labels.apply(disk(labels, placed(path, axis, index), 0.9, axis=axis))
    return labels


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_the_inside_of_an_outline_is_filled(axis: str) -> None:
    labels = ring(axis, 11)
    labels.apply(disk(labels, placed([(20, 20)], axis, 11), 2, label=2, axis=axis))
    drawn = labels.read_plane(Plane(axis, 11))
    edit = fill_enclosed(labels, placed([(24, 18)], axis, 11)[0], axis=axis)
    labels.apply(edit)
    y, x = np.mgrid[:40, :40]
    inside = np.hypot(y - 20, x - 20) < 12
    filled = labels.read_plane(Plane(axis, 11))
    np.testing.assert_array_equal(filled, np.where((drawn == 0) & inside, 1, drawn))
    assert labels.read((slice(None),) * 3).astype(bool).sum() == filled.astype(bool).sum()
    assert edit.planes == (Plane(axis, 11),)
    labels.apply(edit.reversed())
    np.testing.assert_array_equal(labels.read_plane(Plane(axis, 11)), drawn)


def test_a_line_that_is_thin_across_corners_holds() -> None:
    labels = TiledLabels((3, 30, 30))
    diamond = np.zeros((1, 30, 30), dtype=np.uint8)
    y, x = np.mgrid[:30, :30]
    diamond[0, abs(y - 15) + abs(x - 15) == 8] = 2
    labels.write((slice(1, 2), slice(None), slice(None)), diamond)
    labels.apply(fill_enclosed(labels, (1, 15, 15), label=2))
    np.testing.assert_array_equal(labels.read_plane(Plane("z", 1)), 2 * (abs(y - 15) + abs(x - 15) <= 8))


def test_a_fill_that_leaks_or_has_no_place_says_what_to_do() -> None:
    with pytest.raises(ParameterProblem, match="gap") as caught:
        fill_enclosed(ring("z", 11, gap=True), (11, 20, 20))
    assert "close the gap" in caught.value.remedy
    labels = ring("z", 11)
    for seed, label, message in (
        ((11, 2, 2), 1, "outside of it"),
        ((11, 20, 32), 1, "on the outline"),
        ((11, -3, 20), 1, "outside the plane"),
        ((50, 20, 20), 1, "outside the tomogram"),
        ((11, 20, 20), 0, "label"),
    ):
        with pytest.raises(ParameterProblem, match=message) as caught:
            fill_enclosed(labels, seed, label=label)
        assert caught.value.remedy
