"""The constrained correlation and its coarse search against what their formulas say, written out."""

import math

import numpy as np
import pytest
import torch
from subtomogram_phantoms import Blobs, blobs, simple_subtomograms

from ais_app.core.particles.align import AlignParams, align
from ais_app.core.particles.correlation import Band, Reference, Sampled
from ais_app.core.particles.exhaustive import exhaustive
from ais_app.core.particles.fourier import to_fourier
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.search import Shifts, search, turned_grid
from ais_app.core.particles.wedge import Wedge

EDGE = 24
QUARTER = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
# turns of the grid into itself: nothing lies between its places
EXACT = np.stack([np.eye(3), np.diag([-1.0, -1, 1]), np.diag([1.0, -1, -1]), QUARTER, QUARTER.T, QUARTER.T[::-1, ::-1]])


def subtomograms(count, wedges, snr, seed=1, reach=0.0):
    """Subtomograms of one particle, its cube, and its poses in them."""
    random = np.random.default_rng(seed)
    particle = blobs(seed, EDGE, radius=0.25)
    poses = Poses.of(random_rotations(count, random), random.uniform(-reach, reach, (count, 3)))
    return simple_subtomograms(particle, poses, wedges, snr, random, EDGE), particle.cube(EDGE), poses


@pytest.mark.parametrize("wedge", [Wedge(-60, 30), Wedge(-20, 50, "x")])
def test_the_mask_of_a_reference_turns_with_it(wedge):
    """What it knows of k it knows of -k, of which transforms hold but one."""
    cube = blobs(1, EDGE).cube(EDGE)
    band = Band.up_to(EDGE, 8)
    sampled = Sampled(Reference(cube, wedge.mask(EDGE).numpy()), 8)
    _, known = sampled(torch.from_numpy(EXACT).float(), band.k)
    expected = wedge.mask(EDGE, torch.from_numpy(np.swapaxes(EXACT, 1, 2))).flatten(1)[:, band.index]
    assert torch.equal(known, expected) and 0.2 < float(known.mean()) < 0.9


def test_sampled_is_the_transform_of_the_particle():
    random = np.random.default_rng(2)
    particle = Blobs(random.uniform(-6, 6, (6, 3)), random.uniform(1.2, 1.6, 6))
    rotations = random_rotations(6, random)
    band = Band.up_to(EDGE, 9)
    got = Sampled(Reference(particle.cube(EDGE)), 9)(torch.from_numpy(rotations).float(), band.k)[0].numpy()
    k = band.k.numpy().astype(float) / EDGE
    heights = (
        (2 * np.pi) ** 1.5 * particle.widths**3 * np.exp(-2 * np.pi**2 * particle.widths**2 * (k**2).sum(1)[:, None])
    )
    expected = np.stack([(heights * np.exp(-2j * np.pi * k @ (r @ particle.places.T))).sum(1) for r in rotations])
    scale = (got * expected.conj()).real.sum() / (np.abs(got) ** 2).sum()
    off = np.sqrt((np.abs(got * scale - expected) ** 2).sum() / (np.abs(expected) ** 2).sum())
    assert off < 0.02


def test_grey_values_of_a_reference_begin_anywhere():
    cubes, reference, _ = subtomograms(3, Wedge(), 1.0, reach=2.0)
    asked = AlignParams(angular_step=40)
    poses = [align(one, cubes, [Wedge()], np.zeros(3, int), asked).poses for one in (reference, reference + 5)]
    np.testing.assert_allclose(poses[1].scores, poses[0].scores, atol=1e-4)
    np.testing.assert_allclose(poses[1].rotations, poses[0].rotations, atol=1e-3)


def test_each_score_is_that_within_the_wedge_of_its_own():
    wedges = [Wedge(-60, 60, "y"), Wedge(-20, 20, "x")]
    wedge_of = np.array([0, 1, 1, 0])
    cubes, reference, _ = subtomograms(4, [wedges[i] for i in wedge_of], 2.0, reach=1.0)
    found = align(reference, cubes, wedges, wedge_of).poses
    for row in range(4):
        turn = found.rotations[row : row + 1]
        slow = exhaustive(Reference(reference), cubes[row], wedges[wedge_of[row]], rotations=turn)
        # shifts of the slow search are whole voxels
        assert slow.scores[0] - 0.005 < found.scores[row] < slow.scores[0] + 0.05


def test_the_largest_correlation_over_all_shifts_is_that_of_the_sum():
    random = torch.Generator().manual_seed(3)
    band = Band.up_to(EDGE, 4)
    shifts = Shifts.up_to(5.0, band)
    values, other = (torch.randn((3, len(band.index)), dtype=torch.complex64, generator=random) for _ in range(2))
    found, which = shifts.best(shifts.spread(values), shifts.spread(other))
    steps = shifts.steps.double()
    waves = torch.exp(2j * math.pi / EDGE * (steps @ band.k.double().T))  # (shifts, frequencies)
    for row in range(3):
        every = (waves @ (values[row] * other[row].conj()).to(torch.complex128)).real
        every[steps.norm(dim=1) > 5.0 + 0.5 * EDGE / shifts.edge] = -torch.inf
        assert int(every.argmax()) == int(which[row])
        assert float(every.max()) == pytest.approx(float(found[row]), rel=1e-4)


def test_the_coarse_search_scores_as_the_slow_one():
    """Of a reference of which a part is not known, turned, in place."""
    wedge, random, particle = Wedge(-50, 40), np.random.default_rng(0), blobs(1, EDGE, radius=0.25)
    cubes = simple_subtomograms(particle, Poses.of(EXACT), wedge, 0.5, random, EDGE)
    first = simple_subtomograms(particle, Poses.unturned(1), wedge, 20, random, EDGE)
    reference, shells = Reference(first[0], wedge.mask(EDGE).numpy()), 6
    shifts = Shifts.up_to(0.0, Band.up_to(EDGE, shells, wedge.mask(EDGE)))
    grid = turned_grid(Sampled(reference, shells), torch.from_numpy(EXACT).float(), shifts)
    fit, of = search(shifts.band.of(to_fourier(torch.from_numpy(cubes))), shifts, grid, len(EXACT), 0.0)
    for place, row in enumerate(of.tolist()):
        turn = fit.rotations[place : place + 1].double().numpy()
        slow = exhaustive(reference, cubes[row], wedge, rotations=turn, shells=shells, farthest=0.5)
        assert float(fit.scores[place]) == pytest.approx(slow.scores[0], abs=0.01)


def test_the_coarse_search_finds_the_best_of_its_grid():
    """Within the wedge alone: a rod along the beam is hardly seen, and a correlation takes that into account."""
    edge, count, wedge, step, shells = 16, 5, Wedge(-25, 25), 45.0, 4
    rod = Blobs(np.stack([np.zeros(5), np.linspace(-1, 1, 5), np.linspace(-5, 5, 5)], axis=1), np.full(5, 1.6))
    reference, random = rod.cube(edge), np.random.default_rng(5)
    cubes = simple_subtomograms(rod, Poses.of(random_rotations(count, random)), wedge, 0.02, random, edge)
    asked = AlignParams(angular_step=step, refine=False, candidates=1, coarse_shell=shells, shift=2, low_pass=shells)
    found = align(reference, cubes, [Wedge(-90, 90), wedge], np.ones(count, int), asked).poses
    for row in range(count):
        slow = exhaustive(Reference(reference), cubes[row], wedge, step=step, shells=shells, farthest=2)
        assert found.scores[row] > slow.scores[0] - 0.02
