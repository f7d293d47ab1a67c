"""The steps of FAML, number by number: candidates of a search, and a model on another grid."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from subtomogram_phantoms import Blobs, blobs, simple_subtomograms

from ais_app.core.particles.correlation import Band
from ais_app.core.particles.faml_expectation import Expectation
from ais_app.core.particles.faml_model import Data, Model
from ais_app.core.particles.fourier import to_fourier
from ais_app.core.particles.orientations import angles_between, random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge

EDGE, SHELLS = 20, 4
COUNT = 6
WEDGES, NONE = (Wedge(),), np.zeros(COUNT, int)


def measured(snr):
    """Transforms of standardised cubes of one particle."""
    random = np.random.default_rng(3)
    poses = Poses.of(random_rotations(COUNT, random), random.uniform(-2, 2, (COUNT, 3)))
    cubes = torch.from_numpy(simple_subtomograms(blobs(10, EDGE, radius=0.18), poses, Wedge(), snr, random, EDGE))
    return to_fourier(cubes / cubes.flatten(1).std(dim=1)[:, None, None, None])


def particles(numbers, shells=SHELLS):
    """The transforms of particles as classes, on the grid of data up to a shell."""
    cubes = np.stack([blobs(number, EDGE, radius=0.18).cube(EDGE) for number in numbers])
    full = (Wedge(-90, 90),)
    return Data.of(to_fourier(torch.from_numpy(cubes)), EDGE, full, np.zeros(len(cubes), int), shells).transforms


@pytest.mark.parametrize("shells", [3, 6])
def test_noise_on_another_grid_is_that_measured_there(shells):
    noise = to_fourier(
        torch.from_numpy(np.random.default_rng(0).normal(size=(40, EDGE, EDGE, EDGE)).astype(np.float32))
    )
    first, second = (Data.of(noise, EDGE, WEDGES, np.zeros(40, int), each) for each in (4, shells))
    powers = [float(data.bands[0].of(data.transforms).abs().square().mean()) for data in (first, second)]
    model = Model(first.transforms[:1], np.ones(1), powers[0], 1.0).on(second)
    assert first.cubes.shape != second.cubes.shape
    assert model.sigma2 == pytest.approx(powers[1], rel=0.1)
    if shells < 4:  # a larger grid has places that the class does not fill
        assert torch.allclose(model.classes, second.transforms[:1], atol=1e-4)


def search(cube, particle, wedge, grid, sigma2, xi, scale=1.0):
    """The one candidate that is kept of a grid: its rotation and its shift z y x."""
    data = Data.of(to_fourier(torch.from_numpy(cube))[None], EDGE, (wedge,), np.zeros(1, int), SHELLS)
    full = (Wedge(-90, 90),)
    known = Data.of(to_fourier(torch.from_numpy(particle)), EDGE, full, np.zeros(1, int), SHELLS).transforms
    model = Model(known[None] * scale, np.ones(1), sigma2, xi)
    found = Expectation(data, data, model, grid, 1, 9.0).of(np.arange(1))
    return found.rotations[0, 0, 0], found.shifts[0, 0, 0]


def test_a_class_that_is_too_strong_is_not_hidden_in_the_wedge():
    """|R A - X|² is 2 R A X* less |R A|²: with the half of the first, least would be lost where least is seen."""
    wedge = Wedge(-25, 25)
    rod = Blobs(np.stack([np.zeros(7), np.zeros(7), np.linspace(-5, 5, 7)], axis=1), np.full(7, 1.5))
    along, across = np.eye(3), Rotation.from_rotvec([90, 0, 0], degrees=True).as_matrix()
    seen = simple_subtomograms(rod, Poses.unturned(1), wedge, np.inf, np.random.default_rng(0), EDGE)[0]
    rotation, _ = search(seen, rod.cube(EDGE), wedge, np.stack([along, across]), 1000.0, 5.0, scale=1.5)
    assert np.abs(rotation[2, 2]) > 0.9


def test_what_lies_farther_out_has_to_be_as_much_better():
    particle = blobs(10, EDGE, radius=0.1, widths=(1.2, 1.6))
    near, far = particle.cube(EDGE), particle.cube(EDGE, shift_zyx=np.array([0.0, 8.0, 0.0]))
    full = Wedge(-90, 90)
    power = float(Band.up_to(EDGE, SHELLS).of(to_fourier(torch.from_numpy(near))).abs().square().sum())
    grid = np.eye(3)[None]
    for spread, expected in ((1.0, 0.0), (100.0, 8.0)):  # voxels of shifts
        _, shift = search(far + 0.8 * near, near, full, grid, 0.1 * power, spread)
        assert np.abs(shift - (0, expected, 0)).max() < 2


def test_a_candidate_that_another_one_became_counts_once():
    data = Data.of(measured(5.0), EDGE, WEDGES, NONE, SHELLS)
    model = Model(particles([10]), np.ones(1), 40.0, 4.0)
    grid = Rotation.from_rotvec([[0, 0, 0], [0, 0, 4], [4, 0, 0], [180, 0, 0]], degrees=True).as_matrix()
    found = Expectation(data, data, model, grid, 4, 4.0).of(np.arange(COUNT))
    counts = np.isfinite(found.log_probability[:, 0])
    for row, kept in enumerate(counts):
        turns, moved = found.rotations[row, 0][kept], found.shifts[row, 0][kept]
        same = angles_between(turns[:, None], turns[None]) < 3
        same &= np.linalg.norm(moved[:, None] - moved[None], axis=-1) < 0.3
        assert kept.any() and np.array_equal(same, np.eye(len(turns)))
    assert not counts.all()  # some did become the same
    np.testing.assert_allclose(found.probability.sum(axis=(1, 2)), 1)
