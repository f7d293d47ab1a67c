"""Maps put back, against exact voxels and against the program's own phantoms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import affine_transform

from ais_app.core import geometry
from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.core.scene import map_back as module
from ais_app.core.scene.map_back import MapBackParams, PlacedMaps, map_back


def random_map(shape=(7, 8, 9), seed=0):
    return np.random.default_rng(seed).random(shape).astype(np.float32) + 0.1


def test_unturned_on_voxels_it_is_the_map_itself():
    density = random_map()
    volume = map_back(density, 10.0, Particles(np.array([[120.0, 130.0, 140.0]])), (25, 26, 27), (10.0,) * 3)
    wanted = np.zeros((25, 26, 27), np.float32)
    wanted[12 - 3 : 12 + 4, 13 - 4 : 13 + 4, 14 - 4 : 14 + 5] = density
    np.testing.assert_allclose(volume, wanted, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(angles=st.tuples(*[st.floats(-180, 180)] * 3), at=st.tuples(*[st.floats(70, 130)] * 3))
def test_turned_as_the_geometry_says(angles, at):
    density = np.pad(random_map(), 1)
    rotation = geometry.relion_to_matrices(np.array([angles]))
    volume = map_back(density, 10.0, Particles(np.array([at]), rotations=rotation), (20, 21, 22), (10.0,) * 3)
    turn = rotation[0, ::-1, ::-1].T  # from the particle back to the reference, z y x
    centre = np.array(density.shape) // 2
    wanted = affine_transform(density, turn, centre - turn @ (np.array(at) / 10), (20, 21, 22), order=1)
    np.testing.assert_allclose(volume, wanted, atol=2e-4)


def test_slabs_join(monkeypatch, rng):
    density = random_map((9, 9, 9))
    picks = Particles(rng.uniform(0, 200, (12, 3)), rotations=geometry.relion_to_matrices(rng.uniform(0, 180, (12, 3))))
    at_once = map_back(density, 8.0, picks, (22, 20, 21), (10.0, 9.0, 8.0))
    monkeypatch.setattr(module, "_SLAB_VOXELS", 3 * 20 * 21)
    slabs = list(PlacedMaps([(density, 8.0)], np.zeros(12, int), picks, (22, 20, 21), (10.0, 9.0, 8.0)).slabs())
    np.testing.assert_array_equal(map_back(density, 8.0, picks, (22, 20, 21), (10.0, 9.0, 8.0)), at_once)
    assert [z for z, _ in slabs] == list(range(0, 22, 3))
    np.testing.assert_array_equal(np.concatenate([slab for _, slab in slabs]), at_once)


def test_on_voxels_that_are_no_cubes_it_is_what_scipy_makes_of_it():
    density, sizes, at = np.pad(random_map((11, 12, 13)), 1), np.array([10.0, 9.0, 8.0]), np.array([113.0, 98.0, 91.0])
    rotation = geometry.relion_to_matrices(np.array([[40.0, 65.0, -110.0]]))
    volume = map_back(density, 9.0, Particles(at[None], rotations=rotation), (24, 23, 22), tuple(sizes))
    turn = rotation[0, ::-1, ::-1].T @ np.diag(sizes / 9.0)  # voxels of the volume to those of the map, z y x
    wanted = affine_transform(density, turn, np.array(density.shape) // 2 - turn @ (at / sizes), (24, 23, 22), order=1)
    np.testing.assert_allclose(volume, wanted, atol=2e-4)


def test_on_larger_voxels_the_map_is_smoothed_first():
    """By 0.4 of a voxel of the tomogram, less the 0.4 that the map's own voxel is: a point becomes that Gaussian."""
    density = np.zeros((31, 31, 31), np.float32)
    density[15, 15, 15] = 1.0
    row = map_back(density, 5.0, Particles(np.array([[100.0, 100.0, 100.0]])), (11, 11, 11), (20.0,) * 3)[5, 5]
    sigma = 0.4 * np.sqrt(4.0**2 - 1)  # voxels of the map
    weights = np.exp(-(np.arange(-15, 16) ** 2) / (2 * sigma**2))
    wanted = weights[15 + 4 * np.arange(-1, 2)] * weights[15] ** 2 / weights.sum() ** 3
    np.testing.assert_allclose(row[4:7], wanted, rtol=1e-3)


def test_overlaps_and_thresholds():
    density = np.zeros((5, 5, 5), np.float32)
    density[2, 2, 1:4] = [0.2, 1.0, 0.5]
    picks = Particles(np.array([[40.0, 40, 40], [40, 40, 50]]))
    row = {
        kind: map_back(density, 10.0, picks, (9, 9, 9), (10.0,) * 3, MapBackParams(combine=kind))[4, 4]
        for kind in ("max", "sum")
    }
    np.testing.assert_allclose(row["max"][3:7], [0.2, 1.0, 1.0, 0.5], atol=1e-6)
    np.testing.assert_allclose(row["sum"][3:7], [0.2, 1.2, 1.5, 0.5], atol=1e-6)
    above = map_back(density, 10.0, picks[:1], (9, 9, 9), (10.0,) * 3, MapBackParams(threshold=0.3))[4, 4]
    np.testing.assert_allclose(above[3:6], [0, 1.0, 0.5], atol=1e-6)


@pytest.mark.parametrize("ratio", [1.0, 2.0, 3.4])
def test_the_sum_of_the_density_survives_other_voxels(ratio):
    z, y, x = np.ogrid[:41, :41, :41]
    density = np.exp(-((z - 20) ** 2 + (y - 18) ** 2 + (x - 22) ** 2) / (2 * 4.0**2)).astype(np.float32)
    size = 4.0 * ratio
    volume = map_back(density, 4.0, Particles(np.array([[207.0, 199.0, 211.0]])), (110, 108, 112), (size,) * 3)
    assert volume.sum() * size**3 == pytest.approx(density.sum() * 4.0**3, rel=0.01)
    centre = [
        (np.arange(n) * size * volume.sum(axis=tuple({0, 1, 2} - {i}))).sum() / volume.sum()
        for i, n in enumerate(volume.shape)
    ]
    np.testing.assert_allclose(centre, [207, 199 - 8, 211 + 8], atol=0.1)


def test_outside_and_none():
    density = random_map()
    picks = Particles(np.array([[-30.0, 50, 50], [1e5, 0, 0], [50, 50, 105]]))
    volume = map_back(density, 10.0, picks, (10, 10, 10), (10.0,) * 3)
    assert volume[0].any()
    assert volume[:, :, -1].any()
    assert not map_back(density, 10.0, picks[1:2], (10, 10, 10), (10.0,) * 3).any()
    assert not map_back(density, 10.0, picks[:0], (10, 10, 10), (10.0,) * 3).any()
    every = np.zeros(3, dtype=int)
    assert PlacedMaps([(density, 10.0)], every, picks, (10, 10, 10), (10.0,) * 3).reaching().tolist() == [
        True,
        False,
        True,
    ]
    assert not PlacedMaps([(density, 10.0)], every - 1, picks, (10, 10, 10), (10.0,) * 3).reaching().any()
    with pytest.raises(ParameterProblem, match="2 axes"):
        map_back(density[0], 10.0, picks, (10, 10, 10), (10.0,) * 3)
    density[1, 1, 1] = np.nan
    with pytest.raises(ParameterProblem, match="no number"):
        map_back(density, 10.0, picks, (10, 10, 10), (10.0,) * 3)


@settings(max_examples=80, deadline=None)
@given(at=st.tuples(*[st.floats(-60, 160)] * 3), turn=st.tuples(*[st.floats(-180, 180)] * 3), hollow=st.booleans())
def test_what_reaches_into_the_volume_is_what_leaves_something_in_it(at, turn, hollow):
    density = np.zeros((15, 5, 5), np.float32)
    density[:, 2, 2] = 1.0
    density[4:11] *= not hollow  # nothing around the middle, where it is looked first
    picks = Particles(np.array([at]), rotations=geometry.relion_to_matrices(np.array([turn])))
    there = PlacedMaps([(density, 9.0)], np.zeros(1, int), picks, (10, 9, 8), (10.0, 11.0, 12.0)).reaching()
    assert there[0] == map_back(density, 9.0, picks, (10, 9, 8), (10.0, 11.0, 12.0)).any()


@pytest.mark.parametrize(
    ("factor", "params", "words"),
    [
        (0, MapBackParams(), "is 0 everywhere"),
        (-1, MapBackParams(), "no density above 0; where particles are dark in it, say so with --dark"),
        (1, MapBackParams(dark=True), "is bright, not dark"),
        (1, MapBackParams(threshold=7), "no density above 7, the highest is 1.1; lower the threshold"),
    ],
)
def test_a_map_of_which_nothing_would_be_written_is_refused(factor, params, words):
    density = np.full((5, 5, 5), 1.1 * factor, np.float32)
    with pytest.raises(ParameterProblem, match=words):
        map_back(density, 10.0, Particles(np.array([[50.0, 50, 50]])), (10, 10, 10), (10.0,) * 3, params)
