"""Interpolated slices: known bodies are found again, and nothing appears where nothing was painted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ais_app.core.annotation.interpolate import interpolate, interpolate_job
from ais_app.core.annotation.labels import Plane, TiledLabels
from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Progress

EVERYTHING = (slice(None),) * 3
Z, Y, X = np.ogrid[:33, :100, :100]


def painted(body: np.ndarray, planes: Sequence[int], axis: str = "z") -> TiledLabels:
    """Labels in which only some planes of a body have been painted."""
    labels = TiledLabels(body.shape)
    for index in planes:
        region = Plane(axis, index).region(body.shape)
        labels.write(region, body[region])
    return labels


def filled(body: np.ndarray, planes: Sequence[int], axis: str = "z", **options) -> np.ndarray:
    labels = painted(body, planes, axis)
    labels.apply(interpolate(labels, planes, axis=axis, **options))
    return labels.read(EVERYTHING)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def shell(radius: float, half: float) -> np.ndarray:
    return np.abs(np.sqrt((Z - 16) ** 2 + (Y - 50) ** 2 + (X - 50) ** 2) - radius) <= half


BODIES = {
    "ball": ((Z - 16) ** 2 + (Y - 50) ** 2 + (X - 50) ** 2 <= 20**2, 4, 0.97),
    "vesicle": (shell(30, 2.5), 4, 0.9),
    "vesicle that closes": (shell(14, 2.0), 4, 0.8),
    "tilted filament": ((Y - 15 - 2 * Z) ** 2 + (X - 50) ** 2 <= 16, 8, 0.97),
    "wavy sheet": (np.abs(X - 30 - Z + 6 * np.sin(Y / 12)) <= 2, 8, 0.97),
    "fork": (((np.abs(X - 50) - 0.7 * Z) ** 2 + (Y - 50) ** 2 <= 36), 4, 0.9),
}


@pytest.mark.parametrize("axis", ["z", "y", "x"])
@pytest.mark.parametrize("name", list(BODIES))
def test_a_body_is_found_again(name: str, axis: str) -> None:
    body, every, least = BODIES[name]
    body = np.moveaxis(np.broadcast_to(body, (33, 100, 100)).astype(np.uint8), 0, "zyx".index(axis))
    planes = [index for index in range(0, 33, every) if body.take(index, "zyx".index(axis)).any()]
    found = filled(body, planes, axis)
    between = slice(planes[0], planes[-1] + 1)
    found, body = (np.moveaxis(a, "zyx".index(axis), 0)[between] for a in (found, body))
    assert dice(found == 1, body == 1) > least
    np.testing.assert_array_equal(found[::every], body[::every])


def test_an_object_without_counterpart_shrinks_to_nothing_half_way() -> None:
    body = np.zeros((11, 80, 80), dtype=np.uint8)
    disk = ((Y - 20) ** 2 + (X - 20) ** 2 <= 10**2)[0, :80, :80]
    far = ((Y - 60) ** 2 + (X - 60) ** 2 <= 12**2)[0, :80, :80]
    body[0], body[10] = disk, far  # too far for one that has moved
    found = filled(body, [0, 10])
    areas = [[int((plane & part).sum()) for plane in found] for part in (disk, far)]
    assert areas[0] == sorted(areas[0], reverse=True) and areas[0][4] > 0 and not any(areas[0][5:])
    assert areas[1] == sorted(areas[1]) and areas[1][6] > 0 and not any(areas[1][:6])
    assert not found[:, ~(disk | far)].any()


def test_one_of_several_objects_ends_and_the_others_go_on() -> None:
    body = np.zeros((9, 80, 80), dtype=np.uint8)
    stays = ((Y - 20) ** 2 + (X - 20) ** 2 <= 8**2)[0, :80, :80]
    ends = ((Y - 20) ** 2 + (X - 40) ** 2 <= 8**2)[0, :80, :80]
    body[0], body[8] = stays | ends, stays
    found = filled(body, [0, 8])
    for plane in found:
        np.testing.assert_array_equal(plane[stays], 1)
    assert not found[4:, ends].any()
    assert found[2, ends].any()


def test_two_that_resemble_each_other_equally_leave_it_open() -> None:
    body = np.zeros((5, 60, 90), dtype=np.uint8)
    for plane, columns in ((0, [45]), (4, [40, 50])):
        for column in columns:
            body[plane, 20:24, column : column + 2] = 1
    found = filled(body, [0, 4])
    assert not found[2].any()  # neither of them is preferred


def test_all_slices_between_are_filled_and_annotated() -> None:
    body = np.broadcast_to(BODIES["ball"][0], (33, 100, 100)).astype(np.uint8)
    labels = painted(body, [4, 16, 18, 28])
    edit = interpolate(labels, [28, 4, 18, 16, 4])
    assert edit.planes == tuple(Plane("z", z) for z in [*range(5, 16), 17, *range(19, 28)])
    assert edit.title == "Interpolate"
    labels.apply(edit)
    assert labels.read(EVERYTHING)[4:29].any(axis=(1, 2)).all()
    assert not labels.read(EVERYTHING)[[0, 1, 2, 3, 29, 30]].any()
    # only what the shapes need is held
    assert edit.after.shape[1] <= 42 and edit.after.shape[2] <= 42


@pytest.mark.parametrize("replace", [False, True])
def test_ignored_voxels_are_kept_and_other_paint_goes_only_if_asked(replace: bool) -> None:
    body = np.zeros((7, 50, 50), dtype=np.uint8)
    body[0, 10:30, 10:30] = body[6, 10:30, 10:30] = 1
    labels = painted(body, [0, 6])
    labels.write((slice(2, 4), slice(5, 15), slice(5, 15)), np.full((2, 10, 10), 2))
    labels.write((slice(4, 5), slice(40, 45), slice(40, 45)), np.ones((1, 5, 5)))
    before = labels.read(EVERYTHING)
    edit = interpolate(labels, [0, 6], replace=replace)
    labels.apply(edit)
    expected = np.where(before == 2, 2, np.broadcast_to(body[0], body.shape))
    expected[4, 40:45, 40:45] = 0 if replace else 1
    np.testing.assert_array_equal(labels.read(EVERYTHING), expected)
    labels.apply(edit.reversed())
    np.testing.assert_array_equal(labels.read(EVERYTHING), before)


def test_what_is_to_be_ignored_can_be_interpolated_too() -> None:
    body = np.zeros((5, 30, 30), dtype=np.uint8)
    body[0, 5:15, 5:15] = body[4, 5:15, 5:15] = 2
    labels = painted(body, [0, 4])
    labels.write((slice(2, 3), slice(7, 9), slice(7, 9)), np.ones((1, 2, 2)))
    labels.apply(interpolate(labels, [0, 4], label=2))
    found = labels.read(EVERYTHING)
    assert (found[2, 7:9, 7:9] == 1).all() and (found[2, 5:15, 5:15] > 0).all()


shapes = st.tuples(st.integers(1, 14), st.integers(1, 14))
masks = shapes.flatmap(lambda shape: st.tuples(*(arrays(np.bool_, shape) for _ in range(2))))
blocks = st.lists(st.tuples(*(st.integers(0, 30) for _ in range(4)), st.integers(1, 12)), max_size=5)


def drawn(rectangles) -> np.ndarray:
    """A plane with a few objects, some of them hollow."""
    plane = np.zeros((30, 32), dtype=np.uint8)
    for y, x, height, width, wall in rectangles:
        plane[y : y + height, x : x + width] = 1
        plane[y + wall : y + height - wall, x + wall : x + width - wall] = 0
    return plane


@settings(deadline=None, max_examples=60)
@given(arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14))) | blocks.map(drawn), st.integers(2, 6))
def test_between_identical_slices_is_the_same_slice(plane: np.ndarray, steps: int) -> None:
    body = np.zeros((steps + 1, *plane.shape), dtype=np.uint8)
    body[[0, -1]] = plane
    if not plane.any():
        with pytest.raises(ParameterProblem, match="no plane carries"):
            filled(body, [0, steps])
        return
    np.testing.assert_array_equal(filled(body, [0, steps]), np.broadcast_to(plane, body.shape))


def assert_mirrors(first: np.ndarray, last: np.ndarray, steps: int) -> None:
    body = np.zeros((steps + 1, *first.shape), dtype=np.uint8)
    body[0], body[-1] = first, last
    found = filled(body, [0, steps])
    for flip in (np.s_[::-1], np.s_[:, ::-1], np.s_[:, :, ::-1], np.s_[::-1, ::-1, ::-1]):
        np.testing.assert_array_equal(filled(body[flip], [0, steps]), found[flip])
    swapped = np.swapaxes(body, 1, 2)
    np.testing.assert_array_equal(filled(swapped, [0, steps]), np.swapaxes(found, 1, 2))


@settings(deadline=None, max_examples=60)
@given(masks, st.integers(2, 5))
def test_specks_mirror(pair, steps: int) -> None:
    if pair[0].any() or pair[1].any():
        assert_mirrors(*pair, steps)


@settings(deadline=None, max_examples=80)
@given(blocks, blocks, st.integers(2, 7))
def test_objects_mirror(first, last, steps: int) -> None:
    if drawn(first).any() or drawn(last).any():
        assert_mirrors(drawn(first), drawn(last), steps)


def test_a_job_tells_how_far_it_is() -> None:
    body = np.broadcast_to(BODIES["ball"][0], (33, 100, 100)).astype(np.uint8)
    job = interpolate_job(painted(body, [4, 12, 20, 28]), [4, 12, 20, 28])
    seen = []
    while True:
        try:
            seen.append(next(job))
        except StopIteration as finished:
            edit = finished.value
            break
    assert all(isinstance(progress, Progress) for progress in seen) and len(seen) == 4
    assert edit.changed.any()


def test_what_cannot_be_interpolated() -> None:
    body = np.broadcast_to(BODIES["ball"][0], (33, 100, 100)).astype(np.uint8)
    labels = painted(body, [4, 12])
    for call, message in (
        (lambda: interpolate(labels, [4]), "1 planes"),
        (lambda: interpolate(labels, [4, 4]), "1 planes"),
        (lambda: interpolate(labels, [4, 5]), "nothing lies between"),
        (lambda: interpolate(labels, [4, 99]), "outside"),
        (lambda: interpolate(labels, [4, 12], axis="t"), "axis"),
        (lambda: interpolate(labels, [4, 12], label=0), "label"),
        (lambda: interpolate(labels, [4, 12], label=2), "no plane carries"),
    ):
        with pytest.raises(ParameterProblem, match=message) as caught:
            call()
        assert caught.value.remedy
