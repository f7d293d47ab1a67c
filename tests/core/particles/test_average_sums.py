"""What average sums are divided by, number by number: weights, the cut, noise, symmetry."""

import numpy as np
import pytest
import torch
from subtomogram_phantoms import blobs, simple_subtomograms

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.particles.average import average_now
from ais_app.core.particles.average_sums import Sums, sums_job
from ais_app.core.particles.fourier import soft_sphere
from ais_app.core.particles.fsc import fourier_shell_correlation
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge

EDGE = 20


def made(count, snr=1.0, symmetry="C1"):
    """Subtomograms of one particle, what averages need of them, and the particle."""
    random = np.random.default_rng(4)
    particle = blobs(4, EDGE, count=12 if symmetry == "C1" else 4, symmetry=symmetry)
    poses = Poses.of(random_rotations(count, random), random.uniform(-1, 1, (count, 3)))
    cubes = simple_subtomograms(particle, poses, Wedge(), snr, random, EDGE)
    return (cubes, poses, [Wedge()], np.zeros(count, int)), particle.cube(EDGE)


def uniform(weight, count, seed=0):
    """Sums that have measured every place equally often."""
    random = torch.Generator().manual_seed(seed)
    transform = torch.randn((EDGE, EDGE, EDGE // 2 + 1), dtype=torch.complex64, generator=random)
    return Sums(transform, torch.full(transform.shape, float(weight)), count)


def test_weights_that_are_next_to_nothing_count_as_nothing():
    given, _ = made(4)
    found = average_now(*given, weights=[1, 1e-5, 1e-40, 1e-40])
    expected = average_now(*given, weights=[1, 1e-5, 0, 0])
    for part, same in zip(found[:3], expected[:3], strict=True):
        assert np.isfinite(part).all()
        np.testing.assert_array_equal(part, same)
    none = average_now(*given, weights=[1e-40] * 4)
    assert not none.average.any() and none.fsc is None


def test_of_less_than_one_cube_is_kept_what_all_have_measured():
    given, _ = made(4)
    sums = run(sums_job(*given, weights=np.array([1, 2, 3, 4]) * 1e-5, device="cpu"))[0]
    kept = sums.spectrum() != 0
    assert sums.count == pytest.approx(1e-4)
    assert kept.any() and bool((sums.weight[kept] > 0.99e-4).all()) and bool((sums.weight[~kept][1:] < 0.99e-4).all())


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_no_number_are_refused(wrong):
    given, _ = made(3)
    with pytest.raises(ParameterProblem, match="weights"):
        average_now(*given, weights=[1, 1, wrong])


@pytest.mark.parametrize(("count", "least"), [(1e-5, 1e-5), (0.5, 0.5), (10, 1), (100, 5)])
def test_places_that_hardly_a_cube_has_measured_stay_empty(count, least):
    sums = uniform(least, count)
    sums.weight[1, 2, 3] = 0.99 * least  # short of the cut by more than sums of float32 may be
    sums.weight[3, 2, 1] = 0.9999 * least
    kept = sums.spectrum() != 0
    assert not kept[1, 2, 3] and kept[3, 2, 1] and int((~kept).sum()) == 1
    assert torch.equal(sums.spectrum()[kept], (sums.transform / sums.weight)[kept])


@pytest.mark.parametrize("weight", [1.0, 4.0])
def test_noise_is_made_weaker_by_the_signal_to_noise_ratio(weight):
    sums, snr = uniform(weight, weight), np.linspace(0.2, 5, EDGE // 2 + 1)
    plain, filtered = sums.spectrum(), sums.spectrum(snr)
    along = np.fft.fftfreq(EDGE, 1 / EDGE)
    shells = np.rint(np.sqrt(along[:, None, None] ** 2 + along[:, None] ** 2 + along[: EDGE // 2 + 1] ** 2)).astype(int)
    of_place = snr[np.minimum(shells, EDGE // 2)]
    expected = plain.numpy() * (of_place / (1 + of_place))
    np.testing.assert_allclose(filtered.numpy(), expected, rtol=1e-4)


def test_equal_parts_add_their_grey_values():
    given, truth = made(6, np.inf, "C3")
    found = average_now(*given, symmetry="C3", fine=True).average
    inside = soft_sphere(EDGE) > 0.5
    assert np.polyfit(truth[inside], found[inside], 1)[0] == pytest.approx(0.95, abs=0.1)


def test_halves_are_compared_within_the_mask():
    given, _ = made(12)
    ball = soft_sphere(EDGE, 6)
    for mask, meant in ((None, soft_sphere(EDGE)), (ball, ball)):
        found = average_now(*given, voxel_size=7.0, mask=mask)
        expected = fourier_shell_correlation(found.half1, found.half2, 7.0, meant)
        assert found.fsc is not None and found.fsc.corrected is not None
        np.testing.assert_allclose(found.fsc.corrected, expected.corrected, atol=1e-9)
        np.testing.assert_array_equal(found.fsc.best, found.fsc.corrected)
