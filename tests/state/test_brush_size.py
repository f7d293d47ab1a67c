"""A brush grows and shrinks in round steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ais_app.state.brush_size import stepped

LENGTHS = st.floats(min_value=1.0, max_value=5000.0)
VOXELS = st.floats(min_value=0.5, max_value=40.0)


def test_what_was_crooked_becomes_round():
    assert stepped(159.72, 1, 13.48) == 160.0
    assert stepped(159.72, -1, 13.48) == 150.0
    assert [stepped(100.0, steps, 10.0) for steps in (1, 2, 3)] == [110.0, 120.0, 130.0]
    assert stepped(1.0, -50, 13.48) == 6.74  # half a voxel is the least


@given(LENGTHS, VOXELS)
def test_a_step_is_about_a_tenth_and_has_two_digits(radius, voxel):
    larger = stepped(radius, 1, voxel)
    assert radius < larger <= radius + max(0.1 * radius, voxel) * (1 + 1e-6)
    assert float(f"{larger:.2g}") == larger or larger < 5 * voxel  # few voxels: in steps of half a voxel


@given(LENGTHS, VOXELS)
def test_it_shrinks_to_half_a_voxel_and_no_further(radius, voxel):
    smaller = stepped(max(radius, voxel), -1, voxel)
    assert 0.49999 * voxel <= smaller < max(radius, voxel)
    assert 0.49999 * voxel <= stepped(radius, -200, voxel) <= 1.5 * voxel
