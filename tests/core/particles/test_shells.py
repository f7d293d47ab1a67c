"""Shells of Fourier space, number by number: sums, variances, corrected curves, and what follows from them."""

import numpy as np
import pytest
import torch

from ais_app.core.particles.average_sums import Sums
from ais_app.core.particles.fourier import from_fourier, radii, soft_sphere, to_fourier
from ais_app.core.particles.fsc import ShellCorrelation, fourier_shell_correlation
from ais_app.core.particles.halves_params import AverageParams
from ais_app.core.particles.halves_references import filtered, next_shell, reference_of
from ais_app.core.particles.orientations import symmetry_rotations
from ais_app.core.particles.shells import snr_by_shell, sum_by_shell


def noise(edge, seed):
    return np.random.default_rng(seed).standard_normal((edge,) * 3).astype(np.float32)


@pytest.mark.parametrize("edge", [7, 8, 12])
def test_a_shell_holds_what_the_whole_of_fourier_space_holds(edge):
    along = np.fft.fftfreq(edge, 1 / edge)
    shells = np.rint(np.sqrt(along[:, None, None] ** 2 + along[:, None] ** 2 + along**2)).astype(int)
    ones = sum_by_shell(torch.ones((edge, edge, edge // 2 + 1)), edge)
    np.testing.assert_array_equal(ones, np.bincount(shells.ravel())[: edge // 2 + 1])
    cube = noise(edge, 1)
    power = np.bincount(shells.ravel(), np.abs(np.fft.fftn(cube)).ravel() ** 2)[: edge // 2 + 1]
    np.testing.assert_allclose(sum_by_shell(to_fourier(torch.from_numpy(cube)).abs() ** 2, edge), power, rtol=1e-5)


def test_three_members_tell_the_ratio_too():
    """Their variance is that of so few: divided by one less than they are."""
    edge, snr = 32, 2.0
    signal = noise(edge, 1) * snr**0.5
    members = torch.stack([to_fourier(torch.from_numpy(signal + noise(edge, 10 + i))) for i in range(3)])
    count = torch.full(members.shape[1:], 3.0)
    found = snr_by_shell(members.sum(0), (members.abs() ** 2).sum(0), count, edge)
    assert np.median(found[6:]) == pytest.approx(3 * snr, rel=0.05)


def test_correction_begins_two_shells_beyond_where_phases_are_mixed():
    edge, ball = 32, soft_sphere(32, 8, 2)
    kept = to_fourier(torch.from_numpy(noise(edge, 3) * soft_sphere(edge, 10))) * (radii(edge) < 7)
    signal = from_fourier(kept, edge).numpy()
    first, second = (signal + 0.4 * signal.std() * noise(edge, seed) for seed in (4, 5))
    found = fourier_shell_correlation(first, second, 5.0, ball)
    start = int(np.flatnonzero(found.fsc < 0.8)[0])
    assert 3 < start < edge // 2 - 4
    masked, random = found.fsc_masked, found.fsc_random
    np.testing.assert_array_equal(found.corrected[: start + 2], masked[: start + 2])
    formula = (masked[start:] - random[start:]) / (1 - random[start:])
    np.testing.assert_allclose(found.corrected[start + 2 :], formula[2:], atol=1e-12)
    assert (np.abs(formula[:2] - masked[start : start + 2]) > 1e-3).all()  # so that the two are told


CURVE = np.array([1, 0.9, 0.8, 0.7, 0.5, 0.1, 0.6, 0.0, 0.0])  # agrees up to shell 4


@pytest.mark.parametrize(
    ("shells", "fsc", "expected"),
    [(1, CURVE, 3), (3, CURVE, 5), (4, CURVE, 5), (5, CURVE, 5), (7, CURVE, 7), (5, np.ones(9), 7), (8, np.ones(9), 9)],
)
def test_the_next_shell_is_a_little_finer_than_what_halves_agree_on(shells, fsc, expected):
    found = ShellCorrelation(16, 5.0, fsc)
    assert next_shell(shells, fsc, AverageParams(schedule="fsc"), found) == expected
    assert next_shell(shells, fsc, AverageParams(schedule="step"), found) == shells + 1
    assert next_shell(shells, fsc, AverageParams(schedule="fsc"), None) == shells + 1


def test_a_reference_is_the_average_of_a_half_weaker_where_halves_disagree():
    edge, weight = 16, 3.0
    spectrum = to_fourier(torch.from_numpy(noise(edge, 1)))
    spectrum[0, 0, 0] = 0
    sums = Sums(spectrum * weight, torch.full(spectrum.shape, weight), weight)
    fsc, outline = np.linspace(0.95, 0.05, edge // 2 + 1), soft_sphere(edge)
    made = reference_of(sums, 5.0, outline, fsc)
    # the ratio in one half is FSC / (1 - FSC), and signal / (signal + noise) then the FSC itself
    shells = radii(edge).round().long().clamp(max=edge // 2)
    weaker = from_fourier(spectrum * torch.from_numpy(fsc.astype(np.float32))[shells], edge).numpy()
    np.testing.assert_allclose(made.cube, filtered(weaker, 5.0, outline), atol=1e-4 * np.abs(made.cube).max())
    assert made.measured is None
    plain = reference_of(sums, 5.0, outline)
    expected = filtered(from_fourier(spectrum, edge).numpy(), 5.0, outline)
    np.testing.assert_allclose(plain.cube, expected, atol=1e-4 * np.abs(expected).max())


def test_a_reference_says_which_frequencies_it_lacks():
    edge = 16
    spectrum = to_fourier(torch.from_numpy(noise(edge, 1)))
    weight = torch.full(spectrum.shape, 3.0)
    weight[:, :, 2] = 0
    made = reference_of(Sums(spectrum * 3, weight, 3.0), 5.0, soft_sphere(edge))
    expected = np.ones(spectrum.shape, np.float32)
    expected[:, :, 2] = 0
    np.testing.assert_array_equal(made.measured, expected)


@pytest.mark.parametrize("edge", [8, 9, 20])
def test_a_ball_is_about_the_central_voxel(edge):
    ball = soft_sphere(edge)
    whole = ball[edge % 2 == 0 :, edge % 2 == 0 :, edge % 2 == 0 :]  # the first voxel of an even edge has no partner
    for axis in range(3):
        np.testing.assert_array_equal(whole, np.flip(whole, axis))
    assert ball[(edge // 2,) * 3] == 1 == ball.max()


def test_dihedral_symmetry_has_half_a_turn_about_x():
    turns = symmetry_rotations("D7")
    assert len(turns) == 14
    away = np.abs(turns - np.diag([1.0, -1, -1])).max(axis=(1, 2))
    assert away.min() < 1e-9
    assert np.abs(turns - np.diag([-1.0, 1, -1])).max(axis=(1, 2)).min() > 0.1  # an odd fold has none about y
