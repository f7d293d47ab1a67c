"""Filaments traced in phantoms with exact axes: how many, where, how long, how bent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from ais_app.core.errors import ParameterProblem
from ais_app.core.filaments import Filament, FilamentParams, trace_filaments

SIZES = [(10.0, 10.0, 10.0), (13.5, 13.5, 13.5), (20.0, 10.0, 10.0), (8.0, 12.0, 10.0)]
RADIUS = 36.0


def on(filament: Filament) -> np.ndarray:
    return filament.curve.points(filament.curve.steps(5.0))


def shape_for(size, extent=(600, 1000, 900)):
    return tuple(int(e / s) + 1 for e, s in zip(extent, size, strict=True))


@pytest.mark.parametrize("size", SIZES)
def test_straight_tube_is_one_filament_on_its_axis(size, make_tubes, make_line, off_axis):
    axis = make_line((200, 120, 150), (420, 860, 700))
    found = trace_filaments(make_tubes([axis], shape_for(size), size, RADIUS), size, FilamentParams())
    assert len(found) == 1
    assert off_axis(axis, on(found[0])).max() < 0.3 * max(size)
    length = np.linalg.norm(axis[-1] - axis[0])
    assert length <= found[0].curve.length <= length + 2 * RADIUS
    assert found[0].ends == ("free", "free")
    assert not found[0].curve.closed


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bend_radius", [300.0, 420.0])
def test_arc_has_its_radius_of_curvature(size, bend_radius, make_tubes, off_axis):
    angle = np.linspace(0, 0.75 * np.pi, 800)
    axis = np.stack(
        [0.2 * bend_radius * angle, 450 + bend_radius * np.cos(angle), 450 + bend_radius * np.sin(angle)], 1
    )
    axis[:, 0] += 150
    found = trace_filaments(make_tubes([axis], shape_for(size), size, RADIUS), size, FilamentParams())
    assert len(found) == 1
    assert off_axis(axis, on(found[0])).max() < 0.6 * max(size)
    curvature = found[0].curve.curvature(found[0].curve.steps(10.0))
    assert 1 / np.median(curvature) == pytest.approx(bend_radius * (1 + 0.2**2), rel=0.05)


def test_helix(make_tubes, off_axis):
    size = SIZES[0]
    angle = np.linspace(0, 3 * np.pi, 1500)
    axis = np.stack([100 + 45 * angle, 450 + 250 * np.cos(angle), 450 + 250 * np.sin(angle)], 1)
    found = trace_filaments(make_tubes([axis], (64, 92, 92), size, RADIUS), size, FilamentParams())
    assert len(found) == 1
    assert off_axis(axis, on(found[0])).max() < 6.0
    curvature = found[0].curve.curvature(found[0].curve.steps(10.0))
    assert np.median(curvature) == pytest.approx(250 / (250**2 + 45**2), rel=0.05)


def test_closed_ring_stays_closed(make_tubes, off_axis):
    size = SIZES[0]
    angle = np.linspace(0, 2 * np.pi, 1500)
    axis = np.stack([300 + 0 * angle, 450 + 300 * np.cos(angle), 450 + 300 * np.sin(angle)], 1)
    (ring,) = trace_filaments(make_tubes([axis], (60, 92, 92), size, RADIUS), size, FilamentParams())
    assert ring.curve.closed
    assert ring.curve.length == pytest.approx(2 * np.pi * 300, rel=0.01)
    assert off_axis(axis, on(ring)).max() < 4.0


@pytest.mark.parametrize("angle", [90, 60, 40, 25, 20, 15])
@pytest.mark.parametrize("size", SIZES[:3])
def test_crossing_filaments_stay_two(angle, size, make_tubes, off_axis):
    half, along = np.radians(angle / 2), 500
    centre = np.array([300, 550, 450])
    axes = [
        np.linspace(centre - along * way, centre + along * way, 500)
        for way in np.array([[0.1, np.cos(half), np.sin(half)], [-0.1, np.cos(half), -np.sin(half)]])
    ]
    params = FilamentParams(max_overlap=None if angle >= 20 else 700.0)
    found = trace_filaments(make_tubes(axes, shape_for(size, (600, 1100, 900)), size, RADIUS), size, params)
    assert len(found) == 2
    errors = np.array([[off_axis(axis, on(filament)).max() for axis in axes] for filament in found])
    assert errors.min(axis=0).max() < 1.2 * max(size)
    assert errors.min(axis=1).max() < 1.2 * max(size)


def test_side_branch_is_its_own_filament(make_tubes, make_line, off_axis):
    size = SIZES[0]
    axes = [make_line((300, 80, 450), (300, 900, 450)), make_line((300, 480, 450), (330, 500, 850))]
    found = trace_filaments(make_tubes(axes, (60, 100, 92), size, RADIUS), size, FilamentParams(min_length=200))
    assert len(found) == 2
    assert off_axis(axes[0], on(found[0])).max() < 5
    assert off_axis(axes[1], on(found[1])).max() < 8
    assert sorted(found[1].ends) == ["free", "junction"]


def test_bend_limit_cuts_a_kink(make_tubes, make_line):
    size = SIZES[0]
    axes = [make_line((300, 80, 450), (300, 500, 450)), make_line((300, 500, 450), (300, 700, 800)),
            make_line((300, 500, 450), (300, 700, 100))]  # fmt: skip
    volume = make_tubes(axes, (60, 100, 92), size, RADIUS)
    assert len(trace_filaments(volume, size, FilamentParams(max_bend=30, min_length=150))) == 3
    assert len(trace_filaments(volume, size, FilamentParams(max_bend=75, min_length=150))) == 2
    assert len(trace_filaments(volume, size, FilamentParams(max_bend=75, min_bend_radius=3000, min_length=150))) == 3


def test_parallel_neighbours_do_not_attract_each_other(make_tubes, make_line, off_axis):
    size = SIZES[0]
    axes = [make_line((300, 100, 300 + shift), (300, 850, 330 + shift)) for shift in (0, 95)]
    found = trace_filaments(make_tubes(axes, (60, 100, 80), size, RADIUS), size, FilamentParams())
    assert len(found) == 2
    errors = sorted(min(off_axis(axis, on(filament)).max() for axis in axes) for filament in found)
    assert errors[-1] < 3


@pytest.mark.parametrize("size", SIZES[:3])
@pytest.mark.parametrize("direction", [(0.05, 1, 0.3), (1, 0.1, 0.1), (0.5, 0.6, 0.6)])
def test_hollow_tube_gives_one_line(size, direction, make_tubes, off_axis):
    way = np.array(direction) / np.linalg.norm(direction)
    axis = np.linspace(np.array([400, 400, 400]) - 330 * way, np.array([400, 400, 400]) + 330 * way, 400)
    volume = make_tubes([axis], shape_for(size, (800, 800, 800)), size, 120.0, lumen=75.0)
    found = trace_filaments(volume, size, FilamentParams())
    assert len(found) == 1
    assert off_axis(axis, on(found[0])).max() < 1.5 * max(size)


def test_tube_that_leaves_the_volume_ends_at_its_border(make_tubes, make_line, off_axis):
    size = SIZES[0]
    axis = make_line((200, -300, 100), (260, 900, 500))
    (found,) = trace_filaments(make_tubes([axis], (50, 60, 50), size, 120.0), size, FilamentParams())
    assert found.ends == ("border", "border")
    ends = found.curve.points(np.array([0.0, found.curve.length]))
    assert ends[:, 1] == pytest.approx([0, 590], abs=6)
    assert off_axis(axis, on(found)).max() < 6


def test_gap_is_bridged_only_on_demand_and_only_along_the_direction(make_tubes, make_line, off_axis):
    size = SIZES[0]
    axes = [make_line((300, 60, 300), (300, 400, 330)), make_line((300, 560, 344), (300, 900, 374)),
            make_line((300, 480, 430), (300, 480, 800))]  # fmt: skip
    volume = make_tubes(axes, (60, 98, 86), size, RADIUS)
    assert len(trace_filaments(volume, size, FilamentParams())) == 3
    longest, other = trace_filaments(volume, size, FilamentParams(max_gap=150))
    assert longest.curve.length > 800
    assert other.curve.length < 500
    assert off_axis(make_line((300, 60, 300), (300, 900, 374)), on(longest)).max() < 5


def test_specks_bumps_and_short_pieces_are_no_filaments(make_tubes, make_line, off_axis):
    size = SIZES[0]
    axis = make_line((250, 120, 150), (350, 860, 700))
    volume = make_tubes([axis], (60, 100, 86), size, RADIUS)
    rng = np.random.default_rng(3)
    for centre in rng.uniform(0.05, 0.95, (300, 3)) * volume.shape:
        z, y, x = centre.astype(int)
        volume[z : z + 2, y : y + 2, x : x + 2] = 1.0
    on_surface = axis[:: len(axis) // 25] / 10
    for z, y, x in (on_surface + [3.0, 2.0, -2.0]).astype(int):
        volume[z : z + 3, y : y + 2, x : x + 2] = 1.0
    found = trace_filaments(volume, size, FilamentParams(min_volume=2e5))
    assert len(found) == 1
    assert off_axis(axis, on(found[0])).max() < 10


def test_tolerance_bounds_the_distance_from_the_traced_points(make_tubes, off_axis):
    size = SIZES[0]
    angle = np.linspace(0, 3 * np.pi, 1500)
    axis = np.stack([100 + 45 * angle, 450 + 250 * np.cos(angle), 450 + 250 * np.sin(angle)], 1)
    volume = make_tubes([axis], (64, 92, 92), size, RADIUS)
    (found,) = trace_filaments(volume, size, FilamentParams(tolerance=30.0))
    errors = off_axis(axis, on(found))
    assert np.sqrt(np.mean(errors**2)) < 33
    assert np.sqrt(np.mean(errors**2)) > off_axis(axis, on(*trace_filaments(volume, size, FilamentParams()))).max()


def test_without_centring_the_skeleton_alone_is_used(make_tubes, make_line, off_axis):
    size = SIZES[0]
    axis = make_line((200, 120, 150), (420, 860, 700))
    (found,) = trace_filaments(make_tubes([axis], (62, 100, 90), size, RADIUS), size, FilamentParams(centre=False))
    assert off_axis(axis, on(found)).max() < 12


@pytest.mark.parametrize("shape", [(1, 40, 40), (40, 1, 1), (3, 3, 3)])
def test_thin_and_full_volumes_do_not_break(shape):
    for value in (0.0, 1.0, np.nan):
        found = trace_filaments(
            np.full(shape, value, dtype=np.float32), (10.0, 10.0, 10.0), FilamentParams(min_length=0)
        )
        assert len(found) <= 1


def test_single_slice_with_a_stroke():
    volume = np.zeros((1, 60, 60), dtype=np.float32)
    volume[0, 28:33, 5:55] = 1
    (found,) = trace_filaments(volume, (10.0, 10.0, 10.0), FilamentParams(min_length=100))
    assert found.curve.points(np.array([100.0]))[0, :2] == pytest.approx([0, 300], abs=3)


def test_wrong_number_of_axes_is_refused():
    with pytest.raises(ParameterProblem, match="2 axes"):
        trace_filaments(np.zeros((4, 4), dtype=np.float32), (1.0, 1.0, 1.0), FilamentParams())


@settings(max_examples=10, deadline=None)
@given(
    plane=st.sampled_from([(0, 1), (0, 2), (1, 2)]),
    turns=st.integers(0, 3),
    shift=st.tuples(*[st.integers(0, 5)] * 3),
)
def test_turned_and_shifted_volumes_give_turned_and_shifted_filaments(plane, turns, shift, make_tubes, make_line):
    axes = [make_line((80, 80, 100), (160, 400, 330)), make_line((230, 330, 90), (200, 90, 380))]
    volume = make_tubes(axes, (30, 48, 46), SIZES[0], RADIUS)
    params = FilamentParams(min_length=100)
    moved = np.pad(volume, [(s, 5 - s) for s in shift])
    expected = [on(f) for f in trace_filaments(volume, SIZES[0], params)]
    found = [on(f) for f in trace_filaments(np.rot90(moved, turns, plane), SIZES[0], params)]
    assert len(found) == len(expected) == 2
    # where each voxel of the turned volume was before; linear, so interpolation is exact
    came_from = [np.rot90(index, turns, plane) for index in np.indices(moved.shape, dtype=float)]
    for filament in found:
        ends = filament[[0, -1]] / 10
        back = np.stack([map_coordinates(index, ends.T, order=1, mode="nearest") for index in came_from], 1)
        back = (back - shift) * 10
        away = [np.abs(other[[0, -1]][order] - back).max() for other in expected for order in ([0, 1], [1, 0])]
        assert min(away) < 8


def test_forty_filaments_in_four_million_voxels_are_all_found(make_tubes, make_line):
    rng = np.random.default_rng(1)
    size = SIZES[0]
    volume = np.zeros((100, 205, 205), dtype=np.float32)
    for row in range(5):
        for column in range(8):
            corner = np.array([row * 20, column * 25, 10])
            axis = make_line((100, 125, 60), rng.uniform([60, 60, 900], [140, 190, 1500]))
            part = make_tubes([axis], (20, 25, 180), size, 25.0)
            target = tuple(slice(c, c + n) for c, n in zip(corner, part.shape, strict=True))
            np.maximum(volume[target], part, out=volume[target])
    assert len(trace_filaments(volume, size, FilamentParams())) == 40
