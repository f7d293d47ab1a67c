"""Particles turned to their own axes (T19)."""

import numpy as np
import pytest

from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.own_axes import own_axes
from ais_app.core.particles.wedge import Wedge


def ellipsoids(rotations, shifts_zyx, edge=32, axes=(4.0, 6.5, 10.0), snr=None, seed=0, bumps=()):
    """Ellipsoids with half axes x < y < z, turned and moved, their faces a voxel soft; bumps tell their ends apart."""
    along = np.arange(edge) - edge // 2
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    points = np.stack([x, y, z], axis=-1).astype(float)
    random = np.random.default_rng(seed)
    cubes = []
    for rotation, shift in zip(rotations, shifts_zyx, strict=True):
        own = (points - shift[::-1]) @ rotation
        radius = np.linalg.norm(own / axes, axis=-1)
        slope = np.linalg.norm(own / np.square(axes), axis=-1)
        outside = (radius - 1) * radius / np.maximum(slope, 1e-9)  # voxels from the face, nearly
        cube = np.clip(0.5 - outside, 0, 1)
        for bump in bumps:
            cube += 0.7 * (((own - bump) ** 2).sum(-1) < 7)
        if snr is not None:
            cube = cube + random.normal(size=cube.shape) * np.sqrt(cube.var() / snr)
        cubes.append(cube)
    return np.array(cubes, np.float32)


BUMPS = (0, 0, 7), (0, 4.5, 0)


def off(found, truth):
    """The largest angle between axes that should agree, whatever their sign, in degrees."""
    cosines = np.abs(np.einsum("nij,nij->nj", found, truth)).clip(0, 1)
    return np.degrees(np.arccos(cosines)).max(1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("snr", "most", "moved"), [(None, 0.2, 0.05), (0.5, 0.9, 0.1), (0.1, 1.8, 0.2)])
def test_axes_and_centres_of_ellipsoids(snr, most, moved, seed):
    """T19; asked: a median of 3 degrees at an SNR of 0.1. Reached with these and four more seeds: 1.1 to 1.5."""
    random = np.random.default_rng(seed)
    truth, shifts = random_rotations(15, random), random.uniform(-3, 3, (15, 3))
    found = own_axes(ellipsoids(truth, shifts, edge=40, axes=(6.0, 9.0, 14.0), snr=snr, seed=seed))
    np.testing.assert_allclose(np.linalg.det(found.poses.rotations), 1)
    assert np.median(off(found.poses.rotations, truth)) <= most
    assert np.median(np.linalg.norm(found.poses.shifts_zyx - shifts, axis=1)) <= moved
    assert (np.diff(found.variances, axis=1) < 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_axes_of_smaller_particles_in_as_much_noise(seed):
    random = np.random.default_rng(seed)
    truth, shifts = random_rotations(15, random), random.uniform(-2, 2, (15, 3))
    found = own_axes(ellipsoids(truth, shifts, snr=0.1, seed=seed))
    assert np.median(off(found.poses.rotations, truth)) <= 2.5


def test_variances_are_those_of_an_ellipsoid():
    found = own_axes(ellipsoids(random_rotations(3, np.random.default_rng(1)), np.zeros((3, 3)), 40, (6.0, 9.0, 14.0)))
    np.testing.assert_allclose(found.variances, np.tile(np.square([14, 9, 6]) / 5, (3, 1)), rtol=0.1)


def test_one_shape_lies_alike_whatever_its_orientation():
    random = np.random.default_rng(5)
    rotations = random_rotations(6, random)
    found = own_axes(ellipsoids(rotations, np.zeros((6, 3)), bumps=BUMPS))
    # from the shape's own frame to its axes: one rotation for all, signs included
    between = np.swapaxes(rotations, 1, 2) @ found.poses.rotations
    np.testing.assert_allclose(between, between[:1].repeat(6, 0), atol=0.08)


def test_a_missing_wedge_is_warned_of():
    cubes = ellipsoids(random_rotations(1, np.random.default_rng(0)), np.zeros((1, 3)))
    with pytest.warns(DataWarning, match="missing wedge"):
        own_axes(cubes, wedges=[Wedge(-60, 60)])
    own_axes(cubes, wedges=[Wedge(-90, 90)])


def test_nothing_to_measure_and_no_numbers():
    cubes = np.zeros((2, 16, 16, 16), np.float32)
    found = own_axes(cubes)
    np.testing.assert_array_equal(found.poses.rotations, np.tile(np.eye(3), (2, 1, 1)))
    assert (found.poses.scores == 0).all()
    cubes[1, 3, 3, 3] = np.nan
    with pytest.raises(ParameterProblem, match="cube 1"):
        own_axes(cubes)
