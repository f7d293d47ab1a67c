"""Templates: turned, without the wedge, normalised, on any voxels."""

import numpy as np
import pytest
from matching_phantoms import FULL, SIZE, around, coefficient, filtered_by, turned_by_scipy
from scipy.ndimage import map_coordinates
from subtomogram_phantoms import phantom

from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.template import prepare
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.wedge import Wedge


@pytest.mark.parametrize("tilts", [(-90.0, 90.0), (-60.0, 60.0), (-40.0, 55.0)])
def test_kernels_are_turned_maps_without_the_wedge(tilts, rng):
    """Quarter turns need no interpolation, so that the whole way of a map can be written out."""
    density, wedge = phantom(4, 25).astype(np.float32), Wedge(*tilts)
    density[[0, -1]] = density[:, [0, -1]] = density[:, :, [0, -1]] = 0
    template = prepare(density, SIZE, SIZE, wedge, MatchParams(mask_radius=80))
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # x to y, y to -x
    n, edge = template.support, template.weights.shape[0]
    before = edge // 2 - 12
    cube = np.pad(density, [(before, edge - 25 - before)] * 3).astype(float)
    # voxel (z, y, x) goes to (z, x, -y) about the centre
    place = np.arange(edge) - edge // 2
    z, y, x = np.meshgrid(place, place, place, indexing="ij")
    mirrored = cube[z + edge // 2, np.clip(-x + edge // 2, 0, edge - 1), y + edge // 2]
    for rotation, source in ((np.eye(3), cube), (quarter, mirrored)):
        seen = around(filtered_by(source, wedge), (edge // 2,) * 3, n)
        kernel = template.kernels(rotation[None])[0].numpy()
        away = (seen - (seen * template.mask).sum() / template.mask.sum()) * template.mask
        expected = away / np.sqrt((away**2 / np.maximum(template.mask, 1e-9)).sum())
        np.testing.assert_allclose(kernel, expected, atol=2e-3 * np.abs(expected).max())
        noise = rng.normal(size=(n, n, n))
        assert abs(kernel.sum()) < 1e-4
        assert coefficient(noise, noise, template.mask) == pytest.approx(1)


def test_voxels_of_another_size():
    """The same structure on voxels of 7.3 Å, by the same interpolation nobody else uses."""
    fine = phantom(6, 40).astype(np.float32)
    other = prepare(fine, 6.0, 7.3, FULL, MatchParams(mask_radius=80))
    same = prepare(fine, 6.0, 6.0, FULL, MatchParams(mask_radius=80))
    coarse, dense = other.kernels(np.eye(3)[None])[0].numpy(), same.kernels(np.eye(3)[None])[0].numpy()
    along = (np.arange(other.support) - other.support // 2) * 7.3 / 6.0 + same.support // 2
    grid = np.stack(np.meshgrid(along, along, along, indexing="ij"))
    expected = map_coordinates(dense, grid, order=3)
    assert np.corrcoef(coarse.ravel(), expected.ravel())[0, 1] > 0.995


@pytest.mark.parametrize("tilts", [(-90.0, 90.0), (-60.0, 60.0)])
def test_kernels_in_any_rotation_are_maps_that_scipy_has_turned(tilts, rng):
    density, wedge = phantom(4, 25).astype(np.float32), Wedge(*tilts)
    density[[0, -1]] = density[:, [0, -1]] = density[:, :, [0, -1]] = 0
    template = prepare(density, SIZE, SIZE, wedge, MatchParams(mask_radius=80))
    edge = template.weights.shape[0]
    for rotation in random_rotations(4, rng):
        seen = filtered_by(turned_by_scipy(density, rotation, edge), wedge)
        own = around(seen, (edge // 2,) * 3, template.support)
        kernel = template.kernels(rotation[None])[0].numpy()
        reference = np.divide(kernel, template.mask, out=np.zeros_like(kernel), where=template.mask > 0)
        assert coefficient(own, reference, template.mask) > 0.998


def test_a_mask_is_turned_with_the_map():
    """A bar from the centre to +x, turned by a quarter from x to y, is one from the centre to +y."""
    density, mask = phantom(4, 25).astype(np.float32), np.zeros((25, 25, 25), np.float32)
    mask[11:14, 11:14, 12:20] = 1
    template = prepare(density, SIZE, SIZE, FULL, MatchParams(), mask)
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    kernel, turned = (each[0].numpy() for each in template.kernels_and_masks(quarter[None]))
    z, y, x = (np.indices(turned.shape) - template.support // 2)[:, turned > 0.5]
    assert (z.min(), z.max(), y.min(), y.max(), x.min(), x.max()) == (-1, 1, 0, 7, -1, 1)
    assert not kernel[turned == 0].any()


def test_a_high_pass_takes_the_mean_away():
    weights = {
        length: prepare(phantom(4, 24), SIZE, SIZE, FULL, MatchParams(high_pass=length)).weights
        for length in (None, 200.0)
    }
    assert weights[None][0, 0, 0] == 1
    assert weights[200.0][0, 0, 0] == 0
    edge = weights[200.0].shape[0]
    # one half at the length, by twicing: 2 g - g² of g = (1 - sqrt(1/2)) ** (k length)²
    k = 3 / (edge * SIZE)
    gaussian = (1 - np.sqrt(0.5)) ** ((200 * k) ** 2)
    assert weights[200.0][0, 0, 3] == pytest.approx(1 - (2 * gaussian - gaussian**2), abs=1e-5)


def test_without_phase_flipping_the_contrast_turns_at_the_first_zero():
    """Of 3 µm at 300 kV, 1 / 24.6 Å: below it what is bright stays bright, beyond it the contrast is inverted."""
    raw, flipped = (
        prepare(phantom(4, 24), SIZE, SIZE, FULL, MatchParams(defocus=3.0, voltage=300, phase_flipped=way)).weights
        for way in (False, True)
    )
    edge = raw.shape[0]
    k = np.abs(np.fft.fftfreq(edge, SIZE))
    along = raw[:, 0, 0].numpy()
    assert (along[k < 1 / 25.5] > 0).all()
    assert (along[k > 1 / 23.8] < 0).all() and (k > 1 / 23.8).any()
    np.testing.assert_allclose(raw.abs(), flipped, atol=1e-6)
