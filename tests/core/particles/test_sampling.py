"""Sampling turned transforms, and maps made to fit cubes."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from subtomogram_phantoms import Blobs, blobs

from ais_app.core.errors import ParameterProblem
from ais_app.core.particles.correlation import Band, Reference, Sampled
from ais_app.core.particles.fit_map import fitted_map, share_inside
from ais_app.core.particles.fourier import to_fourier
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.sampling import _weighted, sampled
from ais_app.core.particles.wedge import Wedge


@pytest.mark.parametrize("channels", [2, 9])
def test_compiled_as_scipy_and_as_on_a_gpu(channels):
    side, random = 13, np.random.default_rng(0)
    table = torch.from_numpy(random.normal(size=(side**3, channels)).astype(np.float32))
    rotations = torch.from_numpy(random_rotations(3, random)).float()
    k = torch.from_numpy(random.uniform(-1.7, 1.7, (50, 3)).astype(np.float32))
    found = sampled(table, side, 2.0, rotations, k)
    torch.testing.assert_close(_weighted(table, side, 2.0, rotations, k), found, atol=1e-4, rtol=1e-4)
    places = np.einsum("mi,nij->nmj", k.numpy(), rotations.numpy()) * 2 + side // 2
    cube = table.numpy().reshape(side, side, side, channels)
    expected = [
        ndimage.map_coordinates(cube[..., c], places[..., ::-1].reshape(-1, 3).T, order=1) for c in range(channels)
    ]
    np.testing.assert_allclose(found.numpy().reshape(-1, channels), np.stack(expected, axis=-1), atol=1e-4)


def test_places_outside_and_no_numbers_read_nothing_else():
    table = torch.ones((27, 2))
    rotations = torch.eye(3)[None] * torch.tensor([1e9, torch.nan])[:, None, None]
    found = sampled(table, 3, 1.0, rotations, torch.tensor([[1.0, -1.0, 0.5], [0.0, 0.0, 0.0]]))
    assert found.shape == (2, 2, 2)
    assert (found == 1).all()


def test_turned_transform_and_its_slopes():
    edge, random = 32, np.random.default_rng(1)
    particle = blobs(2, edge, radius=0.25)
    reference = Sampled(Reference(particle.cube(edge)), 12, slopes=True)
    band = Band.up_to(edge, 12)
    turns = random_rotations(3, random)
    rotations = torch.from_numpy(turns).float()
    values, slopes, mask = reference.with_slopes(rotations, band.k)
    assert mask is None
    true = band.of(to_fourier(torch.from_numpy(particle.cubes(edge, Poses.of(turns)))))
    for one, other in zip(values, true, strict=True):
        assert (one * other.conj()).real.sum() / one.norm() / other.norm() > 0.998
    # along x of the reference, by differences
    step = torch.tensor([0.05, 0, 0])
    unturned = torch.eye(3)[None]
    low, high = (reference(unturned, band.k + sign * step)[0][0] for sign in (-1, 1))
    exact = reference.with_slopes(unturned, band.k)[1][0, 0]
    numeric = (high - low) / 0.1
    assert (numeric * exact.conj()).real.sum() / numeric.norm() / exact.norm() > 0.95
    assert slopes.shape == (3, 3, len(band.k))


def test_masks_of_references_turn_with_them():
    edge = 32
    wedge = Wedge(-60, 60)
    cube = blobs(3, edge).cube(edge)
    rotations = torch.from_numpy(random_rotations(2, np.random.default_rng(2)))
    band = Band.up_to(edge, 12)
    _, mask = Sampled(Reference(cube, wedge.mask(edge).numpy()), 12)(rotations.float(), band.k)
    exact = band.of(wedge.mask(edge, rotations.transpose(1, 2)))
    assert (mask == exact).float().mean() > 0.95


def test_each_pair_of_frequencies_once():
    for edge in (12, 13):
        band = Band.up_to(edge, edge)
        both = {tuple(k) for k in torch.cat([band.k, -band.k]).int().tolist()}
        assert len(both) == 2 * len(band.k)
        half = (edge - 1) // 2
        inside = [k for k in np.ndindex(*(2 * half + 1,) * 3) if 0 < sum((c - half) ** 2 for c in k) <= half**2]
        assert len(both) == len(inside)


@pytest.mark.parametrize(("size", "edge"), [(10.0, 40), (7.3, 48), (13.68, 33), (4.0, 90)])
def test_map_of_any_voxel_size_and_box(size, edge):
    # widths in voxels of 10 Å that the coarsest of these sizes still resolves
    particle = blobs(4, 32, radius=0.2, widths=(2.2, 3.0))
    scale = 10.0 / size
    other = Blobs(particle.places * scale, particle.widths * scale).cube(edge)
    found, exact = fitted_map(other, size, 32, 10.0), particle.cube(32)
    assert found.shape == (32, 32, 32)
    assert np.abs(found - exact).max() < 0.04 * exact.max()


def test_map_that_is_no_cube():
    cube = blobs(5, 32, radius=0.15).cube(32) + 2
    found = fitted_map(cube[2:-1, 3:-4, :], 10.0, 32, 10.0)  # voxel n // 2 of the middle axis is now 12 + 1
    assert found.shape == (32, 32, 32)
    assert np.corrcoef(fitted_map(cube[2:-2], 10.0, 32, 10.0).ravel(), cube.ravel())[0, 1] > 0.99


def test_how_much_of_a_map_lies_in_a_box():
    particle = blobs(5, 32, radius=0.15)
    assert share_inside(particle.cube(32), 10.0, 320) == pytest.approx(1)
    assert share_inside(np.pad(particle.cube(32), 20) + 7, 10.0, 320) == pytest.approx(1, abs=1e-6)
    noise = np.random.default_rng(0).normal(size=(40, 80, 80))
    assert share_inside(noise, 5.0, 100) == pytest.approx(20**3 / noise.size, rel=0.1)
    assert share_inside(np.ones((9, 9, 9)), 5.0, 10) == 1


def test_maps_that_are_none():
    with pytest.raises(ParameterProblem, match="no volume"):
        fitted_map(np.zeros((4, 4)), 10.0, 16, 10.0)
    with pytest.raises(ParameterProblem, match="voxels of"):
        fitted_map(np.zeros((8, 8, 8)), 0.1, 16, 10.0)
