"""Cutting subtomograms: the right voxels, whole or padded, moved, binned, cleaned, normalised, each part read once."""

import numpy as np
import pytest

from ais_app.core.errors import ParameterProblem
from ais_app.core.particles.cube_values import masked_out, normalised, sphere
from ais_app.core.particles.extract import SubtomogramParams, cut, place
from ais_app.core.volume.blocks import BlockArray

PLAIN = {"dark": False, "normalise": "none"}


class Counted(BlockArray):
    """An array that is no plain memory, and counts how often each voxel is read."""

    def __init__(self, values):
        super().__init__(values.shape, values.dtype)
        self.values, self.reads = values, np.zeros(values.shape, dtype=int)

    def read(self, z, y, x):
        self.reads[z, y, x] += 1
        return self.values[z, y, x]


def cubes_of(data, positions, params, size=10.0, **options):
    """All cubes in the order of the picks that have a place, and the places."""
    places = place(np.asarray(positions, dtype=float), data.shape, (size,) * 3, params)
    found = np.full((len(places.rows), *(params.box,) * 3), np.nan, dtype=np.float32)
    for rows, cubes in cut(data, places, params, cube_voxel_size=size * params.bin, **options):
        found[rows] = cubes
    return found, places


def gaussian(shape, centre, width):
    """A ball of a Gaussian profile; centre and width in voxels."""
    grid = np.meshgrid(*(np.arange(n) - c for n, c in zip(shape, centre, strict=True)), indexing="ij")
    return np.exp(-sum(axis**2 for axis in grid) / (2 * width**2)).astype(np.float32)


@pytest.mark.parametrize("edge", [8, 7])
def test_the_central_voxel_is_the_nearest_to_the_pick(edge):
    data = np.arange(30 * 31 * 32, dtype=np.float32).reshape(30, 31, 32)
    positions = np.array([[10.4, 11.5, 12.49], [9.0, 20.0, 8.0]]) * 10
    cubes, places = cubes_of(data, positions, SubtomogramParams(box=edge, **PLAIN))
    assert cubes[0, edge // 2, edge // 2, edge // 2] == data[10, 12, 12]
    low = np.array([9, 20, 8]) - edge // 2
    assert (cubes[1] == data[low[0] : low[0] + edge, low[1] : low[1] + edge, low[2] : low[2] + edge]).all()
    assert places.shifts_zyx == pytest.approx(np.array([[0.4, -0.5, 0.49], [0, 0, 0]]), abs=1e-9)


def test_picks_without_a_place_are_dropped_and_counted():
    data = np.zeros((20, 40, 40), dtype=np.float32)
    positions = [[100, 200, 200], [100, 200, -60], [np.nan, 0, 0], [30, 200, 200], [100, 380, 200], [9000, 0, 0]]
    places = place(np.array(positions, dtype=float), data.shape, (10.0,) * 3, SubtomogramParams(box=10))
    assert places.rows.tolist() == [0]
    assert (places.outside, places.at_edge, places.unknown, places.dropped) == (2, 2, 1, 5)
    padded = SubtomogramParams(box=10, edge="pad", least_inside=0.75)
    assert place(np.array(positions, dtype=float), data.shape, (10.0,) * 3, padded).rows.tolist() == [0, 3]


def test_padding_is_the_mean_of_what_is_inside():
    data = np.random.default_rng(1).normal(5, 2, (20, 20, 20)).astype(np.float32)
    data[0, 10, 10] = np.nan
    params = SubtomogramParams(box=8, edge="pad", **PLAIN)
    cubes, _ = cubes_of(data, [[10, 100, 100]], params)
    inside = data[0:5, 6:14, 6:14]
    assert cubes[0, :3] == pytest.approx(np.full((3, 8, 8), np.nanmean(inside)), rel=1e-5)
    assert cubes[0, 3, 4, 4] == pytest.approx(np.nanmean(inside), rel=1e-5)
    assert (cubes[0, 4:] == inside[1:]).all()


@pytest.mark.parametrize("shape", [(50, 64, 48), (37, 300, 21)])
def test_packed_volumes_are_read_once_and_give_the_same(shape, monkeypatch):
    random = np.random.default_rng(0)
    data = random.normal(size=shape).astype(np.float32)
    positions = random.uniform(0, 1, (60, 3)) * np.array(shape) * 10
    params = SubtomogramParams(box=12, edge="pad", least_inside=0.1)
    plain, _ = cubes_of(data, positions, params)
    lazy = Counted(data)
    found, places = cubes_of(lazy, positions, params)
    assert len(places.rows) > 30 and (found == plain).all() and lazy.reads.max() == 1
    monkeypatch.setattr("ais_app.core.particles.layers._LAYERS_BYTES", 1)  # strips of 12 rows
    strips = Counted(data)
    found, _ = cubes_of(strips, positions, params)
    assert (found == plain).all() and strips.reads.max() <= 3


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_do_not_change_the_result(threads):
    data = np.random.default_rng(0).normal(size=(40, 60, 60)).astype(np.float32)
    positions = np.random.default_rng(1).uniform(100, 300, (40, 3))
    params = SubtomogramParams(box=8, bin=2, placing="exact", neighbours="mask", diameter=60)
    one, _ = cubes_of(data, positions, params)
    more, _ = cubes_of(data, positions, params, threads=threads)
    assert np.isfinite(one).all() and (one == more).all()


def test_the_remainder_is_a_pose_or_the_cube_is_moved_by_it():
    centre = np.array([20.3, 21.5 - 1e-6, 18.75])
    data = gaussian((40, 42, 40), centre, 2.0)
    cubes, places = cubes_of(data, [centre * 10], SubtomogramParams(box=16, **PLAIN))
    assert cubes[0] == pytest.approx(gaussian((16,) * 3, 8 + places.shifts_zyx[0], 2.0), abs=1e-6)
    moved, _ = cubes_of(data, [centre * 10], SubtomogramParams(box=16, placing="exact", **PLAIN))
    assert moved[0] == pytest.approx(gaussian((16,) * 3, (8, 8, 8), 2.0), abs=2e-4)


@pytest.mark.parametrize(("box", "factor"), [(16, 2), (15, 3), (12, 4)])
def test_binning_keeps_the_particle_in_its_place(box, factor):
    centre = np.array([40.0, 44.0, 41.0]) + np.array([0.4, -0.3, 0.2])
    data = gaussian((84, 88, 80), centre, 2.0 * factor)
    params = SubtomogramParams(box=box, bin=factor, **PLAIN)
    cubes, places = cubes_of(data, [centre * 10], params)
    assert places.shifts_zyx[0] == pytest.approx(np.array([0.4, -0.3, 0.2]) / factor)
    assert cubes[0] == pytest.approx(gaussian((box,) * 3, box // 2 + places.shifts_zyx[0], 2.0), abs=2e-3)
    exact, _ = cubes_of(data, [centre * 10], SubtomogramParams(box=box, bin=factor, placing="exact", **PLAIN))
    assert exact[0] == pytest.approx(gaussian((box,) * 3, (box // 2,) * 3, 2.0), abs=2e-3)


def test_binning_takes_away_what_would_alias():
    grid = np.arange(96)
    fine = np.cos(np.pi * grid * 0.8)  # 0.4 waves a voxel: finer than half of the sampling at twice the size
    data = np.broadcast_to(fine[:, None, None] + 3, (96, 96, 96)).astype(np.float32)
    cubes, _ = cubes_of(data, [[480, 480, 480]], SubtomogramParams(box=20, bin=2, **PLAIN))
    assert cubes[0] == pytest.approx(np.full((20,) * 3, 3.0), abs=0.02)


def test_dark_particles_become_bright_and_grey_values_normal():
    random = np.random.default_rng(0)
    data = random.normal(100, 7, (40, 40, 40)) - 60 * gaussian((40,) * 3, (20, 20, 20), 3.0)
    box, _ = cubes_of(data, [[200, 200, 200]], SubtomogramParams(box=20))
    assert box.mean() == pytest.approx(0, abs=1e-5) and box.std() == pytest.approx(1, abs=1e-5)
    assert box[0, 10, 10, 10] > 2
    beside = sphere(20, 6.0) > 0
    outside, _ = cubes_of(data, [[200, 200, 200]], SubtomogramParams(box=20, normalise="outside", diameter=120))
    assert outside[0][beside].mean() == pytest.approx(0, abs=1e-5)
    assert outside[0][beside].std() == pytest.approx(1, abs=1e-5) and outside[0].mean() > 0.1
    inside, _ = cubes_of(data, [[200, 200, 200]], SubtomogramParams(box=20, normalise="inside", diameter=120))
    assert inside[0][~beside].std() == pytest.approx(1, abs=1e-5)
    light, _ = cubes_of(data, [[200, 200, 200]], SubtomogramParams(box=20, dark=False))
    assert light == pytest.approx(-box, abs=1e-5)


def test_one_grey_value_becomes_zero():
    cubes, _ = cubes_of(np.full((20, 20, 20), 7, dtype=np.int8), [[100, 100, 100]], SubtomogramParams(box=8))
    assert (cubes == 0).all()
    assert (normalised(np.full((4, 4, 4), 0.1, dtype=np.float32)) == 0).all()


@pytest.mark.parametrize("placing", ["nearest", "exact"])
def test_neighbours_are_masked_out(placing):
    shape, own, other = (60, 60, 60), np.array([30.0, 30.0, 30.3]), np.array([30.0, 30.0, 44.0])
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.05, shape).astype(np.float32)
    alone = gaussian(shape, own, 2.5) + noise
    both = alone + gaussian(shape, other, 2.5)
    keep = SubtomogramParams(box=36, placing=placing, **PLAIN)
    mask = SubtomogramParams(box=36, placing=placing, neighbours="mask", diameter=140, **PLAIN)
    (clean,), _ = cubes_of(alone, [own * 10], keep)
    (dirty,), _ = cubes_of(both, [own * 10], keep)
    # the neighbour has no place of its own at the edge of the volume, and is known all the same
    far = SubtomogramParams(box=36, placing=placing, neighbours="mask", diameter=140, **PLAIN)
    (masked,), places = cubes_of(both, [own * 10, other * 10], far)
    assert places.rows.tolist() == [0] and mask == far
    mine = sphere(36, 6.0) < 0
    assert masked[mine] == pytest.approx(dirty[mine], abs=1e-6)
    assert np.abs(dirty - clean).max() > 0.9 and np.abs(masked - clean)[:, :, :26].max() < 0.2
    theirs = sphere(36, 5.0, (18, 18, 32)) < 0
    assert masked[theirs].std() < 1e-6 and abs(masked[theirs].mean()) < 0.02


def test_any_mask_can_be_taken_out():
    random = np.random.default_rng(0)
    cube = random.normal(3, 1, (10, 10, 10)).astype(np.float32)
    weight = np.zeros((10, 10, 10), dtype=np.float32)
    weight[:, :, 6:] = 1
    found = masked_out(cube, weight)
    assert (found[:, :, :6] == cube[:, :, :6]).all()
    assert found[:, :, 6:] == pytest.approx(np.full((10, 10, 4), cube[:, :, :6].mean()), rel=1e-5)
    assert masked_out(cube, np.ones_like(cube)) == pytest.approx(np.full_like(cube, cube.mean()), rel=1e-5)
    background = np.zeros((10, 10, 10), dtype=bool)
    background[:, :, :2] = True
    assert masked_out(cube, weight, background)[0, 0, 9] == pytest.approx(cube[:, :, :2].mean(), rel=1e-5)


def test_a_part_of_the_picks_goes_on_where_the_rest_was_cut():
    data = np.random.default_rng(0).normal(size=(30, 40, 40)).astype(np.float32)
    positions = np.random.default_rng(1).uniform(80, 200, (20, 3))
    params = SubtomogramParams(box=8, neighbours="mask", diameter=50)
    whole, places = cubes_of(data, positions, params)
    rows = np.array([3, 17, 4])
    part = {int(row): cube for at, cubes in cut(data, places, params, cube_voxel_size=10.0, rows=rows)
            for row, cube in zip(at, cubes, strict=True)}  # fmt: skip
    assert sorted(part) == [3, 4, 17] and all((part[row] == whole[row]).all() for row in part)


def test_bad_parameters_are_said():
    with pytest.raises(ParameterProblem, match="how large they are is not known"):
        SubtomogramParams(neighbours="mask")
    data = np.zeros((30, 30, 30), dtype=np.float32)
    with pytest.raises(ParameterProblem, match="has no voxels"):
        cubes_of(data, [[150, 150, 150]], SubtomogramParams(box=8, normalise="outside", diameter=400))
