"""Wedges, transforms, rotations and poses: what every method on subtomograms rests on."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.particles import fourier
from ais_app.core.particles.orientations import (
    all_rotations,
    angles_between,
    random_rotations,
    rotations_near,
    symmetry_rotations,
)
from ais_app.core.particles.poses import Poses, turned
from ais_app.core.particles.wedge import Wedge


def gaussians(edge, centres_xyz, width=1.6):
    """A cube of Gaussians at places relative to its central voxel; exact for any rotation and shift."""
    along = np.arange(edge) - edge // 2
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    cube = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / (2 * width**2)) for a, b, c in centres_xyz)
    return torch.from_numpy(np.asarray(cube, dtype=np.float32))


PLACES = np.array([[4.0, 0, 0], [0, 6.0, 1], [-2, 3, -5.0]])


@pytest.mark.parametrize("edge", [24, 25])
@pytest.mark.parametrize("fine", [False, True])
def test_turned_and_moved_as_the_convention_says(edge, fine):
    rotation = random_rotations(1, np.random.default_rng(1))[0]
    shift_xyz = np.array([1.5, -0.7, 2.2])
    got = turned(
        gaussians(edge, PLACES),
        torch.from_numpy(rotation)[None],
        torch.from_numpy(shift_xyz[::-1].copy())[None],
        fine=fine,
    )[0]
    expected = gaussians(edge, PLACES @ rotation.T + shift_xyz)
    assert (got - expected).abs().max() < (0.05 if fine else 0.12)


def test_fourier_and_back_in_place():
    cube = torch.randn(2, 15, 15, 15)
    assert torch.allclose(fourier.from_fourier(fourier.to_fourier(cube), 15), cube, atol=1e-5)
    centred = gaussians(16, [(0, 0, 0)])
    assert fourier.to_fourier(centred).imag.abs().max() < 1e-3  # the origin of phase is the central voxel


@pytest.mark.parametrize(("edge", "to"), [(32, 16), (32, 17), (25, 12), (16, 32), (15, 24)])
def test_resized_keeps_the_centre_and_grey_values(edge, to):
    cube = gaussians(edge, [(0, 0, 0)], width=edge / 8)
    got = fourier.from_fourier(fourier.resized(fourier.to_fourier(cube), edge, to), to)
    assert torch.allclose(got, gaussians(to, [(0, 0, 0)], width=to / 8), atol=0.02)


def test_shifted_by_fractions():
    edge = 24
    moved = fourier.from_fourier(
        fourier.shifted(fourier.to_fourier(gaussians(edge, [(0, 0, 0)])), torch.tensor([1.5, -2.25, 0.5]), edge), edge
    )
    assert torch.allclose(moved, gaussians(edge, [(0.5, -2.25, 1.5)]), atol=1e-3)


def test_multiplicity_counts_all_of_fourier_space():
    for edge in (8, 9):
        cube = torch.randn(edge, edge, edge)
        power = (fourier.to_fourier(cube).abs() ** 2 * fourier.multiplicity(edge)).sum() / edge**3
        assert power == pytest.approx(float((cube**2).sum()), rel=1e-4)


@pytest.mark.parametrize(("low", "high"), [(-60, 60), (-50, 50), (-60, 40)])
def test_wedge_measures_its_share(low, high):
    edge = 33
    mask = Wedge(low, high).mask(edge)
    inside = fourier.radii(edge) <= edge // 2
    share = float((mask * inside * fourier.multiplicity(edge)).sum() / (inside * fourier.multiplicity(edge)).sum())
    assert share == pytest.approx((high - low) / 180, abs=0.02)
    assert mask[0, 5, 0] == 1  # the tilt axis
    assert mask[5, 0, 0] == 0  # the beam


def test_wedge_of_other_axes_is_the_same_cube_turned():
    mask = Wedge(-50, 60).mask(16)
    other = Wedge(-50, 60, tilt_axis="z", beam_axis="y").mask(16)
    # z, y, x of the first are y, z, x of the second
    assert torch.equal(mask.transpose(0, 1), other)


def test_wedge_in_the_frame_of_the_reference():
    rotation = torch.from_numpy(random_rotations(1, np.random.default_rng(2)))
    edge, wedge = 24, Wedge(-60, 60)
    noise = torch.randn(edge, edge, edge) * torch.from_numpy(fourier.soft_sphere(edge, 6))
    seen = fourier.from_fourier(fourier.to_fourier(turned(noise, rotation, fine=True)) * wedge.mask(edge), edge)
    back = fourier.to_fourier(turned(seen, rotation.transpose(1, 2), fine=True))[0].abs() ** 2
    mask, low = wedge.mask(edge, rotation)[0] > 0, fourier.radii(edge) < 9
    assert back[~mask & low].mean() < 0.12 * back[mask & low].mean()


@pytest.mark.parametrize(
    "options", [{"tilt_min": 10, "tilt_max": 10}, {"tilt_min": -95}, {"tilt_axis": "z"}, {"tilt_axis": "w"}]
)
def test_wedges_that_are_none(options):
    with pytest.raises(ParameterProblem):
        Wedge(**options)


def test_full_wedge_measures_all():
    assert Wedge(-90, 90).is_full
    assert bool((Wedge(-90, 90).mask(12) == 1).all())


@pytest.mark.parametrize(("step", "count"), [(30, 576), (20, 1944), (15, 4608)])
def test_rotations_cover_all(step, count):
    grid = all_rotations(step)
    assert len(grid) == count
    np.testing.assert_allclose(np.linalg.det(grid), 1)
    asked = random_rotations(200, np.random.default_rng(0))
    nearest = np.array([angles_between(grid, one).min() for one in asked])
    assert nearest.max() < 0.95 * step
    assert np.median(nearest) < 0.55 * step


@pytest.mark.parametrize("symmetry", ["C3", "D2", "D7"])
def test_symmetry_leaves_out_what_looks_the_same(symmetry):
    grid, group = all_rotations(20, symmetry), symmetry_rotations(symmetry)
    assert len(grid) < 1.35 * len(all_rotations(20)) / len(group)
    asked = random_rotations(100, np.random.default_rng(0))
    assert max(angles_between(grid, one[None], symmetry).min() for one in asked) < 0.95 * 20
    np.testing.assert_allclose(angles_between(asked[:, None] @ group[None], asked[:, None], symmetry), 0, atol=1e-5)


@pytest.mark.parametrize("symmetry", ["", "C0", "D1", "I", "C-3"])
def test_symmetries_that_are_none(symmetry):
    with pytest.raises(ParameterProblem):
        symmetry_rotations(symmetry)


def test_rotations_near_one():
    near = rotations_near(5, 12)
    np.testing.assert_allclose(near[0], np.eye(3))
    assert angles_between(near, np.eye(3)).max() <= 12 + 1e-6
    assert len(np.unique(near.round(6), axis=0)) == len(near) == 57


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_poses_there_and_back(seed):
    random = np.random.default_rng(seed)
    poses = Poses.of(random_rotations(4, random), random.normal(size=(4, 3)))
    back = poses.inverse().inverse()
    np.testing.assert_allclose(back.rotations, poses.rotations, atol=1e-12)
    np.testing.assert_allclose(back.shifts_zyx, poses.shifts_zyx, atol=1e-12)
    # point by point: first the other reference into the present one, then as before
    rotation, shift = random_rotations(1, random)[0], random.normal(size=3)
    point = random.normal(size=3)
    both = poses.after(rotation, shift)
    step = rotation @ point + shift[::-1]
    expected = poses.rotations @ step + poses.shifts_zyx[:, ::-1]
    np.testing.assert_allclose(both.rotations @ point + both.shifts_zyx[:, ::-1], expected, atol=1e-9)


def test_soft_sphere():
    ball = fourier.soft_sphere(20)
    assert ball[10, 10, 10] == 1
    assert ball[0].max() == 0
    with pytest.raises(ParameterProblem, match="radius"):
        fourier.soft_sphere(20, 0)
