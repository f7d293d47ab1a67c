"""Templates: turned, without the wedge, normalised, on any voxels."""

import numpy as np
import pytest
from matching_phantoms import FULL, SIZE, around, coefficient, filtered_by
from scipy.ndimage import map_coordinates
from subtomogram_phantoms import phantom

from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.template import prepare
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
