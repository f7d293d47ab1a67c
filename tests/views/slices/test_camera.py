"""Where a pane looks: there and back, zoom at the pointer, the whole plane in view."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ais_app.views.slices.camera import CLOSEST, FARTHEST, Camera

places = st.floats(-2000, 2000)
sizes = st.tuples(st.integers(20, 3000), st.integers(20, 2000))
aspects = st.tuples(st.floats(0.25, 4), st.floats(0.25, 4))
cameras = st.builds(
    Camera, across=places, up=places, scale=st.floats(FARTHEST, CLOSEST), flipped=st.booleans(), aspect=aspects
)


@given(cameras, sizes, st.floats(-500, 4000), st.floats(-500, 4000))
def test_a_pixel_is_a_voxel_is_the_same_pixel(camera, pane, x, y):
    there_and_back = camera.to_pixel(*camera.to_voxel(x, y, pane), pane)
    assert there_and_back == pytest.approx((x, y), abs=1e-6)


@given(cameras, sizes, st.floats(0, 3000), st.floats(0, 2000), st.floats(0.2, 5))
def test_zooming_leaves_the_voxel_under_the_pointer(camera, pane, x, y, factor):
    under = camera.to_voxel(x, y, pane)
    assert camera.zoomed(factor, under).to_pixel(*under, pane) == pytest.approx((x, y), abs=1e-4)


@given(cameras, sizes, places, places)
def test_dragging_moves_the_image_by_as_much(camera, pane, dx, dy):
    voxel = (12.0, 34.0)
    before, after = camera.to_pixel(*voxel, pane), camera.moved(dx, dy).to_pixel(*voxel, pane)
    assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((dx, dy), abs=1e-4)


@given(st.integers(1, 4000), st.integers(1, 4000), sizes, st.booleans(), aspects)
def test_fitting_shows_every_corner(width, height, pane, flipped, aspect):
    camera = Camera(flipped=flipped, aspect=aspect).fitted(width, height, pane)
    if camera.scale > FARTHEST:
        for corner in ((-0.5, -0.5), (width - 0.5, -0.5), (-0.5, height - 0.5), (width - 0.5, height - 0.5)):
            x, y = camera.to_pixel(*corner, pane)
            assert -1e-6 <= x <= pane[0] + 1e-6
            assert -1e-6 <= y <= pane[1] + 1e-6


@given(cameras, sizes)
def test_up_is_up_unless_flipped(camera, pane):
    _, low = camera.to_pixel(0, 0, pane)
    _, high = camera.to_pixel(0, 1, pane)
    assert (high > low) is camera.flipped


@given(st.lists(st.floats(0.5, 2), max_size=40))
def test_zoom_has_ends(factors):
    camera = Camera()
    for factor in factors:
        camera = camera.zoomed(factor, (3.0, 4.0))
    assert FARTHEST <= camera.scale <= CLOSEST


@given(cameras, sizes, st.tuples(st.integers(1, 3000), st.integers(1, 3000)), st.floats(0, 1), st.floats(0, 1))
def test_a_place_that_is_asked_for_is_in_the_pane(camera, pane, plane, along, above):
    place = along * (plane[0] - 1), above * (plane[1] - 1)
    after = camera.showing(*place, plane, pane)
    assert after.scale == camera.scale
    for at, length in zip(after.to_pixel(*place, pane), pane, strict=True):
        assert -1.001 <= at <= length + 1.001
    assert after.showing(*place, plane, pane) == after


@given(sizes, st.tuples(st.integers(1, 3000), st.integers(1, 3000)), st.floats(0, 1), st.floats(0, 1), aspects)
def test_nothing_moves_while_the_whole_plane_is_shown(pane, plane, along, above, aspect):
    camera = Camera(aspect=aspect).fitted(*plane, pane)
    if camera.scale > FARTHEST:
        assert camera.showing(along * (plane[0] - 1), above * (plane[1] - 1), plane, pane) == camera
