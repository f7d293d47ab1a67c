import time

import numpy as np
import pandas as pd
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.core.scene.pick_editing import (
    moved_pick,
    nearest_on_slice,
    nearest_to_ray,
    ray_meets_plane,
    ray_meets_surface,
    with_pick,
    without_picks,
)

DOWN = np.array([0, 0, -1.0])


def test_the_front_one_of_those_that_are_hit():
    picks = np.array([[0, 0, 0], [3, 0, 100], [0, 0, 300], [500, 0, 100.0]])
    eye = np.array([0, 0, 1000.0])
    assert nearest_to_ray(picks, eye, DOWN, radius=10) == 2
    assert nearest_to_ray(picks, np.array([0, 0, 200.0]), 7 * DOWN, radius=10) == 1  # the other is behind the eye
    assert nearest_to_ray(picks, eye, DOWN, radius=np.array([10, 400, 10, 10])) == 1  # its front reaches higher up
    assert nearest_to_ray(picks, np.array([250.0, 0, 1000]), DOWN, radius=10) is None
    assert nearest_to_ray(picks[:0], eye, DOWN, radius=10, tolerance=1e9) is None


def test_a_miss_by_less_than_the_tolerance():
    picks = np.array([[0, 0, 0], [30, 0, 0.0]])
    eye = np.array([18, 0, 100.0])
    assert nearest_to_ray(picks, eye, DOWN, radius=5, tolerance=6) is None
    assert nearest_to_ray(picks, eye, DOWN, radius=5, tolerance=8) == 1
    assert nearest_to_ray(picks, eye, DOWN, radius=5, widening=0.08) == 1
    assert nearest_to_ray(picks, eye, DOWN, radius=5, widening=0.06) is None


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_aiming_at_a_lonely_pick_finds_it(seed):
    rng = np.random.default_rng(seed)
    picks = 1000 * np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3) + rng.uniform(-100, 100, (64, 3))
    chosen = int(rng.integers(64))
    eye = picks[chosen] + rng.normal(size=3) * 50
    aim = picks[chosen] + rng.uniform(-1, 1, 3) - eye
    assert nearest_to_ray(picks, eye, aim, radius=2) == chosen


def test_fifty_thousand_take_less_than_10_ms():
    picks = np.random.default_rng(0).uniform(0, 5000, (50_000, 3))
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        nearest_to_ray(picks, np.array([2000, 2000, 9000.0]), DOWN, radius=30.0, tolerance=20)
        nearest_on_slice(picks, np.array([2000, 2000, 2000.0]), radius=30.0, tolerance=20)
        seconds.append((time.perf_counter() - start) / 2)
    assert min(seconds) < 0.01


def test_on_a_slice():
    picks = np.array([[100, 50, 50], [110, 60, 50], [160, 50, 50.0]])
    assert nearest_on_slice(picks, np.array([100, 52, 50]), radius=20) == 0
    assert nearest_on_slice(picks, np.array([100, 57, 50]), radius=20) == 1
    assert nearest_on_slice(picks, np.array([100, 57, 50]), radius=5) is None  # 1 is not on this slice, 0 too far
    assert nearest_on_slice(picks, np.array([100, 57, 50]), radius=5, tolerance=3) == 0
    assert nearest_on_slice(picks, np.array([150, 50, 50]), radius=20) == 2
    assert nearest_on_slice(picks, np.array([150, 50, 50]), axis=1, radius=20) == 2
    assert nearest_on_slice(picks, np.array([112, 52, 50]), axis=2, radius=20) == 1
    assert nearest_on_slice(picks[:0], np.array([0, 0, 0])) is None


def test_planes():
    eye, slanted = np.array([0, 0, 100.0]), np.array([1.0, 0, -1])
    np.testing.assert_allclose(ray_meets_plane(eye, slanted, np.array([7, 7, 40]), np.array([0, 0, 5])), [60, 0, 40])
    assert ray_meets_plane(eye, slanted, np.array([0, 0, 140]), DOWN) is None
    assert ray_meets_plane(eye, slanted, np.array([0, 0, 140]), np.array([0, 1, 0])) is None
    with pytest.raises(ParameterProblem, match="no direction"):
        ray_meets_plane(eye, np.zeros(3), np.zeros(3), DOWN)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_first_place_on_a_surface(seed):
    rng = np.random.default_rng(seed)
    ball = trimesh.creation.icosphere(subdivisions=3, radius=50)
    ball.apply_translation([500, 0, 0])
    vertices, faces = ball.vertices.astype(np.float32), ball.faces.astype(np.int32)
    eye = np.array([500, 0, 0]) + 300 * (lambda v: v / np.linalg.norm(v))(rng.normal(size=3))
    aim = np.array([500, 0, 0]) + rng.uniform(-20, 20, 3) - eye
    found = ray_meets_surface(eye, aim, vertices, faces)
    a, b, c = vertices[faces].astype(float).transpose(1, 0, 2)
    # eye + along aim = a + first (b - a) + second (c - a)
    sides = np.stack([np.tile(-aim, (len(a), 1)), b - a, c - a], axis=-1)
    along, first, second = np.linalg.solve(sides, (eye - a)[..., None])[..., 0].T
    hit = (first >= 0) & (second >= 0) & (first + second <= 1)
    np.testing.assert_allclose(found.point_xyz, eye + along[hit].min() * aim, atol=0.01)
    assert found.face == np.argmin(np.where(hit, along, np.inf))
    outward = (found.point_xyz - [500, 0, 0]) / np.linalg.norm(found.point_xyz - [500, 0, 0])
    assert found.normal_xyz @ outward > 0.98
    assert ray_meets_surface(eye, -aim, vertices, faces) is None
    inside = ray_meets_surface(np.array([500, 0, 0]), aim, vertices, faces)
    assert 48 < np.linalg.norm(inside.point_xyz - [500, 0, 0]) < 51
    assert ray_meets_surface(eye, aim, vertices, faces[:0]) is None


def picks():
    return Particles(
        np.arange(9.0).reshape(3, 3),
        rotations=np.stack([np.eye(3)] * 3),
        scores=np.array([1.0, 5.0, 2.0]),
        tomograms=np.array(["TS_01"] * 3, dtype=object),
        voxel_size=10.0,
        shape_zyx=(9, 9, 9),
        table=pd.DataFrame({"note": ["a", "b", "c"], "size": [1, 2, 3]}),
    )


def test_adding():
    more = with_pick(picks(), np.array([7.0, 8, 9]))
    assert len(more) == 4
    assert more.positions_zyx[3].tolist() == [7, 8, 9]
    assert more.scores.tolist() == [1, 5, 2, 5]
    assert more.tomograms[3] == "TS_01"
    np.testing.assert_array_equal(more.rotations[3], np.eye(3))
    assert more.table["note"][:3].tolist() == ["a", "b", "c"]
    assert more.table.iloc[3].isna().all()
    assert (more.voxel_size, more.shape_zyx) == (10.0, (9, 9, 9))
    turn = np.diag([1.0, -1, -1])
    np.testing.assert_array_equal(with_pick(picks(), np.zeros(3), turn).rotations[3], turn)
    plain = with_pick(Particles(np.zeros((1, 3))), np.ones(3))
    assert (plain.rotations, plain.scores) == (None, None)
    with pytest.raises(ParameterProblem, match="is no place"):
        with_pick(picks(), np.array([1, np.nan, 2]))


def test_adding_the_first():
    empty = without_picks(picks(), np.arange(3))
    assert len(empty) == 0
    one = with_pick(empty, np.array([1.0, 2, 3]))
    assert one.positions_zyx.tolist() == [[1, 2, 3]]
    assert (one.voxel_size, list(one.table.columns)) == (10.0, ["note", "size"])
    assert with_pick(Particles(np.empty((0, 3))), np.ones(3)).tomograms.tolist() == [""]


def test_removing_and_moving():
    assert without_picks(picks(), np.array([1])).table["note"].tolist() == ["a", "c"]
    assert without_picks(picks(), np.array([True, False, True])).table["note"].tolist() == ["b"]
    assert len(without_picks(picks(), np.array([], dtype=int))) == 3
    before = picks()
    after = moved_pick(before, 1, np.array([0.5, 0.5, 0.5]))
    assert after.positions_zyx[1].tolist() == [0.5, 0.5, 0.5]
    assert before.positions_zyx[1].tolist() == [3, 4, 5]
    assert after.positions_zyx[[0, 2]].tolist() == before.positions_zyx[[0, 2]].tolist()
